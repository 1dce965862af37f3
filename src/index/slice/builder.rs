//! A slice under construction.

use std::thread;

use super::super::delta::Delta;
use super::super::entry::{Entry, First, More, Says};
use super::super::kept::{Id, Kept};
use super::super::key::{Client, Hash, Seed};
use super::{Contents, EMPTY, IS_LONG, IS_OTHER, Placed, Slice, declarations};
use crate::policy::facts::{Facts, WithdrawalFacts};

/// Of five places four are taken: more would be found late, fewer would take room.
const TAKEN: (usize, usize) = (4, 5);

/// A merge gives way to other threads after so many clients.
const GIVES_WAY_AFTER: usize = 128;

/// A slice cannot hold so much: its clients have more than sixteen million
/// declarations, or say more than eight million different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slice of the index is full: this version of lupa does not hold so many declarations")]
pub(in crate::index) struct Overfull;

/// A slice under construction: clients in the order of their hashes, and of
/// each its declarations in revision order.
#[derive(Debug, Default)]
pub(in crate::index) struct SliceBuilder {
    entries: Vec<Entry>,
    contents: Contents,
    /// Hash, client as in the table and start of each client.
    clients: Vec<(Hash, u32, usize)>,
    declarations: u32,
}

/// A client's part of a merge.
enum Part<'p> {
    Old(Placed, Option<&'p Delta>),
    New(Client<'p>, &'p Delta),
}

impl SliceBuilder {
    /// Begins the next client.
    pub(in crate::index) fn client(&mut self, hash: Hash, client: Client<'_>) {
        let client = match client {
            Client::National(number) => number,
            Client::Other(other) => self.contents.other(other.clone()) | IS_OTHER,
        };
        self.clients.push((hash, client, self.entries.len()));
    }

    /// Adds a declaration of the client.
    pub(in crate::index) fn declare(&mut self, facts: &Facts<'_>, id: Id<'_>) -> Result<(), Overfull> {
        let Facts { place: _, content, given_on, recorded_at, role, withdrawal } = *facts;
        let says = self.contents.says(content);
        let told_id = match id {
            Id::Derived(_) => None,
            Id::Told(_, id) => Some(self.contents.tell(id)),
        };
        let more = More { withdrawal, role, told_id };
        let has_more = more != More::NOTHING;
        let first = First { recorded_at, given_on, revision: id.revision(), says, has_more };
        if self.push(&first, &more) { Ok(()) } else { self.keep(Kept::from((facts, id))) }
    }

    /// Adds a declaration, if its entries can say it.
    fn push(&mut self, first: &First, more: &More) -> bool {
        let entries = if first.has_more {
            Entry::first(first).zip(Entry::more(more)).map(|(first, more)| (first, Some(more)))
        } else {
            Entry::first(first).map(|first| (first, None))
        };
        if let Some((first, more)) = entries {
            self.entries.push(first);
            self.entries.extend(more);
            self.declarations += 1;
        }
        entries.is_some()
    }

    /// Keeps a declaration whole.
    fn keep(&mut self, kept: Kept) -> Result<(), Overfull> {
        let revision = kept.id().revision();
        let place = self.contents.keep(kept);
        self.entries.push(Entry::kept(place, revision).ok_or(Overfull)?);
        self.declarations += 1;
        Ok(())
    }

