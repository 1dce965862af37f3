//! The two kinds of denials that apply across sectors: an extensive denial of both
//! sectors (000), and a denial of this prescription (kanta:
//! professionals/sharing-of-prescription-data).

use super::super::{Account, Case, Find, Finding, Period, Rule, denial, sources};
use crate::verdict::Reason;

pub(super) static XS_DENIED: Rule = Rule {
    id: "xs-denied",
    title: "A denial of everything in both sectors, or of this prescription",
    sources: &[&sources::PAGE_000, &sources::PAGE_004, &sources::KANTA_PRESCRIPTIONS],
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
    denial::in_any_sector(case)
}

fn account(case: &Case<'_, '_>) -> Account {
    let account = Account::default().say("other denials do not apply across sectors");
    denial::account_of(account, denial::across_sectors(case))
}
