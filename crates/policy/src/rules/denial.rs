//! The denials that cover a record and a requester, and the one of several that
//! the detail names.

mod account;
mod by_hash;

use super::{Case, Finding, Sharing};
use crate::calendar::Calendar;
use crate::day::Day;
use crate::declaration::{Against, Denial, DenialSector, Scope};
use crate::declared::{Declared, DenialInForce, merge};
use crate::directory::{Directory, Holder, Organisation, OrganisationKind, Sector};
use crate::oid::{Oid, OpaqueId};
use crate::verdict::{Deciding, Detail, Reason};

pub(super) use account::{account, account_of};

/// A denial that covers the record and this requester, with the detail of the
/// scope by which it does.
#[derive(Clone, Copy)]
pub(super) struct Covering<'a> {
    pub(super) denial: DenialInForce<'a>,
    detail: Detail,
}

/// A denial of access by the denials of a sector that cover the record and this
/// requester; none if all of them give way.
pub(super) fn in_sector(
    case: &Case<'_, '_>,
    sector: Sector,
    gives_way: impl Fn(&Denial) -> bool,
) -> Option<Finding> {
    let mut widest = Widest::default();
    let mut stays = false;
    match case.sharing.declared.denials.lookup() {
        None => covering(case, sector).for_each(|Covering { denial, detail }| {
            stays |= !gives_way(denial.denial);
            widest.add_one(detail, denial.place);
        }),
        Some(lookup) => by_hash::in_sector(case, lookup, sector, |group, detail| {
            stays |= !gives_way(group.denial);
            widest.add(detail, &group.places);
        }),
    }
    if stays { widest.finding() } else { None }
}

/// The denials of a sector that cover the record and this requester.
pub(super) fn covering<'x, 'c, 'a>(
    case: &'x Case<'c, 'a>,
    sector: Sector,
) -> impl Iterator<Item = Covering<'a>> + Clone + use<'x, 'c, 'a> {
    case.sharing.declared.denials.each().filter_map(move |denial| {
        let detail = detail_in_sector(case, denial.denial, sector)?;
        Some(Covering { denial, detail })
    })
}

/// A denial of access by the extensive denials of both sectors, which are against
/// all requesters.
pub(super) fn extensively(declared: &Declared<'_>) -> Option<Finding> {
    let mut widest = Widest::default();
    let detail = Detail::DenialExtensive;
    match declared.denials.lookup() {
        None => extensive_of_both(declared).for_each(|one| widest.add_one(detail, one.denial.place)),
        Some(lookup) => {
            let groups = lookup.of_all_data().filter(|group| is_extensive_of_both(group.denial));
            groups.for_each(|group| widest.add(detail, &group.places));
        }
    }
    widest.finding()
}

/// The extensive denials of both sectors.
pub(super) fn extensive_of_both<'x, 'a>(
    declared: &'x Declared<'a>,
) -> impl Iterator<Item = Covering<'a>> + Clone + use<'x, 'a> {
    let extensive = declared.denials.each().filter(|one| is_extensive_of_both(one.denial));
    extensive.map(|denial| Covering { denial, detail: Detail::DenialExtensive })
}

fn is_extensive_of_both(denial: &Denial) -> bool {
    denial.scope == Scope::Extensive && denial.sector == DenialSector::Both
}

/// A denial of access by denials that apply across sectors.
pub(super) fn in_any_sector(case: &Case<'_, '_>) -> Option<Finding> {
    let mut widest = Widest::default();
    match case.sharing.declared.denials.lookup() {
        None => across_sectors(case).for_each(|one| widest.add_one(one.detail, one.denial.place)),
        Some(lookup) => {
            for group in lookup.of_all_data().chain(lookup.naming(&case.record.id)) {
                if let Some(detail) = detail_across_sectors(case, group.denial) {
                    widest.add(detail, &group.places);
                }
            }
        }
    }
    widest.finding()
}

/// The two kinds of denials that apply across sectors, whichever requesters they
/// are against: extensive denials of both sectors, and denials of the
/// prescription that the record is.
pub(super) fn across_sectors<'x, 'c, 'a>(
    case: &'x Case<'c, 'a>,
) -> impl Iterator<Item = Covering<'a>> + Clone + use<'x, 'c, 'a> {
    case.sharing.declared.denials.each().filter_map(move |denial| {
        let detail = detail_across_sectors(case, denial.denial)?;
        Some(Covering { denial, detail })
    })
}

