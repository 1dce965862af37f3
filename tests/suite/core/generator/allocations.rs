//! Allocations of consents, offered or not.

use chrono::TimeDelta;
use lupa::wire::v1::recipient::Kind as Named;
use lupa::wire::v1::{AllPublic, Allocation, ConsentKind, DataKind, Recipient};

use super::Setting;
use super::directory::{UNKNOWN, organisation_oid};
use super::records::TASKS;
use super::requests::Ends;
use super::rng::Rng;
use crate::core::reference::day;

/// Cross-sector consents are often allocated, others should not be.
pub(super) fn allocation(
    rng: &mut Rng,
    setting: &Setting,
    ends: &Ends,
    kind: ConsentKind,
) -> Option<Allocation> {
    let (to_social_welfare, to_healthcare) =
        (kind == ConsentKind::PatientDataToSocialWelfare, kind == ConsentKind::ClientDataToHealthcare);
    let allocated = if to_social_welfare || to_healthcare { 60 } else { 7 };
    if !rng.chance(allocated) {
        return None;
    }
    let mut allocation = Allocation {
        recipients: Vec::new(),
        data: Vec::new(),
        service_tasks: Vec::new(),
        recorded_from: String::new(),
        recorded_to: String::new(),
    };
    if rng.chance(50) {
        allocation.recipients = (0..=rng.below(2)).map(|_| recipient(rng, setting, ends)).collect();
    }
    if rng.chance(if to_social_welfare { 45 } else { 5 }) {
        let kinds = [
            DataKind::PatientSummary,
            DataKind::ServiceEventEntry,
            DataKind::StatementOrCertificate,
            DataKind::Prescription,
        ];
        allocation.data = (0..=rng.below(3)).map(|_| rng.pick(&kinds).into()).collect();
    }
    if rng.chance(if to_healthcare { 50 } else { 5 }) {
        allocation.service_tasks = (0..=rng.below(2)).map(|_| rng.pick(&TASKS).to_owned()).collect();
    }
    if rng.chance(40) {
        period(rng, setting, &mut allocation);
    }
    Some(allocation)
}

fn recipient(rng: &mut Rng, setting: &Setting, ends: &Ends) -> Recipient {
    let requester = Named::Organisation(setting.controller(&ends.requester));
    let recipient = rng.weighted(&[
        (40, Named::AllPublic(AllPublic {})),
        (25, requester),
        (6, Named::Organisation(organisation_oid(6))),
        (6, Named::Organisation(organisation_oid(7))),
        (8, Named::Organisation(organisation_oid(8))),
        (18, Named::Organisation(organisation_oid(9))),
        (8, Named::Organisation(organisation_oid(10))),
        (1, Named::Organisation(organisation_oid(12))),
        (1, Named::Organisation(organisation_oid(1))),
        (1, Named::Organisation(UNKNOWN.to_owned())),
    ]);
    Recipient { kind: Some(recipient) }
}

/// A first day, a last day or both, never the wrong way round.
fn period(rng: &mut Rng, setting: &Setting, allocation: &mut Allocation) {
    let today = day(setting.at);
    let first = today - TimeDelta::days(rng.pick(&[0, 1, 30, 31, 400, 1_000]));
    let last = first + TimeDelta::days(rng.pick(&[0, 1, 29, 30, 400, 2_000]));
    if rng.chance(75) {
        allocation.recorded_from = first.to_string();
    }
    if rng.chance(75) {
        allocation.recorded_to = last.to_string();
    }
}
