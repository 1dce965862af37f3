//! Which denials cover a record, and which of several is told.

use std::cmp::Reverse;

use super::{Case, Finding, Sharing};
use crate::policy::declaration::{Against, Denial, DenialSector, Scope};
use crate::policy::declared::DenialInForce;
use crate::policy::directory::{OrganisationKind, Sector};
use crate::policy::oid::{Oid, OpaqueId};
use crate::policy::verdict::{Detail, Reason};

/// A denial that covers the record and this requester, with the scope in
/// which it does.
#[derive(Clone, Copy)]
pub(super) struct Covering<'a> {
    pub(super) denial: DenialInForce<'a>,
    detail: Detail,
}

/// The denials of a sector that cover the record and this requester.
pub(super) fn covering<'x, 'c, 'a>(
    case: &'x Case<'c, 'a>,
    sector: Sector,
) -> impl Iterator<Item = Covering<'a>> + Clone + use<'x, 'c, 'a> {
    case.sharing.declared.denials.candidates(case.record).filter_map(move |denial| {
        let detail = detail_in_sector(case, denial.denial, sector)?;
        Some(Covering { denial, detail })
    })
}

/// The extensive denials, and others that a rule names, whomever against.
pub(super) fn extensive_or<'x, 'c, 'a, F: Fn(&Scope) -> Option<Detail> + Clone>(
    case: &'x Case<'c, 'a>,
    named: F,
) -> impl Iterator<Item = Covering<'a>> + Clone + use<'x, 'c, 'a, F> {
    case.sharing.declared.denials.candidates(case.record).filter_map(move |denial| {
        let scope = &denial.denial.scope;
        let detail = if *scope == Scope::Extensive { Some(Detail::DenialExtensive) } else { named(scope) }?;
        Some(Covering { denial, detail })
    })
}

/// The denial of access that covering denials amount to: the widest scope is
/// told, with the declarations of that scope.
pub(super) fn finding<'a>(covering: impl Iterator<Item = Covering<'a>> + Clone) -> Option<Finding> {
    let detail =
        covering.clone().map(|denial| denial.detail).max_by_key(|detail| Reverse(precedence(*detail)))?;
    let places = covering.filter(|denial| denial.detail == detail).map(|denial| denial.denial.place);
    Some(Finding::deny(Reason::NotShareable, detail).by(places))
}

/// The prescription that a denial names.
pub(super) fn names_prescription(case: &Case<'_, '_>, scope: &Scope) -> Option<Detail> {
    let names = matches!(scope, Scope::Prescription(id) if *id == case.record.id);
    (names && case.record.kind.is_prescription()).then_some(Detail::DenialPrescription)
}

fn detail_in_sector(case: &Case<'_, '_>, denial: &Denial, sector: Sector) -> Option<Detail> {
    if denial.scope == Scope::Extensive {
        return Some(Detail::DenialExtensive);
    }
    let counts = match denial.sector {
        DenialSector::Healthcare => sector == Sector::Healthcare,
        DenialSector::SocialWelfare => sector == Sector::SocialWelfare,
        DenialSector::Both => true,
    };
    if !counts {
        return None;
    }
    let reaches =
        denial.sector != DenialSector::Healthcare || reaches_requester(case.sharing, &denial.against);
    let named = detail_of_data(case, &denial.scope).filter(|_| reaches);
    // Denials of a former provider are against all.
    named.or_else(|| concerns_former_provider(case, &denial.scope).then_some(Detail::DenialFormerProvider))
}

/// Whether a healthcare denial is against this requester; empty = all.
fn reaches_requester(sharing: &Sharing<'_, '_>, against: &[Against]) -> bool {
    let same_controller = sharing.requester.has_same_controller(&sharing.holder);
    against.is_empty()
        || against.iter().any(|against| match against {
            Against::OtherProviders => !same_controller,
            Against::OwnOtherRegisters => same_controller,
            Against::UusimaaPublicHealthcare => sharing.is_within_uusimaa(),
        })
}

