//! Through Kanta from the start of sharing across sectors, for registers that
//! are ready; prescriptions later still (002, 004). On any basis.

use super::super::{Case, Finding, InForce, Rule};
use crate::policy::calendar::CalendarDate;
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Reason};

pub(super) static XS_NOT_OPEN: Rule = Rule {
    id: "xs-not-open",
    title: "Sharing through Kanta has started and the registers are ready",
    silent: "sharing has started and the registers are ready, or the record does not travel through Kanta",
    sources: &["002", "004"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::CrossSectorFrom, CalendarDate::PrescriptionsToSocialFrom],
    reasons: &[Reason::NotOpen],
    find,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    if case.situation.channel != Channel::Kanta {
        return None;
    }
    let is_prescription = case.record.kind.is_prescription();
    let has_started = case.today >= case.calendar.cross_sector_from
        && (!is_prescription || case.today >= case.calendar.prescriptions_to_social_from);
    if !has_started {
        return Some(Finding::deny(Reason::NotOpen, Detail::SharingNotStarted));
    }
    let requester = case.requester.register;
    let ready = case.holder.register.has_joined_kanta(case.today)
        && requester.retrieves_across_sectors(case.today)
        && (!is_prescription || requester.retrieves_prescriptions(case.today));
    (!ready).then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}
