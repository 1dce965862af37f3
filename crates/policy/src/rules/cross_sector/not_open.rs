//! Sharing across sectors through Kanta: possible from its start, for registers
//! that are ready; prescriptions from a later day (002, 004). On any basis.

use super::super::account::{End, holders_joined_kanta, outside_kanta};
use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::calendar::CalendarDate;
use crate::request::Channel;
use crate::verdict::{Detail, Reason};

pub(super) static XS_NOT_OPEN: Rule = Rule {
    id: "xs-not-open",
    title: "Through Kanta, and sharing has not started or a register is not ready",
    sources: &[&sources::PAGE_002, &sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::CrossSectorFrom, CalendarDate::PrescriptionsToSocialFrom],
    reasons: &[Reason::NotOpen],
    find: Find::ByRecord(find),
    account,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    let Case { sharing, record } = case;
    if sharing.situation.channel != Channel::Kanta {
        return None;
    }
    let is_prescription = record.kind.is_prescription();
    let has_started = sharing.today >= sharing.calendar.cross_sector_from
        && (!is_prescription || sharing.today >= sharing.calendar.prescriptions_to_social_from);
    if !has_started {
        return Some(Finding::deny(Reason::NotOpen, Detail::SharingNotStarted));
    }
    let requester = sharing.requester.register;
    let ready = sharing.is_holder_ready(|holder| holder.has_joined_kanta(sharing.today))
        && requester.retrieves_across_sectors(sharing.today)
        && (!is_prescription || requester.retrieves_prescriptions(sharing.today));
    (!ready).then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}

fn account(case: &Case<'_, '_>) -> Account {
    let Case { sharing, record } = case;
    outside_kanta(sharing).unwrap_or_else(|| {
        let Sharing { today, calendar, requester, .. } = sharing;
        let (today, register) = (*today, requester.register);
        let account = Account::default().channel(sharing);
        let account = account.date(
            "cross_sector_from",
            "sharing across sectors through Kanta is possible",
            calendar.cross_sector_from,
            today,
        );
        let account = holders_joined_kanta(account, sharing);
        let account = account.joined_kanta(End::Requester, register, today).ready(
            "requester.retrieves_across_sectors_from",
            "began to retrieve across sectors",
            register,
            register.retrieves_across_sectors_from,
            today,
        );
        if !record.kind.is_prescription() {
            return account;
        }
        let prescriptions = calendar.prescriptions_to_social_from;
        account
            .date(
                "prescriptions_to_social_from",
                "sharing of prescriptions with social welfare through Kanta is possible",
                prescriptions,
                today,
            )
            .ready(
                "requester.retrieves_prescriptions_from",
                "began to retrieve prescriptions",
                register,
                register.retrieves_prescriptions_from,
                today,
            )
    })
}