fn detail_across_sectors(case: &Case<'_, '_>, denial: &Denial) -> Option<Detail> {
    match &denial.scope {
        Scope::Extensive if denial.sector == DenialSector::Both => Some(Detail::DenialExtensive),
        Scope::Prescription(id) if case.record.kind.is_prescription() && *id == case.record.id => {
            Some(Detail::DenialPrescription)
        }
        Scope::AllPatientData
        | Scope::ServiceEvent(_)
        | Scope::Register(_)
        | Scope::Prescription(_)
        | Scope::FormerProvider(_)
        | Scope::ServiceTransaction(_)
        | Scope::Document(_)
        | Scope::ServiceTask(_)
        | Scope::Extensive => None,
    }
}

/// The widest scope of covering denials, and the first declarations of that scope.
#[derive(Default)]
struct Widest(Option<(Detail, Deciding)>);

impl Widest {
    /// Adds a denial that was recorded after those added before.
    #[inline]
    fn add_one(&mut self, detail: Detail, place: u32) {
        match &mut self.0 {
            Some((found, places)) if *found == detail => places.push_if_free(place),
            Some((found, _)) if precedence(*found) < precedence(detail) => {}
            Some(_) | None => self.0 = Some((detail, Deciding::one(place))),
        }
    }

    /// Adds denials, given by the places of the first.
    fn add(&mut self, detail: Detail, first: &Deciding) {
        match &mut self.0 {
            Some((found, places)) if *found == detail => merge(places, first),
            Some((found, _)) if precedence(*found) < precedence(detail) => {}
            Some(_) | None => self.0 = Some((detail, *first)),
        }
    }

    /// A denial of access, with the detail of the widest scope.
    fn finding(self) -> Option<Finding> {
        let (detail, declarations) = self.0?;
        Some(Finding { declarations, ..Finding::deny(Reason::NotShareable, detail) })
    }
}

fn detail_in_sector(case: &Case<'_, '_>, denial: &Denial, sector: Sector) -> Option<Detail> {
    if !denial.sector.includes(sector) {
        return None;
    }
    // Checked last, because most denials are of other data.
    let reaches = |_: &Detail| reaches_requester(case.sharing, denial);
    let named = detail_of_data(case, &denial.scope).filter(reaches);
    named.or_else(|| concerns_former_provider(case, &denial.scope).then_some(Detail::DenialFormerProvider))
}

/// Whether a denial is against this requester. Only a healthcare denial is against
/// some requesters alone; an extensive one carries no `against`.
fn reaches_requester(sharing: &Sharing<'_, '_>, denial: &Denial) -> bool {
    denial.sector != DenialSector::Healthcare
        || denial.scope == Scope::Extensive
        || is_against(sharing, &denial.against)
}

/// Whether a healthcare denial is against this requester; empty = against all.
fn is_against(sharing: &Sharing<'_, '_>, against: &[Against]) -> bool {
    let same_controller = sharing.requester.has_same_controller(sharing.holder);
    against.is_empty()
        || against.iter().any(|against| match against {
            Against::OtherProviders => !same_controller,
            Against::OwnOtherRegisters => same_controller,
            Against::UusimaaPublicHealthcare => sharing.is_within_uusimaa(),
        })
}

/// The detail of a scope that covers the record's data. Former providers have a
/// function of their own.
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
        Scope::Register(oid) => (is_in_file(case.sharing, oid), Detail::DenialRegister),
        Scope::ServiceEvent(id) => (!is_prescription && is_of_event(id), Detail::DenialServiceEvent),
        Scope::ServiceTransaction(id) => {
            (!is_prescription && is_of_event(id), Detail::DenialServiceTransaction)
        }
        Scope::Document(id) => (!is_prescription && *id == record.id, Detail::DenialDocument),
        Scope::Prescription(id) => (is_prescription && *id == record.id, Detail::DenialPrescription),
        // A record that names no task may be of any task.
        Scope::ServiceTask(task) => {
            let may_be_of_task = record.service_tasks.is_empty() || record.service_tasks.contains(task);
            (!is_prescription && may_be_of_task, Detail::DenialServiceTask)
        }
        Scope::FormerProvider(_) => return None,
    };
    covers.then_some(detail)
}

/// Whether the record is held in the data file of a register, at any link of a
/// chain of mergers.
fn is_in_file(sharing: &Sharing<'_, '_>, register: &Oid<'_>) -> bool {
    sharing.directory.is_part_of(sharing.holder, register, sharing.calendar, sharing.today)
}

