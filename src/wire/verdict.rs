//! An answer, to the wire.

use crate::policy::declaration::ClientDeclarations;
use crate::policy::verdict::{Detail, Effect, Obligation, Reason, Verdict};

use super::v1;

/// How much of a verdict a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// The public reason only. It does not tell a denial from a missing consent.
    Public,
    /// The detail, the rule and the declarations too.
    Detailed,
}

/// Writes a verdict, as much of it as the caller may see. `id_of` gives the id
/// of the declaration at a place.
#[must_use]
pub fn to_verdict(
    verdict: &Verdict,
    disclosure: Disclosure,
    id_of: impl Fn(u32) -> Option<String>,
) -> v1::Verdict {
    let Verdict { reason, detail, rule, declarations, missing, obligations, invalid_field } = verdict;
    let public = v1::Verdict {
        effect: to_effect(verdict.effect()).into(),
        reason: to_reason(*reason).into(),
        obligations: obligations.iter().map(|obligation| to_obligation(obligation).into()).collect(),
        detail: v1::Detail::Unspecified.into(),
        rule: String::new(),
        declarations: Vec::new(),
        missing_conditions: Vec::new(),
        invalid_field: invalid_field.map(|field| field.name().to_owned()).unwrap_or_default(),
    };
    match disclosure {
        Disclosure::Public => public,
        Disclosure::Detailed => v1::Verdict {
            detail: detail.map(to_detail).unwrap_or(v1::Detail::Unspecified).into(),
            rule: rule.map(|rule| rule.id.to_owned()).unwrap_or_default(),
            declarations: declarations.iter().filter_map(id_of).collect(),
            missing_conditions: missing.iter().map(|condition| condition.name().to_owned()).collect(),
            ..public
        },
    }
}

/// The id of the declaration at a place.
pub fn id_among(declarations: &ClientDeclarations) -> impl Fn(u32) -> Option<String> {
    |place| declarations.get(place as usize).map(|declaration| declaration.id.as_str().to_owned())
}

fn to_effect(effect: Effect) -> v1::Effect {
    match effect {
        Effect::Permit => v1::Effect::Permit,
        Effect::Deny => v1::Effect::Deny,
    }
}

/// Writes a public reason.
#[must_use]
pub fn to_reason(reason: Reason) -> v1::Reason {
    match reason {
        Reason::OwnRegister => v1::Reason::OwnRegister,
        Reason::Consent => v1::Reason::Consent,
        Reason::UusimaaInformed => v1::Reason::UusimaaInformed,
        Reason::PrescriptionInformed => v1::Reason::PrescriptionInformed,
        Reason::OutsourcedService => v1::Reason::OutsourcedService,
        Reason::StatutoryRight => v1::Reason::StatutoryRight,
        Reason::JointService => v1::Reason::JointService,
        Reason::ClientUnableToDecide => v1::Reason::ClientUnableToDecide,
        Reason::LocalConsent => v1::Reason::LocalConsent,
        Reason::NotShareable => v1::Reason::NotShareable,
        Reason::NotOpen => v1::Reason::NotOpen,
        Reason::RelationshipMissing => v1::Reason::RelationshipMissing,
        Reason::AccessRightMissing => v1::Reason::AccessRightMissing,
        Reason::UnknownRegister => v1::Reason::UnknownRegister,
        Reason::InvalidRecord => v1::Reason::InvalidRecord,
    }
}

fn to_detail(detail: Detail) -> v1::Detail {
    match detail {
        Detail::DenialAllPatientData => v1::Detail::DenialAllPatientData,
        Detail::DenialServiceEvent => v1::Detail::DenialServiceEvent,
        Detail::DenialRegister => v1::Detail::DenialRegister,
        Detail::DenialPrescription => v1::Detail::DenialPrescription,
        Detail::DenialFormerProvider => v1::Detail::DenialFormerProvider,
        Detail::DenialServiceTransaction => v1::Detail::DenialServiceTransaction,
        Detail::DenialServiceTask => v1::Detail::DenialServiceTask,
        Detail::DenialDocument => v1::Detail::DenialDocument,
        Detail::DenialExtensive => v1::Detail::DenialExtensive,
        Detail::InformationMissing => v1::Detail::InformationMissing,
        Detail::ConsentMissing => v1::Detail::ConsentMissing,
        Detail::ConsentWithdrawn => v1::Detail::ConsentWithdrawn,
        Detail::ConsentBeforeInformation => v1::Detail::ConsentBeforeInformation,
        Detail::ConsentKantaOnly => v1::Detail::ConsentKantaOnly,
        Detail::ConsentRecipientOutside => v1::Detail::ConsentRecipientOutside,
        Detail::ConsentDataOutside => v1::Detail::ConsentDataOutside,
        Detail::ConsentTaskOutside => v1::Detail::ConsentTaskOutside,
        Detail::ConsentPeriodOutside => v1::Detail::ConsentPeriodOutside,
        Detail::LocalDatabaseInformationTooOld => v1::Detail::LocalDatabaseInformationTooOld,
        Detail::LocalDatabaseNotPublicUusimaa => v1::Detail::LocalDatabaseNotPublicUusimaa,
        Detail::SharingNotStarted => v1::Detail::SharingNotStarted,
        Detail::SystemNotReady => v1::Detail::SystemNotReady,
        Detail::ClaimIncomplete => v1::Detail::ClaimIncomplete,
    }
}

fn to_obligation(obligation: Obligation) -> v1::Obligation {
    match obligation {
        Obligation::ProvideInformation => v1::Obligation::ProvideInformation,
        Obligation::NecessaryDataOnly => v1::Obligation::NecessaryDataOnly,
        Obligation::CheckLegacyDenial => v1::Obligation::CheckLegacyDenial,
        Obligation::CheckDenialsBeforeDisclosing => v1::Obligation::CheckDenialsBeforeDisclosing,
    }
}
