//! Consent to sharing wellbeing data with both sectors (000), and the answer
//! where there is none.

use super::super::{Case, Finding, InForce, Rule, consent};
use crate::policy::calendar::CalendarDate;
use crate::policy::declaration::ConsentKind;
use crate::policy::verdict::Reason;

pub(super) static WB_CONSENT: Rule = Rule {
    id: "wb-consent",
    title: "The citizen's consent to sharing wellbeing data",
    silent: "no effective consent to sharing wellbeing data",
    sources: &["000"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::Consent],
    find: find_consent,
};

pub(super) static WB_NO_BASIS: Rule = Rule {
    id: "wb-no-basis",
    title: "Without a basis wellbeing data is not shared",
    silent: "there is a basis",
    sources: &["000"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::NotShareable],
    find: find_no_basis,
};

fn find_consent(case: &Case<'_, '_>) -> Option<Finding> {
    consent::permit(case, &ConsentKind::WellbeingData, Reason::Consent)
}

fn find_no_basis(case: &Case<'_, '_>) -> Option<Finding> {
    Some(consent::no_basis(case, &[], Some(&ConsentKind::WellbeingData)))
}