/// Whether a denial of a former provider, or of one of its registers, covers the
/// record and this requester: the provider's former data is denied to all
/// requesters, its successor's data to those of other controllers.
fn concerns_former_provider(case: &Case<'_, '_>, scope: &Scope) -> bool {
    let concerns = |provider: &Oid<'_>| was_of(case, provider) || is_carried_over(case.sharing, provider);
    match scope {
        Scope::FormerProvider(provider) => concerns(provider),
        Scope::Register(oid) => case.sharing.directory.party(oid).is_some_and(|named| {
            named.controller.kind == OrganisationKind::FormerPublic && concerns(&named.controller.oid)
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

/// Whether the record was a former provider's: the record names it as the original
/// controller or, if it names none, the provider or a successor has held the record
/// since before the merger.
fn was_of(case: &Case<'_, '_>, provider: &Oid<'_>) -> bool {
    match &case.record.original_controller {
        Some(original) => original == provider,
        None => {
            let holder = case.sharing.holder.named_controller;
            holder.oid == *provider
                || (case.sharing.directory.has_succeeded(holder, provider)
                    && case.record.recorded_on < holder.first_day(case.sharing.calendar))
        }
    }
}

/// Whether a carried-over denial of a former provider covers the record and this
/// requester. Such a denial is against other controllers.
fn is_carried_over(sharing: &Sharing<'_, '_>, provider: &Oid<'_>) -> bool {
    let Sharing { directory, holder, requester, calendar, today, .. } = sharing;
    is_in_file_with_carried_denials(directory, holder, provider, calendar, *today)
        && !requester.has_same_controller(holder)
}

/// Whether the holder is one of the files to which a successor carried over the
/// denials of a former provider: its own files of the kinds that the provider had,
/// merged further or not (002: old service-provider-specific denials).
fn is_in_file_with_carried_denials(
    directory: &Directory,
    holder: &Holder<'_>,
    provider: &Oid<'_>,
    calendar: &Calendar,
    today: Day,
) -> bool {
    let has_carried = |successor: &Organisation| {
        successor.carries_former_denials && directory.has_succeeded(successor, provider)
    };
    let had_kind = || {
        let provider = directory.organisation(provider);
        let kinds = provider.into_iter().flat_map(|provider| directory.registers_of(provider));
        kinds.into_iter().any(|register| register.kind == holder.register.kind)
    };
    (has_carried(holder.named_controller)
        || directory.successors_by(holder.named_controller, calendar, today).any(has_carried))
        && had_kind()
}

/// The registers whose data a denial of registers, of a former provider, of all
/// patient data or of everything covers on a day, whichever requesters it is
/// against, in the directory's order. Empty for other denials: their scopes name
/// the data wherever it is held.
pub(crate) fn covered_registers<'d>(
    denial: &Denial,
    directory: &'d Directory,
    calendar: &Calendar,
    today: Day,
) -> Vec<&'d Oid<'static>> {
    let names_data = matches!(
        denial.scope,
        Scope::ServiceEvent(_)
            | Scope::Prescription(_)
            | Scope::ServiceTransaction(_)
            | Scope::Document(_)
            | Scope::ServiceTask(_)
    );
    // True of most denials, and a directory has thousands of registers.
    if names_data {
        return Vec::new();
    }
    let covers = |holder: &Holder<'_>| match &denial.scope {
        Scope::AllPatientData | Scope::Extensive => true,
        Scope::Register(register) => {
            directory.is_part_of(holder, register, calendar, today)
                || directory.party(register).is_some_and(|named| {
                    named.controller.kind == OrganisationKind::FormerPublic
                        && was_or_is_carried_over(directory, holder, &named.controller.oid, calendar, today)
                })
        }
        Scope::FormerProvider(provider) => {
            was_or_is_carried_over(directory, holder, provider, calendar, today)
        }
        Scope::ServiceEvent(_)
        | Scope::Prescription(_)
        | Scope::ServiceTransaction(_)
        | Scope::Document(_)
        | Scope::ServiceTask(_) => false,
    };
    let counts = |holder: &Holder<'_>| match holder.register.kind.sector() {
        Some(sector) => denial.sector.includes(sector),
        // The citizen's own data.
        None => denial.sector == DenialSector::Both && denial.scope == Scope::Extensive,
    };
    let holders = directory.registers().iter().filter_map(|one| directory.holder(&one.oid, calendar, today));
    let covered = holders.filter(|holder| counts(holder) && covers(holder));
    covered.map(|holder| &holder.register.oid).collect()
}

/// Whether a register was a former provider's, or is part of a file to which the
/// provider's denials were carried over.
fn was_or_is_carried_over(
    directory: &Directory,
    holder: &Holder<'_>,
    provider: &Oid<'_>,
    calendar: &Calendar,
    today: Day,
) -> bool {
    holder.named_controller.oid == *provider
        || is_in_file_with_carried_denials(directory, holder, provider, calendar, today)
}

/// The precedence among the details of covering denials: the lowest is returned.
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
