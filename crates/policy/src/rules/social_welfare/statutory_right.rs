//! The right to obtain information under the Act; denials do not apply (003).

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::request::ClaimKind;
use crate::verdict::Reason;

pub(super) static SW_STATUTORY_RIGHT: Rule = Rule {
    id: "sw-statutory-right",
    title: "A right to obtain information under the Act, with its provision",
    sources: &[&sources::PAGE_003],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::StatutoryRight],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    sharing.has_complete_claim(ClaimKind::StatutoryRight).then(|| Finding::plain(Reason::StatutoryRight))
}

fn account(case: &Case<'_, '_>) -> Account {
    Account::default().claim(case.sharing, ClaimKind::StatutoryRight, "a statutory right")
}
