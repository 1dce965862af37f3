//! Consent to the sharing of patient data within healthcare (002), and the answer
//! if there is no basis.

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, consent, sources};
use crate::calendar::CalendarDate;
use crate::declaration::ConsentKind;
use crate::verdict::Reason;

pub(super) static HC_CONSENT: Rule = Rule {
    id: "hc-consent",
    title: "The client's consent to sharing patient data in healthcare",
    sources: &[&sources::PAGE_000, &sources::PAGE_002, &sources::KANTA_PATIENT_DATA],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce, CalendarDate::ConsentsCoverAllChannelsFrom],
    reasons: &[Reason::Consent],
    find: Find::BySharing(find_consent),
    account: account_of_consent,
};

pub(super) static HC_NO_BASIS: Rule = Rule {
    id: "hc-no-basis",
    title: "Without a basis patient data is not shared",
    sources: &[&sources::PAGE_002],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce, CalendarDate::ConsentsCoverAllChannelsFrom],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find_no_basis),
    account: account_of_no_basis,
};

fn find_consent(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    consent::permit(sharing, &ConsentKind::Healthcare, Reason::Consent)
}

fn find_no_basis(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    Some(consent::no_basis(sharing, &[], || consent::not_standing(sharing, &ConsentKind::Healthcare)))
}

fn account_of_consent(case: &Case<'_, '_>) -> Account {
    consent::account(Account::default(), case, &ConsentKind::Healthcare)
}

fn account_of_no_basis(case: &Case<'_, '_>) -> Account {
    consent::account_of_no_basis(case, &[])
}
