//! The lookup of a client's many denials by the data that they name.
//!
//! Denials that differ in nothing but the declaration form a group, which keeps
//! the first declarations, as many as a verdict names. So a thousand denials of
//! one register cost a record no more than one.
//!
//! ```text
//!  document, prescription, event, transaction ─▶ by_id ───────┐
//!  task ─▶ by_task, or any_task                               ├─▶ groups, chained
//!  register ─▶ by_register                                    │
//!  former provider ─▶ of_former, of_succeeded, carried_to ────┘
//! ```

use std::collections::{HashMap, HashSet};
use std::mem::discriminant;

use super::DenialInForce;
use super::table::IdTable;
use crate::declaration::{Against, Denial, Scope};
use crate::directory::{ByOid, Directory, Organisation, OrganisationKind, Party, RegisterKind};
use crate::oid::{Oid, OpaqueId};
use crate::verdict::{DECIDING_MAX, Deciding};

/// The end of a chain of groups: no group has this index.
const END: usize = usize::MAX;

/// Denials of one scope with the same effect.
#[derive(Clone, Debug)]
pub(crate) struct DenialGroup<'a> {
    /// One of them.
    pub(crate) denial: &'a Denial,
    /// The places of the first of them, in revision order.
    pub(crate) places: Deciding,
    /// The next group of the chain.
    next: usize,
}

/// The first group by a place in the directory. The hash has no random key: the
/// places of entries are not chosen by callers.
type ByPlace<K> = HashMap<K, usize, ByOid>;

/// The groups of a client's denials. Each map has the index of the first group of
/// a chain; a chain is short, because few groups can differ.
#[derive(Clone, Debug)]
pub(crate) struct Lookup<'a> {
    groups: Vec<DenialGroup<'a>>,
    /// Denials of everything and of all patient data.
    of_all_data: usize,
    /// Those of one document, event, transaction or prescription.
    by_id: IdTable<'a>,
    by_task: IdTable<'a>,
    /// Those of any task, for records that name none.
    any_task: usize,
    /// By the place of the register in the directory. No record is held in a
    /// register that the directory does not know.
    by_register: ByPlace<usize>,
    /// Denials of former providers that the directory does not know: a record may
    /// name one.
    of_unknown: HashMap<&'a str, usize>,
    /// Denials of a former provider or of its registers, by the place of the
    /// provider in the directory.
    of_former: ByPlace<usize>,
    /// The same denials by the place of each organisation that succeeded the provider.
    of_succeeded: ByPlace<usize>,
    /// The part of those that the successor carried over, by its place and the
    /// kinds of the provider's registers.
    carried_to: ByPlace<(usize, RegisterKind)>,
}

/// The number of ids of each kind that the denials name.
#[derive(Default)]
struct Counts {
    ids: usize,
    tasks: usize,
}

impl<'a> Lookup<'a> {
    /// Groups denials, given in revision order.
    pub(super) fn of(denials: &[DenialInForce<'a>], directory: &Directory) -> Self {
        let counts = Counts::of(denials);
        let mut lookup = Self {
            groups: Vec::with_capacity(denials.len()),
            of_all_data: END,
            by_id: IdTable::with_capacity(counts.ids),
            by_task: IdTable::with_capacity(counts.tasks),
            any_task: END,
            by_register: HashMap::default(),
            of_unknown: HashMap::new(),
            of_former: HashMap::default(),
            of_succeeded: HashMap::default(),
            carried_to: HashMap::default(),
        };
        for one in denials {
            lookup.add(one, directory);
        }
        lookup.follow_mergers(directory);
        lookup
    }

    /// The denials of everything and of all patient data.
    pub(crate) fn of_all_data(&self) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(Some(self.of_all_data))
    }

    /// The denials of a document, event, transaction or prescription with an id.
    #[inline]
    pub(crate) fn naming(&self, id: &OpaqueId<'_>) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(self.by_id.get(id.as_str()))
    }

    /// The denials of a service task.
    #[inline]
    pub(crate) fn of_task(&self, task: &OpaqueId<'_>) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(self.by_task.get(task.as_str()))
    }

