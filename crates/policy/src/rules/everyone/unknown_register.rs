//! A register that the directory does not know.

use super::super::account::named_register;
use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::verdict::Reason;

/// `find` never decides: a [`Case`] exists only if both registers are known and
/// the requester's is one on whose behalf data is read. Otherwise `decide` returns
/// this rule without evaluating a list.
pub(crate) static UNKNOWN_REGISTER: Rule = Rule {
    id: "unknown-register",
    title: "A register that the directory does not know",
    sources: &[&sources::PAGE_002, &sources::PAGE_003, &sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::UnknownRegister],
    find: Find::BySharing(find),
    account,
};

fn find(_: &Sharing<'_, '_>) -> Option<Finding> {
    None
}

fn account(case: &Case<'_, '_>) -> Account {
    let Sharing { requester, holder, .. } = case.sharing;
    Account::default()
        .fact("requester.register", requester.register.oid.to_string())
        .fact("holder.register", holder.register.oid.to_string())
        .say(format!(
            "the directory knows the requester's register {} and the holder's {}",
            named_register(requester.register),
            named_register(holder.register)
        ))
}
