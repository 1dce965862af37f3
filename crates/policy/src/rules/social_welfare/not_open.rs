//! Sharing through Kanta within social welfare: from its start, between registers
//! that are ready (003).

use super::super::account::{End, files_of, holders_joined_kanta, outside_kanta};
use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::calendar::CalendarDate;
use crate::day::Day;
use crate::directory::Register;
use crate::request::Channel;
use crate::verdict::{Detail, Reason};

pub(super) static SW_NOT_OPEN: Rule = Rule {
    id: "sw-not-open",
    title: "Through Kanta, and sharing has not started or a register is not ready",
    sources: &[&sources::PAGE_003],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::SocialSharingFrom],
    reasons: &[Reason::NotOpen],
    find: Find::BySharing(find),
    account,
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

fn account(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    outside_kanta(sharing).unwrap_or_else(|| {
        let Sharing { today, calendar, requester, holder, .. } = sharing;
        let from = calendar.social_sharing_from;
        let account = Account::default().channel(sharing);
        let account = account.date(
            "social_sharing_from",
            "sharing through Kanta within social welfare has started",
            from,
            *today,
        );
        let account = shares(
            account.joined_kanta(End::Requester, requester.register, *today),
            "requester.shares_within_sector_from",
            requester.register,
            *today,
        );
        let account = shares(
            holders_joined_kanta(account, sharing),
            "holder.shares_within_sector_from",
            holder.register,
            *today,
        );
        files_of(sharing).fold(account, |account, one| {
            shares(account, "holder.file.shares_within_sector_from", one, *today)
        })
    })
}

fn shares(account: Account, key: &'static str, register: &Register, today: Day) -> Account {
    account.ready(
        key,
        "began to share within the sector",
        register,
        register.shares_within_sector_from,
        today,
    )
}