    /// The denials of any service task, in groups of those with the same effect.
    pub(crate) fn of_any_task(&self) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(Some(self.any_task))
    }

    /// Whether a denial names a document, event, transaction or prescription.
    #[inline]
    pub(crate) fn has_ids(&self) -> bool {
        !self.by_id.is_empty()
    }

    /// Whether a denial names a register.
    #[inline]
    pub(crate) fn has_registers(&self) -> bool {
        !self.by_register.is_empty()
    }

    /// The denials that name the register at a place of the directory.
    pub(crate) fn of_register(&self, place: Option<usize>) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(place.and_then(|place| self.by_register.get(&place).copied()))
    }

    /// Whether a denial names a former provider or one of its registers.
    #[inline]
    pub(crate) fn has_former_providers(&self) -> bool {
        !(self.of_unknown.is_empty() && self.of_former.is_empty())
    }

    /// The denials of a former provider that the directory does not know.
    pub(crate) fn of_unknown(&self, provider: &Oid<'_>) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(self.of_unknown.get(provider.as_str()).copied())
    }

    /// The denials of the former provider at a place of the directory, or of one of
    /// its registers.
    pub(crate) fn of_former(&self, place: usize) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(self.of_former.get(&place).copied())
    }

    /// The denials of the former providers that an organisation succeeded.
    pub(crate) fn of_succeeded(&self, successor: usize) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(self.of_succeeded.get(&successor).copied())
    }

    /// The denials that a successor carried over to its files of a kind.
    pub(crate) fn carried_to(
        &self,
        successor: usize,
        kind: RegisterKind,
    ) -> impl Iterator<Item = &DenialGroup<'a>> {
        self.chain(self.carried_to.get(&(successor, kind)).copied())
    }

    #[inline]
    fn chain(&self, first: Option<usize>) -> impl Iterator<Item = &DenialGroup<'a>> {
        let at = |place: usize| self.groups.get(place);
        std::iter::successors(first.and_then(at), move |group| at(group.next))
    }

    fn add(&mut self, one: &DenialInForce<'a>, directory: &Directory) {
        let DenialInForce { place, denial } = *one;
        let places = Deciding::one(place);
        let groups = &mut self.groups;
        let first = match &denial.scope {
            Scope::AllPatientData | Scope::Extensive => &mut self.of_all_data,
            Scope::ServiceEvent(id)
            | Scope::ServiceTransaction(id)
            | Scope::Document(id)
            | Scope::Prescription(id) => self.by_id.entry(id.as_str(), END),
            Scope::ServiceTask(task) => {
                add_to(groups, &mut self.any_task, denial, &places);
                self.by_task.entry(task.as_str(), END)
            }
            Scope::Register(register) => match directory.register_place(register) {
                Some(place) => self.by_register.entry(place).or_insert(END),
                None => return,
            },
            Scope::FormerProvider(provider) => match directory.organisation_place(provider) {
                Some(place) => self.of_former.entry(place).or_insert(END),
                None => self.of_unknown.entry(provider.as_str()).or_insert(END),
            },
        };
        add_to(groups, first, denial, &places);
    }

    /// Adds the denials of former providers' registers to those of the provider, and
    /// these to each organisation whose data they cover too, because it succeeded
    /// the provider.
    fn follow_mergers(&mut self, directory: &Directory) {
        let mut registers: Vec<(usize, usize)> =
            self.by_register.iter().map(|(place, at)| (*place, *at)).collect();
        registers.sort_unstable();
        for (place, first) in registers {
            let register = directory.registers().get(place);
            let Some(Party { controller, .. }) = register.and_then(|one| directory.party(&one.oid)) else {
                continue;
            };
            let provider = directory.organisation_place(&controller.oid);
            if let Some(provider) = provider.filter(|_| controller.kind == OrganisationKind::FormerPublic) {
                self.add_chain(first, |lookup| lookup.of_former.entry(provider).or_insert(END));
            }
        }
        let mut former: Vec<(usize, usize)> =
            self.of_former.iter().map(|(place, at)| (*place, *at)).collect();
        former.sort_unstable();
        for (place, first) in former {
            let Some(provider) = directory.organisations().get(place) else { continue };
            let kinds: HashSet<RegisterKind> =
                directory.registers_of(provider).map(|register| register.kind).collect();
            for successor in directory.successors(provider) {
                self.add_to_successor(successor, first, &kinds, directory);
            }
        }
    }

    /// Adds the groups of a former provider, given by the first, to a successor.
    fn add_to_successor(
        &mut self,
        successor: &Organisation,
        first: usize,
        kinds: &HashSet<RegisterKind>,
        directory: &Directory,
    ) {
        let Some(place) = directory.organisation_place(&successor.oid) else { return };
        self.add_chain(first, |lookup| lookup.of_succeeded.entry(place).or_insert(END));
        for kind in kinds.iter().filter(|_| successor.carries_former_denials) {
            self.add_chain(first, |lookup| lookup.carried_to.entry((place, *kind)).or_insert(END));
        }
    }

    /// Adds the groups of a chain, given by the first, to another chain.
    fn add_chain(&mut self, first: usize, to: impl Fn(&mut Self) -> &mut usize) {
        let mut at = first;
        while let Some(DenialGroup { denial, places, next }) = self.groups.get(at).cloned() {
            let mut start = *to(self);
            add_to(&mut self.groups, &mut start, denial, &places);
            *to(self) = start;
            at = next;
        }
    }
}

