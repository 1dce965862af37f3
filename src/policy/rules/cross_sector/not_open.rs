//! Through Kanta from the start of sharing across sectors, for registers that
//! are ready; prescriptions later still (002, 004). On any basis.

use super::super::{Case, Find, Finding, InForce, Rule};
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
    find: Find::ByRecord(find),
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
