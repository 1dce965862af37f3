//! Consent to sharing wellbeing data with both sectors (000), and the answer if
//! there is no basis.

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, consent, sources};
use crate::calendar::CalendarDate;
use crate::declaration::ConsentKind;
use crate::verdict::Reason;

pub(super) static WB_CONSENT: Rule = Rule {
    id: "wb-consent",
    title: "The citizen's consent to sharing wellbeing data",
    sources: &[&sources::PAGE_000],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::Consent],
    find: Find::BySharing(find_consent),
    account: account_of_consent,
};

pub(super) static WB_NO_BASIS: Rule = Rule {
    id: "wb-no-basis",
    title: "Without a basis wellbeing data is not shared",
    sources: &[&sources::PAGE_000],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find_no_basis),
    account: account_of_no_basis,
};

fn find_consent(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    consent::permit(sharing, &ConsentKind::WellbeingData, Reason::Consent)
}

fn find_no_basis(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    Some(consent::no_basis(sharing, &[], || consent::not_standing(sharing, &ConsentKind::WellbeingData)))
}

fn account_of_consent(case: &Case<'_, '_>) -> Account {
    consent::account(Account::default(), case, &ConsentKind::WellbeingData)
}

fn account_of_no_basis(case: &Case<'_, '_>) -> Account {
    consent::account_of_no_basis(case, &[])
}
