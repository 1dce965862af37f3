//! Use inside one register is not sharing: denials and consents do not apply (002, 003).

use super::super::account::{held_in, named_organisation, named_register};
use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::calendar::CalendarDate;
use crate::verdict::Reason;

pub(super) static OWN_REGISTER: Rule = Rule {
    id: "own-register",
    title: "Use inside the register, or of data that a former provider merged into it",
    sources: &[&sources::PAGE_002, &sources::PAGE_003],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::CountiesBegin],
    reasons: &[Reason::OwnRegister],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    let is_own = sharing.requester.has_same_register(sharing.holder) || has_merged_into_requester(sharing);
    is_own.then(|| Finding::plain(Reason::OwnRegister))
}

/// Whether the holder is a former provider's register of the same kind, from the
/// first day of the successor that is the requester's controller (002).
fn has_merged_into_requester(sharing: &Sharing<'_, '_>) -> bool {
    sharing.holder.is_merged()
        && sharing.requester.has_same_controller(sharing.holder)
        && sharing.holder.register.kind == sharing.requester.register.kind
}

fn account(case: &Case<'_, '_>) -> Account {
    let requester = &case.sharing.requester;
    held_in(case).fact("requester.register", requester.register.oid.to_string()).say(format!(
        "the requester is {} of {}",
        named_register(requester.register),
        named_organisation(requester.controller)
    ))
}