    /// The slice with the changes of some of its clients, which may be new.
    pub(in crate::index) fn merged(
        old: &Slice,
        seed: Seed,
        changed: &[(Hash, Client<'_>, &Delta)],
    ) -> Result<Slice, Overfull> {
        let delta_of = |placed: &Placed| {
            let mut changed = changed.iter().filter(|(hash, _, _)| *hash == placed.hash);
            changed.find(|(_, client, _)| old.client_is(placed.client, *client)).map(|(_, _, delta)| *delta)
        };
        // Asked for only where the hash is among those changed.
        let mut hashes: Vec<Hash> = changed.iter().map(|(hash, _, _)| *hash).collect();
        hashes.sort_unstable();
        let mut parts: Vec<(Hash, Part<'_>)> = old
            .placed(seed)
            .map(|placed| {
                let delta = hashes.binary_search(&placed.hash).ok().and_then(|_| delta_of(&placed));
                (placed.hash, Part::Old(placed, delta))
            })
            .collect();
        // A client with nothing but withdrawals of what it never declared is none.
        let new = changed
            .iter()
            .filter(|(hash, client, delta)| !delta.added.is_empty() && old.find(*hash, *client).is_none());
        parts.extend(new.map(|(hash, client, delta)| (*hash, Part::New(*client, delta))));
        parts.sort_by_key(|(hash, _)| *hash);

        let mut builder = Self { contents: old.contents.clone(), ..Self::default() };
        builder.entries.reserve(old.entries.len() + changed.len());
        for (place, (hash, part)) in parts.iter().enumerate() {
            if place % GIVES_WAY_AFTER == 0 {
                // Who decides on this core would else wait until the slice is whole.
                thread::yield_now();
            }
            match part {
                Part::Old(placed, delta) => {
                    builder.clients.push((*hash, placed.client, builder.entries.len()));
                    let entries = old.entries.get(placed.entries.clone()).unwrap_or_default();
                    builder.carry_over(old, entries, delta.map_or(&[], |delta| &delta.endings))?;
                    builder.add(*delta)?;
                }
                Part::New(client, delta) => {
                    builder.client(*hash, *client);
                    builder.add(Some(delta))?;
                }
            }
        }
        builder.finish()
    }

    fn add(&mut self, delta: Option<&Delta>) -> Result<(), Overfull> {
        delta
            .iter()
            .flat_map(|delta| &delta.added)
            .try_for_each(|kept| self.declare(&kept.facts(0), kept.id()))
    }

    /// Copies entries that refer to the same contents, some declarations ended.
    fn carry_over(
        &mut self,
        old: &Slice,
        entries: &[Entry],
        endings: &[(u32, WithdrawalFacts)],
    ) -> Result<(), Overfull> {
        if endings.is_empty() {
            self.entries.extend_from_slice(entries);
            self.declarations += u32::try_from(declarations(entries).count()).map_err(|_| Overfull)?;
            return Ok(());
        }
        for (place, entry, more) in declarations(entries) {
            match endings.iter().find(|(ended, _)| *ended == place) {
                Some((_, withdrawal)) => self.end(old, entry, more, *withdrawal)?,
                None => {
                    self.entries.push(entry);
                    self.entries.extend(more);
                    self.declarations += 1;
                }
            }
        }
        Ok(())
    }

    /// Copies a declaration that has ended.
    fn end(
        &mut self,
        old: &Slice,
        entry: Entry,
        more: Option<Entry>,
        withdrawal: WithdrawalFacts,
    ) -> Result<(), Overfull> {
        let first = entry.read_first().ok_or(Overfull)?;
        let told = more.map_or(Some(More::NOTHING), Entry::read_more).ok_or(Overfull)?;
        if let Says::Kept(place) = first.says {
            if let Some(kept) = self.contents.kept.get_mut(place as usize) {
                kept.withdrawal = Some(withdrawal);
            }
            self.entries.push(entry);
            self.declarations += 1;
            return Ok(());
        }
        let facts = Facts { withdrawal: Some(withdrawal), ..old.facts(0, entry, more) };
        let id = old.id(entry, more).ok_or(Overfull)?;
        let first = First { has_more: true, ..first };
        let more = More { withdrawal: Some(withdrawal), ..told };
        if self.push(&first, &more) { Ok(()) } else { self.keep(Kept::from((&facts, id))) }
    }

    /// The slice.
    pub(in crate::index) fn finish(self) -> Result<Slice, Overfull> {
        let Self { entries, mut contents, clients, declarations } = self;
        let (taken, of) = TAKEN;
        let homes = (clients.len() * of).div_ceil(taken);
        let mut table = Vec::with_capacity(homes + 1);
        let mut long = Vec::new();
        let ends = clients.iter().skip(1).map(|(_, _, start)| *start).chain([entries.len()]);
        for ((hash, client, start), end) in clients.iter().zip(ends) {
            // Never before the last one taken: the order is that of the hashes.
            let place = hash.home(homes).max(table.len());
            table.resize(place, EMPTY);
            let start = u32::try_from(*start).ok().filter(|start| *start < 1 << 24).ok_or(Overfull)?;
            let length = u32::try_from(end).map_err(|_| Overfull)? - start;
            let told = u64::from(length).min(IS_LONG);
            if told == IS_LONG {
                long.push((start, length));
            }
            table.push(u64::from(*client) << u32::BITS | u64::from(start) << 8 | told);
        }
        // A search ends at an empty place.
        table.resize(table.len().max(homes) + 1, EMPTY);
        contents.shrink();
        Ok(Slice {
            // Copied, not shrunk: where something shrinks an allocator may keep
            // half as much again.
            table: table.as_slice().into(),
            homes,
            entries: entries.as_slice().into(),
            long: long.into(),
            contents,
            clients: u32::try_from(clients.len()).map_err(|_| Overfull)?,
            declarations,
        })
    }
}
