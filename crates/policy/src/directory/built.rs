//! The directory and its lookups. It is built as a whole or rejected with every
//! fault.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use super::hash::ByOid;
use super::{Holder, Organisation, OrganisationKind, Outsourcing, Party, Register};
use crate::calendar::Calendar;
use crate::day::Day;
use crate::oid::Oid;

/// Maximum number of successors of an organisation, one after the other. A record
/// of a former provider's register is compared with each of them.
pub const SUCCESSORS_MAX: usize = 32;

/// Organisations, registers and outsourcing relations.
///
/// INVARIANT (controllers-known): every register's controller is an organisation of the directory.
/// INVARIANT (successors-known): every successor is an organisation of the directory.
/// INVARIANT (successors-end): every chain of successors ends, after at most [`SUCCESSORS_MAX`].
#[derive(Clone, Debug, Default)]
pub struct Directory {
    organisations: Vec<Organisation>,
    registers: Vec<Register>,
    outsourcing: Vec<Outsourcing>,
    organisation_places: HashMap<Oid<'static>, usize, ByOid>,
    /// Places of the register and its controller.
    register_places: HashMap<Oid<'static>, (usize, usize), ByOid>,
    /// Places of the registers that an organisation holds, by its place.
    registers_held: Vec<Vec<usize>>,
    /// Every organisation on the chain of successors of a former provider.
    successors_of_former: HashSet<Oid<'static>, ByOid>,
}

/// Hashes the entries only: the lookup tables are derived from them.
impl Hash for Directory {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { organisations, registers, outsourcing, .. } = self;
        (organisations, registers, outsourcing).hash(state);
    }
}

/// The entry of a directory that has a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryPlace {
    /// The organisation with this index.
    Organisation(usize),
    /// The register with this index.
    Register(usize),
    /// The outsourcing relation with this index.
    Outsourcing(usize),
}

/// A fault of a directory, or a loose end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct DirectoryFault {
    /// The entry at fault.
    pub place: DirectoryPlace,
    /// The field at fault.
    pub field: &'static str,
    /// The kind of the fault.
    pub what: WrongInDirectory,
}

