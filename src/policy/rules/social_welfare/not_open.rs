//! Through Kanta from the start of sharing, between registers that are ready (003).

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::calendar::CalendarDate;
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Reason};

pub(super) static SW_NOT_OPEN: Rule = Rule {
    id: "sw-not-open",
    title: "Sharing through Kanta has started and both registers are ready",
    silent: "sharing has started and both registers are ready, or the record does not travel through Kanta",
    sources: &["003"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::SocialSharingFrom],
    reasons: &[Reason::NotOpen],
    find: Find::BySharing(find),
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    if sharing.situation.channel != Channel::Kanta {
        return None;
    }
    if sharing.today < sharing.calendar.social_sharing_from {
        return Some(Finding::deny(Reason::NotOpen, Detail::SharingNotStarted));
    }
    let ready = sharing.requester.register.shares_within_sector(sharing.today)
        && sharing.is_holder_ready(|holder| holder.shares_within_sector(sharing.today));
    (!ready).then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}
