//! Sharing of wellbeing data: the data is only in Kanta, and professionals can read
//! it from its date on (000; kanta: transition periods).

use super::super::account::End;
use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::calendar::CalendarDate;
use crate::request::Channel;
use crate::verdict::{Detail, Reason};

pub(super) static WB_NOT_OPEN: Rule = Rule {
    id: "wb-not-open",
    title: "Sharing has not started, not through Kanta, or with a register that has not joined it",
    sources: &[&sources::PAGE_000, &sources::KANTA_TRANSITION_PERIODS],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::WellbeingFrom],
    reasons: &[Reason::NotOpen],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    if sharing.today < sharing.calendar.wellbeing_from {
        return Some(Finding::deny(Reason::NotOpen, Detail::SharingNotStarted));
    }
    let open = sharing.situation.channel == Channel::Kanta
        && sharing.requester.register.has_joined_kanta(sharing.today);
    (!open).then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}

fn account(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    let (today, from) = (sharing.today, sharing.calendar.wellbeing_from);
    let account = Account::default()
        .channel(sharing)
        .date("wellbeing_from", "wellbeing data is shared with professionals", from, today)
        .joined_kanta(End::Requester, sharing.requester.register, today);
    if sharing.situation.channel == Channel::Kanta {
        account
    } else {
        account.say("the data is in Kanta only, and the record does not travel through it")
    }
}
