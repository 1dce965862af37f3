//! An answer, to the wire.

use crate::policy::declaration::ClientDeclarations;
use crate::policy::inline_list::InlineList;
use crate::policy::request::{Conditions, RecordField};
use crate::policy::verdict::{Deciding, Detail, Effect, Obligation, Reason, RuleId, Verdict};

use super::v1;

/// How much of a verdict a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// The public reason only. It does not tell a denial from a missing consent.
    Public,
    /// The detail, the rule and the declarations too.
    Detailed,
}

/// A verdict in the words of the wire, as much of it as a caller may see.
/// Zero and empty = unset.
pub(super) struct Told {
    pub(super) effect: v1::Effect,
    pub(super) reason: v1::Reason,
    pub(super) obligations: InlineList<v1::Obligation, { Obligation::ALL.len() }>,
    pub(super) detail: v1::Detail,
    pub(super) rule: &'static str,
    /// Places among the client's declarations.
    pub(super) declarations: Deciding,
    pub(super) missing: Conditions,
    pub(super) invalid_field: &'static str,
}

impl Told {
    /// The one place where it is decided what is told.
    pub(super) fn of(verdict: &Verdict, disclosure: Disclosure) -> Self {
        let Verdict { reason, detail, rule, declarations, missing, obligations, invalid_field, holder: _ } =
            *verdict;
        let public = Self {
            effect: to_effect(verdict.effect()),
            reason: to_reason(reason),
            obligations: obligations.iter().map(to_obligation).collect(),
            detail: v1::Detail::Unspecified,
            rule: "",
            declarations: Deciding::none(),
            missing: Conditions::none(),
            invalid_field: invalid_field.map(RecordField::name).unwrap_or_default(),
        };
        match disclosure {
            Disclosure::Public => public,
            Disclosure::Detailed => Self {
                detail: detail.map(to_detail).unwrap_or(v1::Detail::Unspecified),
                rule: rule.map(RuleId::as_str).unwrap_or_default(),
                declarations,
                missing,
                ..public
            },
        }
    }
}

/// Writes a verdict, as much of it as the caller may see. `id_of` gives the id
/// of the declaration at a place.
#[must_use]
pub fn to_verdict<I: AsRef<str>>(
    verdict: &Verdict,
    disclosure: Disclosure,
    id_of: impl Fn(u32) -> Option<I>,
) -> v1::Verdict {
    let Told { effect, reason, obligations, detail, rule, declarations, missing, invalid_field } =
        Told::of(verdict, disclosure);
    v1::Verdict {
        effect: effect.into(),
        reason: reason.into(),
        obligations: obligations.iter().map(i32::from).collect(),
        detail: detail.into(),
        rule: rule.to_owned(),
        declarations: declarations.iter().filter_map(id_of).map(|id| id.as_ref().to_owned()).collect(),
        missing_conditions: missing.iter().map(|condition| condition.name().to_owned()).collect(),
        invalid_field: invalid_field.to_owned(),
    }
}

/// The id of the declaration at a place.
pub fn id_among<'i>(declarations: &'i ClientDeclarations) -> impl Fn(u32) -> Option<&'i str> {
    |place| declarations.get(place as usize).map(|declaration| declaration.id.as_str())
}

pub(super) fn to_effect(effect: Effect) -> v1::Effect {
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

pub(super) fn to_detail(detail: Detail) -> v1::Detail {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::request::Condition;
    use crate::policy::samples;

    #[test]
    fn only_the_entitled_are_told_more_than_the_reason() {
        let verdict = Verdict {
            reason: Reason::NotShareable,
            detail: Some(Detail::ClaimIncomplete),
            rule: Some(samples::rule_id("unknown-register")),
            declarations: [3].into_iter().collect(),
            missing: [Condition::Provision].into_iter().collect(),
            ..Verdict::invalid(RecordField::Kind)
        };
        let told = |disclosure| to_verdict(&verdict, disclosure, |place| Some(format!("id-{place}")));
        let public = v1::Verdict {
            effect: v1::Effect::Deny.into(),
            reason: v1::Reason::NotShareable.into(),
            invalid_field: "kind".to_owned(),
            ..v1::Verdict::default()
        };
        let detailed = v1::Verdict {
            detail: v1::Detail::ClaimIncomplete.into(),
            rule: "unknown-register".to_owned(),
            declarations: vec!["id-3".to_owned()],
            missing_conditions: vec!["provision".to_owned()],
            ..public.clone()
        };
        assert_eq!(told(Disclosure::Public), public);
        assert_eq!(told(Disclosure::Detailed), detailed);
    }
}
