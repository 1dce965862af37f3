//! Consent to sharing wellbeing data with both sectors (000), and the answer
//! where there is none.

use super::super::{Find, Finding, InForce, Rule, Sharing, consent};
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
    find: Find::BySharing(find_consent),
};

pub(super) static WB_NO_BASIS: Rule = Rule {
    id: "wb-no-basis",
    title: "Without a basis wellbeing data is not shared",
    silent: "there is a basis",
    sources: &["000"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find_no_basis),
};

fn find_consent(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    consent::permit(sharing, &ConsentKind::WellbeingData, Reason::Consent)
}

fn find_no_basis(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    Some(consent::no_basis(sharing, &[], || consent::not_standing(sharing, &ConsentKind::WellbeingData)))
}
