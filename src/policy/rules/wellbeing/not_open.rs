//! The data is only in Kanta, and open to professionals from its date (000;
//! kanta: transition periods).

use super::super::{Case, Finding, InForce, Rule};
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
    find,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    if case.today < case.calendar.wellbeing_from {
        return Some(Finding::deny(Reason::NotOpen, Detail::SharingNotStarted));
    }
    let open =
        case.situation.channel == Channel::Kanta && case.requester.register.has_joined_kanta(case.today);
    (!open).then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}
