//! A part of the packed base: the clients of a range of hashes.
//!
//! ```text
//!  table    ┌──────────────────────────┐  one probe: begin at the hash's home and
//!           │ client 32 │ start 24 │ n │  go on until the client or an empty place
//!           └──────────────────┬───────┘
//!  entries     … │ n entries of the client, in revision order │ …
//!                                   │ reference
//!  contents    what is said, each thing once
//! ```
//!
//! The places of the table are taken in the order of the hashes, so that two
//! slices of the same clients are alike and one is merged by one pass.

mod builder;
mod bytes;
mod contents;

use std::ops::Range;

use super::entry::{Entry, More, Says};
use super::kept::{Id, Kept};
use super::key::{Client, Hash, Seed};
use crate::policy::client_id::ClientId;
use crate::policy::day::{Day, Instant};
use crate::policy::declaration::Kind;
use crate::policy::facts::{ContentRef, Facts};

pub(super) use builder::{Overfull, SliceBuilder};
pub(super) use contents::Contents;

/// An empty place of a table: a client has an entry at least.
const EMPTY: u64 = 0;

/// The length in a place that says that the real one is in `long`.
const IS_LONG: u64 = 0xff;

/// Set in a place's client where the rest is a place among `others`.
const IS_OTHER: u32 = 1 << 31;

/// The clients of a range of hashes and their declarations. Immutable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slice {
    table: Box<[u64]>,
    /// Homes are spread over so many places of the table; the rest is for
    /// those that did not find room.
    homes: usize,
    entries: Box<[Entry]>,
    /// Start and length of runs of 255 entries and more, by start.
    long: Box<[(u32, u32)]>,
    contents: Contents,
    clients: u32,
    declarations: u32,
}

/// How many bytes the parts of the base take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BaseBytes {
    /// The tables of clients.
    pub clients: usize,
    /// The entries of declarations.
    pub entries: usize,
    /// What declarations say: consents, denials and the ids in them.
    pub contents: usize,
}

/// A client of a slice.
struct Placed {
    hash: Hash,
    client: u32,
    entries: Range<usize>,
}

impl Slice {
    /// The entries of a client; empty if it has none.
    pub(super) fn entries_of(&self, hash: Hash, client: Client<'_>) -> &[Entry] {
        self.find(hash, client).and_then(|slot| self.entries.get(self.run(slot))).unwrap_or_default()
    }

    fn find(&self, hash: Hash, client: Client<'_>) -> Option<u64> {
        let from_home = self.table.get(hash.home(self.homes)..)?.iter().copied();
        let mut taken = from_home.take_while(|slot| *slot != EMPTY);
        taken.find(|slot| self.client_is(client_in(*slot), client))
    }

    /// The client of another system that a place's client stands for.
    fn other(&self, client: u32) -> Option<&ClientId> {
        let place = client.checked_sub(IS_OTHER)?;
        self.contents.others.get(place as usize)
    }

    /// Whether a place's client is this one.
    fn client_is(&self, told: u32, client: Client<'_>) -> bool {
        match client {
            Client::National(number) => told == number,
            Client::Other(other) => self.other(told) == Some(other),
        }
    }

    /// Where a place's entries are.
    fn run(&self, slot: u64) -> Range<usize> {
        let start = (slot >> 8) & 0xff_ffff;
        let length = match slot & 0xff {
            IS_LONG => {
                let at = self.long.binary_search_by_key(&start, |(start, _)| u64::from(*start));
                at.ok().and_then(|at| self.long.get(at)).map_or(0, |(_, length)| *length as usize)
            }
            length => length as usize,
        };
        let start = start as usize;
        start..start + length
    }

    /// Every client in the order of the hashes.
    fn placed(&self, seed: Seed) -> impl Iterator<Item = Placed> {
        self.table.iter().filter(|slot| **slot != EMPTY).map(move |slot| {
            let client = client_in(*slot);
            let hash = seed.hash(self.other(client).map_or(Client::National(client), Client::Other));
            Placed { hash, client, entries: self.run(*slot) }
        })
    }

    /// Every client, and its entries.
    pub(super) fn each(&self) -> impl Iterator<Item = (Client<'_>, &[Entry])> {
        self.table.iter().filter(|slot| **slot != EMPTY).map(|slot| {
            let client = client_in(*slot);
            let entries = self.entries.get(self.run(*slot)).unwrap_or_default();
            (self.other(client).map_or(Client::National(client), Client::Other), entries)
        })
    }

    /// What of a declaration decides.
    pub(super) fn facts(&self, place: u32, entry: Entry, more: Option<Entry>) -> Facts<'_> {
        self.read_facts(place, entry, more).unwrap_or_else(|| untold(place))
    }

    fn read_facts(&self, place: u32, entry: Entry, more: Option<Entry>) -> Option<Facts<'_>> {
        let first = entry.read_first()?;
        let More { withdrawal, role, told_id: _ } = match more {
            Some(more) => more.read_more()?,
            None => More::NOTHING,
        };
        if let Says::Kept(at) = first.says {
            return self.contents.kept.get(at as usize).map(|kept| kept.facts(place));
        }
        let content = self.contents.said(first.says)?;
        Some(Facts {
            place,
            content,
            given_on: first.given_on,
            recorded_at: first.recorded_at,
            role,
            withdrawal,
        })
    }

    /// The id of a declaration.
    pub(super) fn id(&self, entry: Entry, more: Option<Entry>) -> Option<Id<'_>> {
        let first = entry.read_first()?;
        if let Says::Kept(at) = first.says {
            return self.contents.kept.get(at as usize).map(Kept::id);
        }
        match more.and_then(Entry::read_more).and_then(|more| more.told_id) {
            Some(at) => Some(Id::Told(first.revision, self.contents.id_at(at)?)),
            None => Some(Id::Derived(first.revision)),
        }
    }

    /// How many clients have declared something.
    pub(super) fn clients(&self) -> usize {
        self.clients as usize
    }

    /// How many declarations there are.
    pub(super) fn declarations(&self) -> usize {
        self.declarations as usize
    }

    /// How many bytes its parts take.
    pub(super) fn bytes(&self) -> BaseBytes {
        BaseBytes {
            clients: size_of_val(&*self.table) + size_of_val(&*self.long) + self.contents.bytes_of_others(),
            entries: size_of_val(&*self.entries),
            contents: self.contents.bytes(),
        }
    }
}

/// Stands for a declaration that cannot be told from its entries, which does
/// not happen: it denies everything, because it cannot be said what was there.
pub(super) fn untold<'a>(place: u32) -> Facts<'a> {
    Facts {
        place,
        content: ContentRef::Unreadable(Kind::Denial),
        given_on: Day::of(Instant::UNIX_EPOCH),
        recorded_at: Instant::UNIX_EPOCH,
        role: None,
        withdrawal: None,
    }
}

/// Goes through entries declaration by declaration: where each begins, and its entries.
pub(super) fn declarations(entries: &[Entry]) -> impl Iterator<Item = (u32, Entry, Option<Entry>)> + Clone {
    let mut rest = (0..).zip(entries.iter().copied());
    std::iter::from_fn(move || {
        let (place, entry) = rest.next()?;
        let more = if entry.has_more() { rest.next().map(|(_, more)| more) } else { None };
        Some((place, entry, more))
    })
}

fn client_in(slot: u64) -> u32 {
    (slot >> u32::BITS) as u32
}

impl std::ops::AddAssign for BaseBytes {
    fn add_assign(&mut self, other: Self) {
        let Self { clients, entries, contents } = other;
        self.clients += clients;
        self.entries += entries;
        self.contents += contents;
    }
}
