//! Domain §4, consents and their allocation.

use chrono::{DateTime, NaiveDate, Utc};
use lupa::wire::v1::recipient::Kind;
use lupa::wire::v1::{
    Allocation, Channel, Consent, ConsentKind, DataKind, Detail, Directory, OrganisationKind, RecordKind,
};

use super::calendar::{date, day, iso_date};
use super::declarers::may_give_consent;
use super::directory::{controller, has_kind, holders_controller, operates_in_connection_with};
use super::information::was_informed_before;
use super::world::{Question, Recorded, World};

/// Where an act on a consent stands among the client's: "by the day it was given,
/// on one day by the order of recording, at one instant a withdrawal after every
/// giving".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    pub(super) given_on: NaiveDate,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) is_withdrawal: bool,
    pub(super) revision: usize,
}

/// The giving of a consent or its withdrawal.
#[derive(Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) standing: Standing,
    pub(super) recorded: Recorded<'a>,
}

/// The acts on the client's consents of a kind (of a controller, if one is given)
/// that are recorded. A consent "given by someone not entitled is no act of the
/// client (its withdrawal is one)", by any declarer.
pub(super) fn acts<'a>(world: &World<'a>, kind: ConsentKind, controller: Option<&str>) -> Vec<Act<'a>> {
    let mut acts = Vec::new();
    for recorded in world.recorded() {
        let is_of_kind = recorded.consent().is_some_and(|consent| {
            consent.kind() == kind && controller.is_none_or(|controller| consent.controller == controller)
        });
        if !is_of_kind {
            continue;
        }
        if may_give_consent(world.client, kind, recorded.declarer(), recorded.given_on()) {
            acts.push(Act { standing: giving(&recorded), recorded });
        }
        acts.extend(withdrawal(world, &recorded).map(|standing| Act { standing, recorded }));
    }
    acts
}

pub(super) fn giving(recorded: &Recorded) -> Standing {
    Standing {
        given_on: recorded.given_on(),
        recorded_at: recorded.place.recorded_at,
        is_withdrawal: false,
        revision: recorded.place.revision,
    }
}

/// One given on an earlier day than the consent counts "as if given on that day".
fn withdrawal(world: &World, recorded: &Recorded) -> Option<Standing> {
    let withdrawn_at = recorded.withdrawn_at(world.at)?;
    Some(Standing {
        given_on: recorded.withdrawal_given_on(withdrawn_at).max(recorded.given_on()),
        recorded_at: withdrawn_at,
        is_withdrawal: true,
        revision: recorded.place.revision,
    })
}

/// "The client's last word wins."
pub(super) fn last_act<'a>(
    world: &World<'a>,
    kind: ConsentKind,
    controller: Option<&str>,
) -> Option<Act<'a>> {
    acts(world, kind, controller).into_iter().max_by_key(|act| act.standing)
}

/// Why the client's consent of the kind does not open this; `None`: it does.
pub(super) fn fault(question: &Question, kind: ConsentKind, controller: Option<&str>) -> Option<Detail> {
    let world = &question.world;
    let Some(Act { standing, recorded }) = last_act(world, kind, controller) else {
        return Some(Detail::ConsentMissing);
    };
    if standing.is_withdrawal {
        return Some(Detail::ConsentWithdrawn);
    }
    let informed = was_informed_before(world, recorded.place, recorded.given_on());
    if kind != ConsentKind::VerbalPrescription && !informed {
        return Some(Detail::ConsentBeforeInformation);
    }
    if kind == ConsentKind::Healthcare
        && recorded.given_on() < world.calendar.consents_cover_all_channels_from
        && question.request.channel() != Channel::Kanta
    {
        return Some(Detail::ConsentKantaOnly);
    }
    let consent = recorded.consent().unwrap();
    allocation_not_offered(world.directory, consent).or_else(|| first_miss(question, &recorded))
}

/// "An empty allocation message (no dimension) is no allocation."
fn allocation(consent: &Consent) -> Option<&Allocation> {
    consent.allocation.as_ref().filter(|allocation| {
        !(allocation.recipients.is_empty()
            && allocation.data.is_empty()
            && allocation.service_tasks.is_empty()
            && allocation.recorded_from.is_empty()
            && allocation.recorded_to.is_empty())
    })
}

/// The dimension for which the whole allocation is void.
pub(super) fn allocation_not_offered(directory: &Directory, consent: &Consent) -> Option<Detail> {
    let allocation = allocation(consent)?;
    let (named, data_offered, tasks_offered) = match consent.kind() {
        ConsentKind::PatientDataToSocialWelfare => {
            (&[OrganisationKind::StateSocialWelfare, OrganisationKind::Private][..], true, false)
        }
        ConsentKind::ClientDataToHealthcare => (
            &[
                OrganisationKind::StateHealthcare,
                OrganisationKind::DefenceForcesHealthcare,
                OrganisationKind::Private,
            ][..],
            false,
            true,
        ),
        ConsentKind::Healthcare
        | ConsentKind::SocialWelfare
        | ConsentKind::WellbeingData
        | ConsentKind::LocalCrossSector
        | ConsentKind::VerbalPrescription => return Some(Detail::ConsentRecipientOutside),
        ConsentKind::Unspecified => panic!("a consent without a kind is refused"),
    };
    let recipients_offered = allocation.recipients.iter().all(|recipient| {
        match recipient.kind.as_ref().unwrap() {
            Kind::AllPublic(_) => true,
            // Whom the directory does not know is not known to be a state unit or private.
            Kind::Organisation(oid) => has_kind(directory, oid, named),
        }
    });
    if !recipients_offered {
        Some(Detail::ConsentRecipientOutside)
    } else if !allocation.data.is_empty() && !data_offered {
        Some(Detail::ConsentDataOutside)
    } else if !allocation.service_tasks.is_empty() && !tasks_offered {
        Some(Detail::ConsentTaskOutside)
    } else {
        None
    }
}