/// The kinds of faults of a directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongInDirectory {
    /// Two entries with one OID.
    #[error("`{0}` is already the OID of another entry: give each organisation and register one of its own")]
    DuplicateOid(Oid<'static>),
    /// No such organisation.
    #[error("no organisation `{0}` in the directory: add it or correct the OID")]
    UnknownOrganisation(Oid<'static>),
    /// No such register.
    #[error("no register `{0}` in the directory: add it or correct the OID")]
    UnknownRegister(Oid<'static>),
    /// A former provider without a successor.
    #[error("the former provider `{0}` has no successor: name the organisation that it merged into")]
    NoSuccessor(Oid<'static>),
    /// A chain of successors that returns to its start.
    #[error("the successors of `{0}` form a cycle: a former provider ends in a county")]
    SuccessorCycle(Oid<'static>),
    /// A chain of successors that is too long.
    #[error(
        "`{0}` has more than {SUCCESSORS_MAX} successors, one after the other: name the organisation that holds its data now as its successor"
    )]
    TooManySuccessors(Oid<'static>),
}

impl Directory {
    /// Builds the directory, or returns every fault: a duplicate OID, an unknown
    /// controller or successor, a cycle of successors.
    pub fn build(
        organisations: Vec<Organisation>,
        registers: Vec<Register>,
        outsourcing: Vec<Outsourcing>,
    ) -> Result<Self, Vec<DirectoryFault>> {
        let mut faults = Vec::new();
        let mut organisation_places =
            HashMap::with_capacity_and_hasher(organisations.len(), ByOid::default());
        for (place, organisation) in organisations.iter().enumerate() {
            match organisation_places.entry(organisation.oid.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(place);
                }
                Entry::Occupied(_) => faults.push(DirectoryFault {
                    place: DirectoryPlace::Organisation(place),
                    field: "oid",
                    what: WrongInDirectory::DuplicateOid(organisation.oid.clone()),
                }),
            }
        }
        let mut register_places = HashMap::with_capacity_and_hasher(registers.len(), ByOid::default());
        let mut registers_held = vec![Vec::new(); organisations.len()];
        for (place, register) in registers.iter().enumerate() {
            let fault = |field, what| DirectoryFault { place: DirectoryPlace::Register(place), field, what };
            let controller = organisation_places.get(&register.controller).copied();
            if controller.is_none() {
                let what = WrongInDirectory::UnknownOrganisation(register.controller.clone());
                faults.push(fault("controller", what));
            }
            let places = (place, controller.unwrap_or_default());
            if let Some(held) = controller.and_then(|controller| registers_held.get_mut(controller)) {
                held.push(place);
            }
            let is_taken = organisation_places.contains_key(&register.oid)
                || register_places.insert(register.oid.clone(), places).is_some();
            if is_taken {
                faults.push(fault("oid", WrongInDirectory::DuplicateOid(register.oid.clone())));
            }
        }
        let mut directory = Self {
            organisations,
            registers,
            outsourcing,
            organisation_places,
            register_places,
            registers_held,
            successors_of_former: HashSet::default(),
        };
        faults.extend(directory.unknown_successors());
        faults.extend(directory.endless_successors());
        if !faults.is_empty() {
            return Err(faults);
        }
        let former = directory.organisations.iter().filter(|one| one.kind == OrganisationKind::FormerPublic);
        directory.successors_of_former =
            former.flat_map(|former| directory.successors(former)).map(|next| next.oid.clone()).collect();
        Ok(directory)
    }

    /// Entries that are probably mistakes but no faults: references to
    /// organisations and registers that are not in the directory, which open
    /// nothing, and former providers without a successor, whose denials follow
    /// no merger.
    #[must_use]
    pub fn loose_ends(&self) -> Vec<DirectoryFault> {
        let unknown = |oid: &Oid<'static>| {
            (!self.organisation_places.contains_key(oid))
                .then(|| WrongInDirectory::UnknownOrganisation(oid.clone()))
        };
        let mut loose_ends = Vec::new();
        for (at, organisation) in self.organisations.iter().enumerate() {
            let place = DirectoryPlace::Organisation(at);
            if organisation.kind == OrganisationKind::FormerPublic && organisation.successor.is_none() {
                let what = WrongInDirectory::NoSuccessor(organisation.oid.clone());
                loose_ends.push(DirectoryFault { place, field: "successor", what });
            }
            let providers = organisation
                .main_responsibility
                .iter()
                .filter_map(|connection| unknown(&connection.provider));
            loose_ends.extend(providers.map(|what| DirectoryFault {
                place,
                field: "main_responsibility",
                what,
            }));
        }
        for (at, relation) in self.outsourcing.iter().enumerate() {
            let place = DirectoryPlace::Outsourcing(at);
            if !self.register_places.contains_key(&relation.organiser_register) {
                let what = WrongInDirectory::UnknownRegister(relation.organiser_register.clone());
                loose_ends.push(DirectoryFault { place, field: "organiser_register", what });
            }
            let producer = unknown(&relation.producer);
            loose_ends.extend(producer.map(|what| DirectoryFault { place, field: "producer", what }));
        }
        loose_ends
    }

    /// The organisations, in the given order.
    #[must_use]
    pub fn organisations(&self) -> &[Organisation] {
        &self.organisations
    }

    /// The registers, in the given order.
    #[must_use]
    pub fn registers(&self) -> &[Register] {
        &self.registers
    }

    /// The outsourcing relations, in the given order.
    #[must_use]
    pub fn outsourcing(&self) -> &[Outsourcing] {
        &self.outsourcing
    }

    /// An organisation by its OID.
    #[must_use]
    pub fn organisation(&self, oid: &Oid<'_>) -> Option<&Organisation> {
        self.organisation_places.get(oid.as_str()).and_then(|place| self.organisations.get(*place))
    }

    /// The index of an organisation among [`Self::organisations`].
    #[inline]
    pub(crate) fn organisation_place(&self, oid: &Oid<'_>) -> Option<usize> {
        self.organisation_places.get(oid.as_str()).copied()
    }

    /// The index of a register among [`Self::registers`].
    #[inline]
    pub(crate) fn register_place(&self, oid: &Oid<'_>) -> Option<usize> {
        self.register_places.get(oid.as_str()).map(|(register, _)| *register)
    }

    /// A register by its OID, with its controller.
    #[must_use]
    pub fn party(&self, register: &Oid<'_>) -> Option<Party<'_>> {
        let (register, controller) = self.register_places.get(register.as_str())?;
        Some(Party {
            register: self.registers.get(*register)?,
            controller: self.organisations.get(*controller)?,
        })
    }

    /// A register as the holder of records on a day: the register of a former
    /// provider counts as its successor's from the successor's first day on
    /// (domain rules §2).
    #[must_use]
    pub fn holder(&self, register: &Oid<'_>, calendar: &Calendar, today: Day) -> Option<Holder<'_>> {
        let Party { register, controller: named_controller } = self.party(register)?;
        // No successor is the provider itself, by INVARIANT (successors-end).
        let successor = self.successors_by(named_controller, calendar, today).last();
        let controller = successor.unwrap_or(named_controller);
        Some(Holder { register, named_controller, controller, is_merged: successor.is_some() })
    }

    /// The successors of a former provider whose first day is reached on a day,
    /// in order; empty for any other organisation.
    pub(crate) fn successors_by(
        &self,
        former: &Organisation,
        calendar: &Calendar,
        day: Day,
    ) -> impl Iterator<Item = &Organisation> {
        let is_former = former.kind == OrganisationKind::FormerPublic;
        let successors = is_former.then(|| self.successors(former)).into_iter().flatten();
        successors.filter(move |successor| successor.first_day(calendar) <= day)
    }

    /// The registers whose controller the directory names as this organisation.
    pub(crate) fn registers_of(&self, organisation: &Organisation) -> impl Iterator<Item = &Register> {
        let place = self.organisation_places.get(organisation.oid.as_str());
        let held = place.and_then(|place| self.registers_held.get(*place));
        held.into_iter().flatten().filter_map(|place| self.registers.get(*place))
    }

    /// Whether a holder's data is part of the data file of a register: the holder
    /// is that register, or has merged into it at any link of the chain.
    #[inline]
    pub(crate) fn is_part_of(
        &self,
        holder: &Holder<'_>,
        file: &Oid<'_>,
        calendar: &Calendar,
        today: Day,
    ) -> bool {
        holder.register.oid == *file
            || (holder.is_merged() && self.has_merged_into(holder, file, calendar, today))
    }

    /// Out of line, so that the check that every record makes stays small.
    #[cold]
    fn has_merged_into(&self, holder: &Holder<'_>, file: &Oid<'_>, calendar: &Calendar, today: Day) -> bool {
        self.party(file).is_some_and(|file| {
            file.register.kind == holder.register.kind
                && self
                    .successors_by(holder.named_controller, calendar, today)
                    .any(|successor| successor.oid == file.controller.oid)
        })
    }

    /// The successors of an organisation, in order; ends by INVARIANT (successors-end).
    pub(crate) fn successors(&self, of: &Organisation) -> impl Iterator<Item = &Organisation> {
        let next = |organisation: &Organisation| {
            organisation.successor.as_ref().and_then(|oid| self.organisation(oid))
        };
        std::iter::successors(next(of), move |organisation| next(organisation))
    }

    /// Whether one organisation succeeded another, anywhere on the chain.
    pub(crate) fn has_succeeded(&self, successor: &Organisation, former: &Oid<'_>) -> bool {
        self.organisation(former)
            .is_some_and(|former| self.successors(former).any(|next| next.oid == successor.oid))
    }

    /// Whether an organisation succeeded a former provider, anywhere on the chain.
    pub(crate) fn has_succeeded_any(&self, successor: &Organisation) -> bool {
        self.successors_of_former.contains(&successor.oid)
    }

    /// A denial of a former provider follows its successors: a mistyped OID would
    /// open what the client denied.
    fn unknown_successors(&self) -> impl Iterator<Item = DirectoryFault> {
        self.organisations.iter().enumerate().filter_map(|(at, organisation)| {
            let successor = organisation.successor.as_ref()?;
            let what = WrongInDirectory::UnknownOrganisation(successor.clone());
            let is_unknown = self.organisation(successor).is_none();
            is_unknown.then_some(DirectoryFault {
                place: DirectoryPlace::Organisation(at),
                field: "successor",
                what,
            })
        })
    }

    /// Chains of successors that return to their start, or are too long. One that
    /// leads into a cycle of others is no fault of its own.
    fn endless_successors(&self) -> impl Iterator<Item = DirectoryFault> {
        self.organisations.iter().enumerate().filter_map(|(at, organisation)| {
            let oid = &organisation.oid;
            let followed = || self.successors(organisation).take(SUCCESSORS_MAX + 1);
            let what = if followed().any(|next| next.oid == *oid) {
                WrongInDirectory::SuccessorCycle(oid.clone())
            } else if followed().map(|next| &next.oid).collect::<HashSet<_>>().len() > SUCCESSORS_MAX {
                WrongInDirectory::TooManySuccessors(oid.clone())
            } else {
                return None;
            };
            Some(DirectoryFault { place: DirectoryPlace::Organisation(at), field: "successor", what })
        })
    }
}

#[cfg(test)]
mod tests;
