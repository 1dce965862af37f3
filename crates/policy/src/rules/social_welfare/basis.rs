//! Consent to the sharing of client data within social welfare, through any
//! channel (003), and the answer if there is no basis.

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, consent, sources};
use crate::calendar::CalendarDate;
use crate::declaration::ConsentKind;
use crate::request::ClaimKind;
use crate::verdict::Reason;

pub(super) static SW_CONSENT: Rule = Rule {
    id: "sw-consent",
    title: "The client's consent to sharing client data in social welfare",
    sources: &[&sources::PAGE_003],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::Consent],
    find: Find::BySharing(find_consent),
    account: account_of_consent,
};

pub(super) static SW_NO_BASIS: Rule = Rule {
    id: "sw-no-basis",
    title: "Without a basis client data is not shared",
    sources: &[&sources::PAGE_003],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find_no_basis),
    account: account_of_no_basis,
};

fn find_consent(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    consent::permit(sharing, &ConsentKind::SocialWelfare, Reason::Consent)
}

fn find_no_basis(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    Some(consent::no_basis(sharing, &[ClaimKind::StatutoryRight], || {
        consent::not_standing(sharing, &ConsentKind::SocialWelfare)
    }))
}

fn account_of_consent(case: &Case<'_, '_>) -> Account {
    consent::account(Account::default(), case, &ConsentKind::SocialWelfare)
}

fn account_of_no_basis(case: &Case<'_, '_>) -> Account {
    consent::account_of_no_basis(case, &[ClaimKind::StatutoryRight])
}