impl Counts {
    fn of(denials: &[DenialInForce<'_>]) -> Self {
        let mut counts = Self::default();
        for one in denials {
            match one.denial.scope {
                Scope::ServiceEvent(_)
                | Scope::ServiceTransaction(_)
                | Scope::Document(_)
                | Scope::Prescription(_) => counts.ids += 1,
                Scope::ServiceTask(_) => counts.tasks += 1,
                Scope::AllPatientData | Scope::Register(_) | Scope::FormerProvider(_) | Scope::Extensive => {}
            }
        }
        counts
    }
}

/// Adds denials to their group in a chain, which gets it if it has none.
fn add_to<'a>(groups: &mut Vec<DenialGroup<'a>>, first: &mut usize, denial: &'a Denial, places: &Deciding) {
    let mut at = *first;
    while let Some(group) = groups.get_mut(at) {
        if has_same_effect(group.denial, denial) {
            merge(&mut group.places, places);
            return;
        }
        at = group.next;
    }
    let next = std::mem::replace(first, groups.len());
    groups.push(DenialGroup { denial, places: *places, next });
}

/// Whether two denials that name the same data cover the same records for the
/// same requesters, by a scope of the same kind.
fn has_same_effect(one: &Denial, other: &Denial) -> bool {
    let Denial { sector, scope, against, allows_emergency } = one;
    let is_listed = |against: &[Against], all: &[Against]| against.iter().all(|one| all.contains(one));
    *sector == other.sector
        && *allows_emergency == other.allows_emergency
        && discriminant(scope) == discriminant(&other.scope)
        && is_listed(against, &other.against)
        && is_listed(&other.against, against)
}

/// Adds places to a list in revision order, which keeps the first.
pub(crate) fn merge(list: &mut Deciding, more: &Deciding) {
    // Most are recorded later than those of a full list.
    if list.iter().count() == DECIDING_MAX && list.iter().last() <= more.iter().next() {
        return;
    }
    let earlier = *list;
    let (mut left, mut right) = (earlier.iter().peekable(), more.iter().peekable());
    let mut merged = Deciding::none();
    while let Some(place) = [left.peek(), right.peek()].into_iter().flatten().min().copied() {
        left.next_if_eq(&place);
        right.next_if_eq(&place);
        merged.push_if_free(place);
    }
    *list = merged;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_the_first_places_once() {
        let list = |places: &[u32]| places.iter().copied().collect::<Deciding>();
        for (one, other, expected) in [
            (&[][..], &[7][..], &[7][..]),
            (&[7], &[], &[7]),
            (&[1, 5], &[3, 5, 9], &[1, 3, 5, 9]),
            (&[4, 5, 6, 7], &[1, 2, 8], &[1, 2, 4, 5]),
        ] {
            let mut merged = list(one);
            merge(&mut merged, &list(other));
            assert_eq!(merged, list(expected), "{one:?} {other:?}");
        }
    }
}
