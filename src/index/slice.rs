//! A slice of the packed base: the clients of a range of hashes, in an
//! open-addressing hash table, and their declarations.
//!
//! ```text
//!  table    ┌──────────────────────────┐  lookup: start at the hash's home and probe
//!           │ client 32 │ start 24 │ n │  until the client or an empty place is found
//!           └──────────────────┬───────┘
//!  entries     … │ n entries of the client, in revision order │ …
//!                                   │ reference
//!  contents    the distinct contents of declarations
//! ```
//!
//! The places of the table are filled in the order of the hashes, so that two
//! slices of the same clients are equal and a merge takes one pass.

mod builder;
mod bytes;
mod contents;

use std::ops::Range;

use super::declaration_id::DeclarationId;
use super::entry::{Continuation, PackedEntry};
use super::key::{ClientHash, HashedClient, Seed};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Kind;
use crate::policy::facts::Facts;

pub(super) use builder::{SliceBuilder, SliceFull};
pub(super) use contents::Contents;

/// An empty place of a table: a client has at least one entry or is linked.
const EMPTY: u64 = 0;

/// The length that means that the real one is in `long`.
const IS_LONG: u64 = 0xff;

/// Set in the client of a place if the remaining bits are a position among `others`.
const IS_OTHER: u32 = 1 << 31;

/// Set in the client of a place if a link has ever named the client.
const IS_LINKED: u32 = 1 << 30;

/// The clients of a range of hashes and their declarations. Immutable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slice {
    table: Box<[u64]>,
    /// Number of places over which homes are spread; the places after them
    /// take the overflow.
    homes: usize,
    entries: Box<[PackedEntry]>,
    /// Start and length of runs of 255 entries and more, by start.
    long: Box<[(u32, u32)]>,
    contents: Contents,
    clients: u32,
    declarations: u32,
}

/// Sizes in bytes of the parts of the base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BaseBytes {
    /// The tables of clients.
    pub clients: usize,
    /// The entries of declarations.
    pub entries: usize,
    /// The distinct contents of declarations: consents, denials and the ids in them.
    pub contents: usize,
}

/// A client of a slice, with the range of its entries.
struct Placed {
    hash: ClientHash,
    client: u32,
    is_linked: bool,
    entries: Range<usize>,
}

impl Slice {
    /// The entries of a client, empty if it has none, and whether a link has ever
    /// named it.
    #[inline]
    pub(super) fn entries_of(&self, hash: ClientHash, client: HashedClient<'_>) -> (&[PackedEntry], bool) {
        let Some(slot) = self.find(hash, client) else { return (&[], false) };
        (self.entries.get(self.run(slot)).unwrap_or_default(), is_linked(slot))
    }

    #[inline]
    fn find(&self, hash: ClientHash, client: HashedClient<'_>) -> Option<u64> {
        let from_home = self.table.get(hash.home(self.homes)..)?.iter().copied();
        let mut taken = from_home.take_while(|slot| *slot != EMPTY);
        taken.find(|slot| self.client_is(client_in(*slot), client))
    }

    /// The client with another identifier that a place refers to.
    fn other(&self, client: u32) -> Option<&ClientId> {
        let place = client.checked_sub(IS_OTHER)?;
        self.contents.others.get(place as usize)
    }

    /// Whether the client of a place is this one.
    fn client_is(&self, stored: u32, client: HashedClient<'_>) -> bool {
        match client {
            HashedClient::National(number) => stored == number,
            HashedClient::Other(other) => self.other(stored) == Some(other),
        }
    }

    /// The range of the entries of a place.
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
            let hash =
                seed.hash(self.other(client).map_or(HashedClient::National(client), HashedClient::Other));
            Placed { hash, client, is_linked: is_linked(*slot), entries: self.run(*slot) }
        })
    }

    /// Every client, and its entries.
    pub(super) fn each(&self) -> impl Iterator<Item = (HashedClient<'_>, &[PackedEntry])> {
        self.table.iter().filter(|slot| **slot != EMPTY).map(|slot| {
            let client = client_in(*slot);
            let entries = self.entries.get(self.run(*slot)).unwrap_or_default();
            (self.other(client).map_or(HashedClient::National(client), HashedClient::Other), entries)
        })
    }

    /// The facts of a declaration, by its entries.
    #[inline]
    pub(super) fn facts(&self, place: u32, entry: PackedEntry, second: Option<PackedEntry>) -> Facts<'_> {
        self.read_facts(place, entry, second).unwrap_or_else(|| unreadable(place))
    }

    #[inline]
    fn read_facts(&self, place: u32, entry: PackedEntry, second: Option<PackedEntry>) -> Option<Facts<'_>> {
        self.contents.facts(place, entry.read_header()?, Continuation::read(second)?)
    }

    /// The id of a declaration, by its entries.
    pub(super) fn id(&self, entry: PackedEntry, second: Option<PackedEntry>) -> Option<DeclarationId<'_>> {
        self.contents.id(entry.read_header()?, Continuation::read(second)?)
    }

    /// Number of clients with declarations.
    pub(super) fn clients(&self) -> usize {
        self.clients as usize
    }

    /// Number of declarations.
    pub(super) fn declarations(&self) -> usize {
        self.declarations as usize
    }

    /// Sizes in bytes of its parts.
    pub(super) fn bytes(&self) -> BaseBytes {
        BaseBytes {
            clients: size_of_val(&*self.table) + size_of_val(&*self.long) + self.contents.bytes_of_others(),
            entries: size_of_val(&*self.entries),
            contents: self.contents.bytes(),
        }
    }
}

/// Replaces a declaration whose entries cannot be read, which does not happen:
/// it denies everything, because nobody can say what it allowed.
pub(super) fn unreadable<'a>(place: u32) -> Facts<'a> {
    Facts::unreadable(place, Kind::Denial, Instant::UNIX_EPOCH)
}

/// Groups entries by declaration: the place of its first entry, that entry and the second one.
pub(super) fn declarations(
    entries: &[PackedEntry],
) -> impl Iterator<Item = (u32, PackedEntry, Option<PackedEntry>)> + Clone {
    let mut rest = (0..).zip(entries.iter().copied());
    std::iter::from_fn(move || {
        let (place, entry) = rest.next()?;
        let second = if entry.has_continuation() { rest.next().map(|(_, second)| second) } else { None };
        Some((place, entry, second))
    })
}

/// The client of a place, without its mark.
fn client_in(slot: u64) -> u32 {
    (slot >> u32::BITS) as u32 & !IS_LINKED
}

fn is_linked(slot: u64) -> bool {
    (slot >> u32::BITS) as u32 & IS_LINKED != 0
}

impl std::ops::AddAssign for BaseBytes {
    fn add_assign(&mut self, other: Self) {
        let Self { clients, entries, contents } = other;
        self.clients += clients;
        self.entries += entries;
        self.contents += contents;
    }
}
