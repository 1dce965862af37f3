//! The names of enum values in the interface, without their prefixes, for the
//! facts of explanations.

use super::declaration::{Against, ConsentKind, DataKind, Denial, DenialSector, Recipient, Scope};
use super::directory::{OrganisationKind, RegisterKind};
use super::request::{Channel, Ground, RecordKind};

/// A value with a name in the interface.
pub(crate) trait Word {
    /// The name, without its prefix.
    fn word(&self) -> &'static str;
}

macro_rules! words {
    ($type:ty { $($variant:pat => $word:literal),+ $(,)? }) => {
        impl Word for $type {
            fn word(&self) -> &'static str {
                match self { $($variant => $word),+ }
            }
        }
    };
}

words!(Channel {
    Channel::Kanta => "KANTA",
    Channel::UusimaaLocalDatabase => "UUSIMAA_LOCAL_DATABASE",
    Channel::OutsideKanta => "OUTSIDE_KANTA",
});
words!(Ground {
    Ground::CareRelationship => "CARE_RELATIONSHIP",
    Ground::ClientRelationship => "CLIENT_RELATIONSHIP",
    Ground::OtherJustified => "OTHER_JUSTIFIED",
});
words!(DataKind {
    DataKind::PatientSummary => "PATIENT_SUMMARY",
    DataKind::ServiceEventEntry => "SERVICE_EVENT_ENTRY",
    DataKind::StatementOrCertificate => "STATEMENT_OR_CERTIFICATE",
    DataKind::Prescription => "PRESCRIPTION",
});
words!(ConsentKind<'_> {
    ConsentKind::Healthcare => "HEALTHCARE",
    ConsentKind::SocialWelfare => "SOCIAL_WELFARE",
    ConsentKind::PatientDataToSocialWelfare => "PATIENT_DATA_TO_SOCIAL_WELFARE",
    ConsentKind::ClientDataToHealthcare => "CLIENT_DATA_TO_HEALTHCARE",
    ConsentKind::WellbeingData => "WELLBEING_DATA",
    ConsentKind::LocalCrossSector { .. } => "LOCAL_CROSS_SECTOR",
    ConsentKind::VerbalPrescription => "VERBAL_PRESCRIPTION",
});
words!(Against {
    Against::OtherProviders => "OTHER_PROVIDERS",
    Against::OwnOtherRegisters => "OWN_OTHER_REGISTERS",
    Against::UusimaaPublicHealthcare => "UUSIMAA_PUBLIC_HEALTHCARE",
});
words!(DenialSector {
    DenialSector::Healthcare => "HEALTHCARE",
    DenialSector::SocialWelfare => "SOCIAL_WELFARE",
    DenialSector::Both => "BOTH",
});
words!(OrganisationKind {
    OrganisationKind::WellbeingServicesCounty => "WELLBEING_SERVICES_COUNTY",
    OrganisationKind::CityOfHelsinki => "CITY_OF_HELSINKI",
    OrganisationKind::HusGroup => "HUS_GROUP",
    OrganisationKind::StateHealthcare => "STATE_HEALTHCARE",
    OrganisationKind::DefenceForcesHealthcare => "DEFENCE_FORCES_HEALTHCARE",
    OrganisationKind::StateSocialWelfare => "STATE_SOCIAL_WELFARE",
    OrganisationKind::Private => "PRIVATE",
    OrganisationKind::FormerPublic => "FORMER_PUBLIC",
    OrganisationKind::KantaServices => "KANTA_SERVICES",
});
words!(RegisterKind {
    RegisterKind::PublicHealthcare => "PUBLIC_HEALTHCARE",
    RegisterKind::PublicOccupational => "PUBLIC_OCCUPATIONAL",
    RegisterKind::PrivateHealthcare => "PRIVATE_HEALTHCARE",
    RegisterKind::PrivateOccupational => "PRIVATE_OCCUPATIONAL",
    RegisterKind::SocialWelfare => "SOCIAL_WELFARE",
    RegisterKind::WellbeingData => "WELLBEING_DATA",
});

impl Word for RecordKind {
    fn word(&self) -> &'static str {
        match self {
            Self::Patient(kind) => kind.word(),
            Self::ClientDocument => "CLIENT_DOCUMENT",
            Self::WellbeingData => "WELLBEING_DATA",
        }
    }
}

/// The names of several values, or `ALL` for none.
pub(crate) fn words<'w, W: Word + 'w>(values: impl IntoIterator<Item = &'w W>) -> String {
    let words: Vec<&str> = values.into_iter().map(Word::word).collect();
    if words.is_empty() { "ALL".to_owned() } else { words.join(", ") }
}

/// A denial's scope: its name and the id in it.
pub(crate) fn scope(denial: &Denial) -> String {
    match &denial.scope {
        Scope::AllPatientData => "ALL_PATIENT_DATA".to_owned(),
        Scope::ServiceEvent(id) => format!("SERVICE_EVENT {}", id.as_str()),
        Scope::Register(oid) => format!("REGISTER {oid}"),
        Scope::Prescription(id) => format!("PRESCRIPTION {}", id.as_str()),
        Scope::FormerProvider(oid) => format!("FORMER_PROVIDER {oid}"),
        Scope::ServiceTransaction(id) => format!("SERVICE_TRANSACTION {}", id.as_str()),
        Scope::Document(id) => format!("DOCUMENT {}", id.as_str()),
        Scope::ServiceTask(id) => format!("SERVICE_TASK {}", id.as_str()),
        Scope::Extensive => "EXTENSIVE".to_owned(),
    }
}

/// A recipient: `ALL_PUBLIC` or an OID.
pub(crate) fn recipient(recipient: &Recipient) -> String {
    match recipient {
        Recipient::AllPublic => "ALL_PUBLIC".to_owned(),
        Recipient::Organisation(oid) => oid.to_string(),
    }
}
