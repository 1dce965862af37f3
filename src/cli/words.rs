//! Reasons, details, obligations and notices in words.

use crate::wire::v1::{Detail, Notice, Obligation, Reason, Verdict};

/// Why the record is permitted or denied, as precisely as the verdict says.
#[must_use]
pub fn why(verdict: &Verdict) -> String {
    let details = verdict.details();
    let detail =
        Detail::try_from(details.detail).map_or(Some("for a detail that this version does not know"), detail);
    let reason =
        Reason::try_from(verdict.reason).map_or("for a reason that this version does not know", reason);
    let mut why = detail.unwrap_or(reason).to_owned();
    if !details.missing_conditions.is_empty() {
        why.push_str(&format!(" (not specified: {})", details.missing_conditions.join(", ")));
    }
    if !verdict.invalid_field.is_empty() {
        why.push_str(&format!(" (field: {})", verdict.invalid_field));
    }
    why
}

/// A public reason.
#[must_use]
pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Unspecified => "no reason was given",
        Reason::OwnRegister => "the record is in the requester's own register: no sharing",
        Reason::Consent => "the client consented",
        Reason::UusimaaInformed => "public healthcare in Uusimaa, and the client is informed",
        Reason::PrescriptionInformed => "a prescription, and the client is informed",
        Reason::OutsourcedService => "made in an outsourced service, between its parties",
        Reason::StatutoryRight => "the requester has a statutory right to the data",
        Reason::JointService => "a joint service of social welfare and healthcare",
        Reason::ClientUnableToDecide => "the client is unable to decide on consent",
        Reason::LocalConsent => "the client consented to sharing inside this controller",
        Reason::NotShareable => "the client's declarations do not allow it",
        Reason::NotOpen => "this sharing has not started, or a system is not ready",
        Reason::RelationshipMissing => "no care or client relationship or other justified ground",
        Reason::AccessRightMissing => "the professional has no access right to the data",
        Reason::UnknownRegister => "a register is not in the directory",
        Reason::InvalidRecord => "the record cannot be read or checked",
    }
}

/// A detail. None: it is unspecified.
#[must_use]
pub fn detail(detail: Detail) -> Option<&'static str> {
    Some(match detail {
        Detail::Unspecified => return None,
        Detail::DenialAllPatientData => "the client denied sharing all patient data",
        Detail::DenialServiceEvent => "the client denied sharing this service event",
        Detail::DenialRegister => "the client denied sharing this register",
        Detail::DenialPrescription => "the client denied sharing this prescription",
        Detail::DenialFormerProvider => "the client denied sharing the data of this former provider",
        Detail::DenialServiceTransaction => "the client denied sharing this service transaction",
        Detail::DenialServiceTask => "the client denied sharing this service task",
        Detail::DenialDocument => "the client denied sharing this document",
        Detail::DenialExtensive => "the client denied all sharing",
        Detail::InformationMissing => "the client has not been informed",
        Detail::ConsentMissing => "the client never consented",
        Detail::ConsentWithdrawn => "the client withdrew the consent",
        Detail::ConsentBeforeInformation => {
            "the consent was given before the client was informed: it must be given again"
        }
        Detail::ConsentKantaOnly => "the consent covers sharing through Kanta only",
        Detail::ConsentRecipientOutside => "the consent does not name this recipient",
        Detail::ConsentDataOutside => "the consent does not cover this kind of data",
        Detail::ConsentTaskOutside => "the consent does not cover the record's service tasks",
        Detail::ConsentPeriodOutside => "the consent does not cover the recording day",
        Detail::LocalDatabaseInformationTooOld => {
            "the information that the client received is too old for local databases"
        }
        Detail::LocalDatabaseNotPublicUusimaa => "local databases are only for public healthcare in Uusimaa",
        Detail::SharingNotStarted => "this sharing has not started",
        Detail::SystemNotReady => "a register's system is not ready for it",
        Detail::ClaimIncomplete => "a claim lacks a condition",
    })
}

/// What the caller must do in addition.
#[must_use]
pub fn obligation(obligation: Obligation) -> &'static str {
    match obligation {
        Obligation::Unspecified => "an unspecified obligation",
        Obligation::ProvideInformation => "give the client the newest information",
        Obligation::NecessaryDataOnly => "use only the data that is necessary",
        Obligation::CheckLegacyDenial => "check for an old denial by service provider",
        Obligation::CheckDenialsBeforeDisclosing => "check the denials before disclosing",
    }
}

/// What the professional should know about the recorded declaration.
#[must_use]
pub fn notice(notice: Notice) -> &'static str {
    match notice {
        Notice::Unspecified => "an unspecified notice",
        Notice::LateEntry => "late entry: it was given on an earlier day than it was recorded",
        Notice::ProvideInformation => {
            "the client has not received the newest information about the Kanta Services: give it"
        }
        Notice::ConsentReplaced => "it replaced the client's earlier consent of the same kind",
        Notice::Superseded => {
            "it is superseded and has no effect: a later declaration of the client about this kind of consent \
             was already recorded"
        }
        Notice::AlreadyDenied => "an equal denial was already in force: each must be withdrawn separately",
        Notice::StillDenied => {
            "another denial of the same scope is still in force: withdraw it too if the client wishes"
        }
        Notice::AlreadyLinked => "the codes were already linked, with the same current code",
    }
}