/// "The first miss of RECIPIENT, DATA, TASK, PERIOD."
fn first_miss(question: &Question, recorded: &Recorded) -> Option<Detail> {
    let consent = recorded.consent().unwrap();
    let allocation = allocation(consent);
    let reaches = |covers: fn(&Question, ConsentKind, &Allocation) -> bool| {
        allocation.is_none_or(|allocation| covers(question, consent.kind(), allocation))
    };
    if !reaches(covers_recipient) {
        Some(Detail::ConsentRecipientOutside)
    } else if !reaches(covers_data) || is_too_old_for_prescription(question, recorded) {
        Some(Detail::ConsentDataOutside)
    } else if !reaches(covers_tasks) {
        Some(Detail::ConsentTaskOutside)
    } else if !reaches(covers_recording_day) {
        Some(Detail::ConsentPeriodOutside)
    } else {
        None
    }
}

/// "From 2021-11-01 on, no consent recorded before that day covers prescriptions."
fn is_too_old_for_prescription(question: &Question, recorded: &Recorded) -> bool {
    let act_in_force = question.world.calendar.act_in_force;
    question.record.kind() == RecordKind::Prescription
        && question.world.today() >= act_in_force
        && day(recorded.place.recorded_at) < act_in_force
}

fn covers_recipient(question: &Question, kind: ConsentKind, allocation: &Allocation) -> bool {
    let world = &question.world;
    let requester = controller(world.directory, question.requester);
    let public = match kind {
        ConsentKind::PatientDataToSocialWelfare => {
            &[OrganisationKind::WellbeingServicesCounty, OrganisationKind::CityOfHelsinki][..]
        }
        ConsentKind::ClientDataToHealthcare => &[
            OrganisationKind::WellbeingServicesCounty,
            OrganisationKind::CityOfHelsinki,
            OrganisationKind::HusGroup,
        ][..],
        ConsentKind::Unspecified
        | ConsentKind::Healthcare
        | ConsentKind::SocialWelfare
        | ConsentKind::WellbeingData
        | ConsentKind::LocalCrossSector
        | ConsentKind::VerbalPrescription => panic!("not allocated"),
    };
    allocation.recipients.is_empty()
        || allocation.recipients.iter().any(|recipient| match recipient.kind.as_ref().unwrap() {
            Kind::AllPublic(_) => public.contains(&requester.kind()),
            Kind::Organisation(oid) => {
                requester.oid == *oid || operates_in_connection_with(world, &requester.oid, oid)
            }
        })
}

fn covers_data(question: &Question, _: ConsentKind, allocation: &Allocation) -> bool {
    let kind = match question.record.kind() {
        RecordKind::PatientSummary => Some(DataKind::PatientSummary),
        RecordKind::ServiceEventEntry => Some(DataKind::ServiceEventEntry),
        RecordKind::StatementOrCertificate => Some(DataKind::StatementOrCertificate),
        RecordKind::Prescription => Some(DataKind::Prescription),
        RecordKind::ClientDocument | RecordKind::WellbeingData | RecordKind::Unspecified => None,
    };
    allocation.data.is_empty() || allocation.data().any(|data| Some(data) == kind)
}

/// "Every task of the record must be covered, and a record without one is not."
fn covers_tasks(question: &Question, _: ConsentKind, allocation: &Allocation) -> bool {
    let tasks = &question.record.service_tasks;
    allocation.service_tasks.is_empty()
        || !tasks.is_empty() && tasks.iter().all(|task| allocation.service_tasks.contains(task))
}

/// "First and last day, both included."
fn covers_recording_day(question: &Question, _: ConsentKind, allocation: &Allocation) -> bool {
    let recorded_on = iso_date(&question.record.recorded_on).unwrap();
    date(&allocation.recorded_from).is_none_or(|first| first <= recorded_on)
        && date(&allocation.recorded_to).is_none_or(|last| recorded_on <= last)
}

/// Whether the client's last act on any kind of consent that opens this direction
/// was a withdrawal: on the direction's own, or on either end's local one. Each is
/// checked separately: giving one does not undo withdrawing another.
pub(super) fn last_act_was_withdrawal(question: &Question, direction: ConsentKind) -> bool {
    let local = ConsentKind::LocalCrossSector;
    let kinds = [
        (direction, None),
        (local, Some(&question.requester.controller)),
        (local, Some(&holders_controller(question).oid)),
    ];
    kinds.into_iter().any(|(kind, controller)| {
        last_act(&question.world, kind, controller.map(String::as_str))
            .is_some_and(|act| act.standing.is_withdrawal)
    })
}
