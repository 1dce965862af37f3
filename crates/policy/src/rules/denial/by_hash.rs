//! The denials that cover a record, found by the data that the record names. They
//! are those that a scan of all denials would find: the tests compare the two.

use super::{Case, detail_of_data, reaches_requester};
use crate::declared::{DenialGroup, Lookup};
use crate::directory::Sector;
use crate::verdict::Detail;

/// What a record has in common with the denials of a group.
#[derive(Clone, Copy)]
enum Shared {
    /// An id, or nothing: denials of all data.
    Id,
    Register,
    Task,
    FormerProvider,
}

/// Passes each group of denials of a sector that covers the record and this
/// requester to `visit`, with the detail of a scope by which it does. A denial of
/// a register that covers the record both as that and as a denial of a former
/// provider is passed twice: the wider scope decides.
pub(super) fn in_sector<'x, 'a>(
    case: &Case<'_, 'a>,
    lookup: &'x Lookup<'a>,
    sector: Sector,
    mut visit: impl FnMut(&'x DenialGroup<'a>, Detail),
) {
    candidates(case, lookup, sector, |group, shared| {
        if !group.denial.sector.includes(sector) {
            return;
        }
        let detail = match shared {
            Shared::Id => detail_of_data(case, &group.denial.scope),
            Shared::Register => Some(Detail::DenialRegister),
            Shared::Task => Some(Detail::DenialServiceTask),
            Shared::FormerProvider => return visit(group, Detail::DenialFormerProvider),
        };
        if let Some(detail) = detail
            && reaches_requester(case.sharing, group.denial)
        {
            visit(group, detail);
        }
    });
}

/// Passes each group of denials that has something in common with the record: a
/// number that does not depend on how many denials the client has.
fn candidates<'x, 'a>(
    case: &Case<'_, 'a>,
    lookup: &'x Lookup<'a>,
    sector: Sector,
    mut each: impl FnMut(&'x DenialGroup<'a>, Shared),
) {
    let record = case.record;
    lookup.of_all_data().for_each(|group| each(group, Shared::Id));
    if lookup.has_ids() {
        lookup.naming(&record.id).for_each(|group| each(group, Shared::Id));
        if let Some(event) = record.service_event.as_ref().filter(|event| **event != record.id) {
            lookup.naming(event).for_each(|group| each(group, Shared::Id));
        }
    }
    // A record may name a hundred tasks: they are looked up only if it can matter.
    let denies_tasks = || lookup.of_any_task().any(|group| group.denial.sector.includes(sector));
    if !record.kind.is_prescription() && denies_tasks() {
        for task in &record.service_tasks {
            lookup.of_task(task).for_each(|group| each(group, Shared::Task));
        }
        // A record that names no task may be of any task.
        if record.service_tasks.is_empty() {
            lookup.of_any_task().for_each(|group| each(group, Shared::Task));
        }
    }
    if lookup.has_registers() {
        of_files(case, lookup, |group| each(group, Shared::Register));
    }
    if lookup.has_former_providers() {
        of_former_providers(case, lookup, |group| each(group, Shared::FormerProvider));
    }
}

/// Passes the denials of each register in whose data file the record is held: its
/// own and those into which it has merged.
fn of_files<'x, 'a>(case: &Case<'_, 'a>, lookup: &'x Lookup<'a>, mut each: impl FnMut(&'x DenialGroup<'a>)) {
    let sharing = case.sharing;
    let holder = sharing.holder;
    let directory = sharing.directory;
    lookup.of_register(directory.register_place(&holder.register.oid)).for_each(&mut each);
    if !holder.is_merged() {
        return;
    }
    for successor in sharing.successors() {
        let files = directory.registers_of(successor);
        for file in files.filter(|file| file.kind == holder.register.kind) {
            lookup.of_register(directory.register_place(&file.oid)).for_each(&mut each);
        }
    }
}

/// Passes the denials of each former provider whose data the record was, and of
/// those whose denials the successor carried over to this file.
fn of_former_providers<'x, 'a>(
    case: &Case<'_, 'a>,
    lookup: &'x Lookup<'a>,
    mut each: impl FnMut(&'x DenialGroup<'a>),
) {
    let sharing = case.sharing;
    let (holder, directory) = (sharing.holder, sharing.directory);
    let named = holder.named_controller;
    let place_of_named = directory.organisation_place(&named.oid);
    match (&case.record.original_controller, place_of_named) {
        (Some(original), _) => match directory.organisation_place(original) {
            Some(place) => lookup.of_former(place).for_each(&mut each),
            None => lookup.of_unknown(original).for_each(&mut each),
        },
        (None, Some(named_at)) => {
            lookup.of_former(named_at).for_each(&mut each);
            if case.record.recorded_on < named.first_day(sharing.calendar) {
                lookup.of_succeeded(named_at).for_each(&mut each);
            }
        }
        (None, None) => {}
    }
    if sharing.requester.has_same_controller(holder) {
        return;
    }
    let successors = sharing.successors().filter_map(|one| directory.organisation_place(&one.oid));
    for successor in place_of_named.into_iter().chain(successors) {
        lookup.carried_to(successor, holder.register.kind).for_each(&mut each);
    }
}

#[cfg(test)]
mod tests;
