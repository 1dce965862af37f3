//! Through Kanta only between registers that have joined it (002).

use super::super::{Find, Finding, InForce, Rule, Sharing};
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
    find: Find::BySharing(find),
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    let joined = sharing.requester.register.has_joined_kanta(sharing.today)
        && sharing.is_holder_ready(|holder| holder.has_joined_kanta(sharing.today));
    let is_closed = sharing.situation.channel == Channel::Kanta && !joined;
    is_closed.then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}
