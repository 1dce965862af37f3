//! What the entries of an import are checked for among themselves.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use super::{EncodedEntry, ImportOutcome};
use crate::policy::client_id::ClientId;
use crate::policy::history::HistoryEntry;
use crate::policy::link::{CODES_MAX, LINKS_MAX, LinkedCodes, RecordedLink};
use crate::policy::oid::OpaqueId;

/// The numbers of codes and of links in force of the persons that links make.
#[derive(Debug, Default)]
pub(in crate::store) struct PersonSizes {
    /// The position of each code's person.
    of: HashMap<ClientId, usize>,
    persons: Vec<PersonSize>,
    /// The codes whose stored links are noted.
    read: HashSet<ClientId>,
    /// The stored links that are noted.
    noted: HashSet<OpaqueId<'static>>,
}

#[derive(Debug, Default)]
struct PersonSize {
    codes: Vec<ClientId>,
    links: usize,
}

/// What the entries of an import are checked for among themselves: ids that are repeated, declarations that
/// are withdrawn before they stand, and persons with too many codes or links.
#[derive(Debug, Default)]
pub struct ImportCheck {
    /// Keyed hashes of 128 bits, which take less memory than the ids. Two of a hundred million ids have the
    /// same one with a probability below 2⁻⁷⁰.
    ids: HashSet<u128>,
    /// What was withdrawn by an entry of its own, and under which client.
    withdrawn: HashSet<u128>,
    key: RandomState,
    pub(in crate::store) persons: PersonSizes,
}

impl ImportCheck {
    /// What becomes of the next entry if nothing is stored yet.
    pub fn outcome(&mut self, entry: &EncodedEntry) -> ImportOutcome {
        self.refuse(entry).unwrap_or_else(|| self.outcome_of_new(entry))
    }

    /// Why an entry cannot be added after the earlier ones of the import; none if it can.
    pub(in crate::store) fn refuse(&mut self, entry: &EncodedEntry) -> Option<ImportOutcome> {
        let (kind, id) = (std::mem::discriminant(&entry.entry), entry.id().as_str());
        let (own, is_withdrawn) = match &entry.entry {
            HistoryEntry::Declaration(client, _) => {
                let is_withdrawn =
                    !self.withdrawn.is_empty() && self.withdrawn.contains(&self.hash(&(client, id)));
                (self.hash(&(kind, id)), is_withdrawn)
            }
            HistoryEntry::Link(_) => (self.hash(&(kind, id)), false),
            HistoryEntry::Withdrawal { client, withdrawal, .. } => {
                self.withdrawn.insert(self.hash(&(client, id)));
                (self.hash(&(kind, id, client, withdrawal.recorded_at)), false)
            }
        };
        match (self.ids.insert(own), is_withdrawn) {
            (false, _) => Some(ImportOutcome::Repeated),
            (true, true) => Some(ImportOutcome::WithdrawnBefore),
            (true, false) => None,
        }
    }

    fn hash(&self, of: &impl Hash) -> u128 {
        let half = |half: u8| u128::from(self.key.hash_one((half, of)));
        half(0) << u64::BITS | half(1)
    }

    /// What becomes of an entry that is not stored yet.
    pub(in crate::store) fn outcome_of_new(&mut self, entry: &EncodedEntry) -> ImportOutcome {
        match &entry.entry {
            HistoryEntry::Link(recorded)
                if recorded.is_in_force() && !self.persons.add(&recorded.link.linked) =>
            {
                ImportOutcome::PersonTooLarge
            }
            HistoryEntry::Link(_) | HistoryEntry::Declaration(..) | HistoryEntry::Withdrawal { .. } => {
                ImportOutcome::Added
            }
        }
    }
}

impl PersonSizes {
    /// A code of the persons of some codes whose stored links are not noted yet.
    pub(in crate::store) fn unread(&self, codes: &[ClientId]) -> Option<ClientId> {
        let person = |code| self.of.get(code).and_then(|place| self.persons.get(*place));
        let linked = codes.iter().filter_map(person).flat_map(|person| &person.codes);
        codes.iter().chain(linked).find(|code| !self.read.contains(*code)).cloned()
    }

    /// Notes the stored links in force of a code.
    pub(in crate::store) fn note(&mut self, code: ClientId, links: &[RecordedLink]) {
        self.read.insert(code);
        for link in links.iter().filter(|link| link.is_in_force()) {
            // It is met again at each of its codes.
            if self.noted.insert(link.link.id.clone()) {
                self.join(&link.link.linked);
            }
        }
    }

    /// Adds a link in force; false if the person would be too large.
    pub(in crate::store) fn add(&mut self, linked: &LinkedCodes) -> bool {
        let joined = self.joined(linked);
        let is_small = joined.codes.len() <= CODES_MAX && joined.links <= LINKS_MAX;
        if is_small {
            self.join(linked);
        }
        is_small
    }

    fn join(&mut self, linked: &LinkedCodes) {
        let joined = self.joined(linked);
        self.of.extend(joined.codes.iter().map(|code| (code.clone(), self.persons.len())));
        self.persons.push(joined);
    }

    /// The person that a link makes of those of its codes.
    fn joined(&self, linked: &LinkedCodes) -> PersonSize {
        let mut places: Vec<usize> =
            linked.codes.iter().filter_map(|code| self.of.get(code)).copied().collect();
        places.sort_unstable();
        places.dedup();
        let mut joined = PersonSize { codes: linked.codes.to_vec(), links: 1 };
        for person in places.into_iter().filter_map(|place| self.persons.get(place)) {
            let new = person.codes.iter().filter(|code| !linked.codes.contains(code));
            joined.codes.extend(new.cloned());
            joined.links += person.links;
        }
        joined
    }
}
