//! Denials of wellbeing data: an extensive denial of both sectors applies, a denial
//! of patient data does not reach the citizen's own data (000 names the consent
//! alone).

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, denial, sources};
use crate::verdict::Reason;

pub(super) static WB_DENIED: Rule = Rule {
    id: "wb-denied",
    title: "A denial of everything in both sectors",
    sources: &[&sources::PAGE_000],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    denial::extensively(sharing.declared)
}

fn account(case: &Case<'_, '_>) -> Account {
    let account = Account::default().say("a denial of patient data does not reach the citizen's own data");
    denial::account_of(account, denial::extensive_of_both(case.sharing.declared))
}