/// The detail of a scope that covers the record's data; former providers apart.
///
/// Scopes that are not offered in the sector are honoured if stored: they
/// restrict. Prescriptions are covered by their own, by register, by former
/// provider and by extensive denials only (kanta:
/// professionals/sharing-of-prescription-data).
fn detail_of_data(case: &Case<'_, '_>, scope: &Scope) -> Option<Detail> {
    let record = case.record;
    let is_prescription = record.kind.is_prescription();
    let is_of_event = |id: &OpaqueId<'_>| record.service_event.as_ref() == Some(id);
    let (covers, detail) = match scope {
        Scope::Extensive => (true, Detail::DenialExtensive),
        Scope::AllPatientData => (!is_prescription, Detail::DenialAllPatientData),
        Scope::Register(oid) => (*oid == record.register, Detail::DenialRegister),
        Scope::ServiceEvent(id) => (!is_prescription && is_of_event(id), Detail::DenialServiceEvent),
        Scope::ServiceTransaction(id) => {
            (!is_prescription && is_of_event(id), Detail::DenialServiceTransaction)
        }
        Scope::Document(id) => (!is_prescription && *id == record.id, Detail::DenialDocument),
        Scope::Prescription(id) => (is_prescription && *id == record.id, Detail::DenialPrescription),
        // A record that names no task may be of any.
        Scope::ServiceTask(task) => {
            let may_be_of_task = record.service_tasks.is_empty() || record.service_tasks.contains(task);
            (!is_prescription && may_be_of_task, Detail::DenialServiceTask)
        }
        Scope::FormerProvider(_) => return None,
    };
    covers.then_some(detail)
}

/// Whether a denial of a former provider, or of one of its registers, covers
/// the record.
fn concerns_former_provider(case: &Case<'_, '_>, scope: &Scope) -> bool {
    match scope {
        Scope::FormerProvider(provider) => was_of(case, provider),
        Scope::Register(oid) => case.sharing.directory.party(oid).is_some_and(|named| {
            named.controller.kind == OrganisationKind::FormerPublic && was_of(case, &named.controller.oid)
        }),
        Scope::AllPatientData
        | Scope::ServiceEvent(_)
        | Scope::Prescription(_)
        | Scope::ServiceTransaction(_)
        | Scope::Document(_)
        | Scope::ServiceTask(_)
        | Scope::Extensive => false,
    }
}

/// Whether the record was a former provider's: told so, or, where nothing is
/// told, held by it or by a successor since before the merger.
fn was_of(case: &Case<'_, '_>, provider: &Oid<'_>) -> bool {
    match &case.record.original_controller {
        Some(original) => original == provider,
        None => {
            let holder = case.sharing.holder.controller;
            holder.oid == *provider
                || (case.sharing.directory.has_succeeded(holder, provider)
                    && case.record.recorded_on < holder.first_day(case.sharing.calendar))
        }
    }
}

/// Which of several covering denials is told: the lowest.
fn precedence(detail: Detail) -> u8 {
    match detail {
        Detail::DenialExtensive => 0,
        Detail::DenialAllPatientData => 1,
        Detail::DenialRegister => 2,
        Detail::DenialFormerProvider => 3,
        Detail::DenialServiceTask => 4,
        Detail::DenialServiceEvent => 5,
        Detail::DenialServiceTransaction => 6,
        Detail::DenialDocument => 7,
        Detail::DenialPrescription => 8,
        Detail::InformationMissing
        | Detail::ConsentMissing
        | Detail::ConsentWithdrawn
        | Detail::ConsentBeforeInformation
        | Detail::ConsentKantaOnly
        | Detail::ConsentRecipientOutside
        | Detail::ConsentDataOutside
        | Detail::ConsentTaskOutside
        | Detail::ConsentPeriodOutside
        | Detail::LocalDatabaseInformationTooOld
        | Detail::LocalDatabaseNotPublicUusimaa
        | Detail::SharingNotStarted
        | Detail::SystemNotReady
        | Detail::ClaimIncomplete => u8::MAX,
    }
}
