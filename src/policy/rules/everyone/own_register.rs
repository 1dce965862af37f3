//! Use inside one register is not sharing: denials and consents are not looked at (002, 003).

use super::super::{Case, Finding, InForce, Rule};
use crate::policy::calendar::CalendarDate;
use crate::policy::directory::OrganisationKind;
use crate::policy::verdict::Reason;

pub(super) static OWN_REGISTER: Rule = Rule {
    id: "own-register",
    title: "Use inside the register, or of what a former provider merged into it",
    silent: "the record is held in another register, so this is sharing",
    sources: &["002", "003"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::CountiesBegin],
    reasons: &[Reason::OwnRegister],
    find,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    let is_own = case.holder.register.oid == case.requester.register.oid || has_merged_into_requester(case);
    is_own.then(|| Finding::plain(Reason::OwnRegister))
}

/// A former provider's register of the same kind, from the first day of the
/// successor that is the requester's controller (002).
fn has_merged_into_requester(case: &Case<'_, '_>) -> bool {
    let holder = case.holder.controller;
    let successor = case.directory.final_successor(holder);
    holder.kind == OrganisationKind::FormerPublic
        && case.holder.register.kind == case.requester.register.kind
        && successor.is_some_and(|successor| {
            successor.oid == case.requester.controller.oid && successor.first_day(case.calendar) <= case.today
        })
}
