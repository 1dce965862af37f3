//! Through Kanta only between registers that have joined it (002).

use super::super::{Case, Finding, InForce, Rule};
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Reason};

pub(super) static HC_NOT_OPEN: Rule = Rule {
    id: "hc-not-open",
    title: "Both registers have joined Kanta",
    silent: "both registers have joined Kanta, or the record does not travel through it",
    sources: &["002"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotOpen],
    find,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    let joined = case.requester.register.has_joined_kanta(case.today)
        && case.holder.register.has_joined_kanta(case.today);
    let is_closed = case.situation.channel == Channel::Kanta && !joined;
    is_closed.then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}
