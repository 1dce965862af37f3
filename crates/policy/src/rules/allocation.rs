//! The allocation of a cross-sector consent: whether its limits are offered, and
//! whether they cover a record and a requester (004).

use super::{Case, Sharing};
use crate::day::Day;
use crate::declaration::{Allocation, ConsentKind, Recipient};
use crate::declared::LatestConsent;
use crate::directory::{Directory, OrganisationKind};
use crate::oid::Oid;
use crate::request::RecordKind;
use crate::verdict::Detail;

/// The first dimension of a consent that does not cover the case.
pub(super) fn miss(case: &Case<'_, '_>, latest: &LatestConsent<'_>) -> Option<Detail> {
    let kind = &latest.consent.kind;
    let allocation = of(latest);
    let covers = |dimension: fn(&Case<'_, '_>, &ConsentKind<'_>, &Allocation) -> bool| {
        allocation.is_none_or(|allocation| dimension(case, kind, allocation))
    };
    if !covers(reaches_requester) {
        return Some(Detail::ConsentRecipientOutside);
    }
    let is_old = case.record.kind.is_prescription()
        && latest.is_older_than_act(case.sharing.calendar, case.sharing.today);
    if is_old || !covers(covers_data) {
        return Some(Detail::ConsentDataOutside);
    }
    if !covers(covers_tasks) {
        return Some(Detail::ConsentTaskOutside);
    }
    (!covers(covers_recording_day)).then_some(Detail::ConsentPeriodOutside)
}

/// The first dimension of a consent's allocation that is not offered, which voids
/// the whole allocation.
pub(super) fn voided(sharing: &Sharing<'_, '_>, latest: &LatestConsent<'_>) -> Option<Detail> {
    not_offered(&latest.consent.kind, of(latest)?, sharing.directory)
}

/// The allocation of a consent; none = not limited.
fn of<'a>(latest: &LatestConsent<'a>) -> Option<&'a Allocation> {
    latest.consent.allocation.as_ref().filter(|allocation| !allocation.is_empty())
}

/// The first dimension of an allocation that is not offered for a kind of consent.
pub(crate) fn not_offered(
    kind: &ConsentKind<'_>,
    allocation: &Allocation,
    directory: &Directory,
) -> Option<Detail> {
    if !kind.may_be_allocated() {
        return Some(Detail::ConsentRecipientOutside);
    }
    if !allocation.recipients.iter().all(|recipient| is_offered(kind, recipient, directory)) {
        return Some(Detail::ConsentRecipientOutside);
    }
    if *kind == ConsentKind::ClientDataToHealthcare && !allocation.data.is_empty() {
        return Some(Detail::ConsentDataOutside);
    }
    let tasks_on_patient_data =
        *kind == ConsentKind::PatientDataToSocialWelfare && !allocation.service_tasks.is_empty();
    tasks_on_patient_data.then_some(Detail::ConsentTaskOutside)
}

/// Whether a recipient is offered for a kind of consent. Offered are the public
/// providers as one indivisible choice, a state unit of the receiving sector and a
/// private provider.
fn is_offered(kind: &ConsentKind<'_>, recipient: &Recipient, directory: &Directory) -> bool {
    let Recipient::Organisation(oid) = recipient else {
        return true;
    };
    let Some(organisation) = directory.organisation(oid) else {
        return false;
    };
    match organisation.kind {
        OrganisationKind::Private => true,
        OrganisationKind::StateSocialWelfare => *kind == ConsentKind::PatientDataToSocialWelfare,
        OrganisationKind::StateHealthcare | OrganisationKind::DefenceForcesHealthcare => {
            *kind == ConsentKind::ClientDataToHealthcare
        }
        OrganisationKind::WellbeingServicesCounty
        | OrganisationKind::CityOfHelsinki
        | OrganisationKind::HusGroup
        | OrganisationKind::FormerPublic
        | OrganisationKind::KantaServices => false,
    }
}

fn reaches_requester(case: &Case<'_, '_>, kind: &ConsentKind<'_>, allocation: &Allocation) -> bool {
    allocation.recipients.is_empty()
        || allocation.recipients.iter().any(|recipient| match recipient {
            Recipient::AllPublic => is_public(kind, case.sharing.requester.controller.kind),
            Recipient::Organisation(named) => is_named_or_connected(case.sharing, named),
        })
}

/// Whether a controller is one of the public providers: the counties and
/// Helsinki; for client data to healthcare the HUS Group too.
fn is_public(kind: &ConsentKind<'_>, controller: OrganisationKind) -> bool {
    match controller {
        OrganisationKind::WellbeingServicesCounty | OrganisationKind::CityOfHelsinki => true,
        OrganisationKind::HusGroup => *kind == ConsentKind::ClientDataToHealthcare,
        OrganisationKind::StateHealthcare
        | OrganisationKind::DefenceForcesHealthcare
        | OrganisationKind::StateSocialWelfare
        | OrganisationKind::Private
        | OrganisationKind::FormerPublic
        | OrganisationKind::KantaServices => false,
    }
}

/// Whether the requester is the named organisation or, if that is private,
/// operates in connection with it. To name a connected provider does not reach
/// its main provider.
fn is_named_or_connected(sharing: &Sharing<'_, '_>, named: &Oid<'_>) -> bool {
    let requester = sharing.requester.controller;
    let is_private = |oid: &Oid<'_>| {
        sharing
            .directory
            .organisation(oid)
            .is_some_and(|organisation| organisation.kind == OrganisationKind::Private)
    };
    requester.oid == *named
        || (is_private(named) && requester.operates_in_connection_with(named, sharing.today))
}

fn covers_data(case: &Case<'_, '_>, _kind: &ConsentKind<'_>, allocation: &Allocation) -> bool {
    allocation.data.is_empty()
        || allocation.data.iter().any(|data| case.record.kind == RecordKind::Patient(*data))
}

/// Every task of the record must be covered, and a record without one is not.
fn covers_tasks(case: &Case<'_, '_>, _kind: &ConsentKind<'_>, allocation: &Allocation) -> bool {
    let tasks = &case.record.service_tasks;
    allocation.service_tasks.is_empty()
        || (!tasks.is_empty() && tasks.iter().all(|task| allocation.service_tasks.contains(task)))
}

/// Both the first and the last day are covered.
fn covers_recording_day(case: &Case<'_, '_>, _kind: &ConsentKind<'_>, allocation: &Allocation) -> bool {
    let day: Day = case.record.recorded_on;
    allocation.recorded_from.is_none_or(|first| first <= day)
        && allocation.recorded_to.is_none_or(|last| day <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hus_is_one_of_the_public_providers_for_client_data_only() {
        let (patient_data, client_data) =
            (ConsentKind::PatientDataToSocialWelfare, ConsentKind::ClientDataToHealthcare);
        for (controller, expected) in [
            (OrganisationKind::WellbeingServicesCounty, (true, true)),
            (OrganisationKind::CityOfHelsinki, (true, true)),
            (OrganisationKind::HusGroup, (false, true)),
            (OrganisationKind::StateHealthcare, (false, false)),
            (OrganisationKind::Private, (false, false)),
        ] {
            let found = (is_public(&patient_data, controller), is_public(&client_data, controller));
            assert_eq!(found, expected, "{controller:?}");
        }
    }
}
