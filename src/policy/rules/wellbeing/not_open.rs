//! The data is only in Kanta, and open to professionals from its date (000;
//! kanta: transition periods).

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::calendar::CalendarDate;
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Reason};

pub(super) static WB_NOT_OPEN: Rule = Rule {
    id: "wb-not-open",
    title: "Sharing has started, through Kanta, with a register that has joined it",
    silent: "sharing has started, through Kanta, and the register has joined it",
    sources: &["000", "kanta: transition periods"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::WellbeingFrom],
    reasons: &[Reason::NotOpen],
    find: Find::BySharing(find),
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    if sharing.today < sharing.calendar.wellbeing_from {
        return Some(Finding::deny(Reason::NotOpen, Detail::SharingNotStarted));
    }
    let open = sharing.situation.channel == Channel::Kanta
        && sharing.requester.register.has_joined_kanta(sharing.today);
    (!open).then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}
