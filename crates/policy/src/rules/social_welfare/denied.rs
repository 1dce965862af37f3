//! The client's denials within social welfare (003).

use super::super::{Account, Case, Find, Finding, Period, Rule, denial, sources};
use crate::directory::Sector;
use crate::verdict::Reason;

pub(super) static SW_DENIED: Rule = Rule {
    id: "sw-denied",
    title: "A denial that covers the record",
    sources: &[&sources::PAGE_003, &sources::KANTA_DENIAL_OF_CLIENT_DATA],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::ByRecord(find),
    account,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    if case.sharing.declared.denials.is_empty() {
        return None;
    }
    denial::in_sector(case, Sector::SocialWelfare, |_| false)
}

fn account(case: &Case<'_, '_>) -> Account {
    denial::account(case, Sector::SocialWelfare)
}
