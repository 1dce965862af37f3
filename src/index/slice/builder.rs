//! Builds a slice: at load from staged declarations, at a merge from the old
//! slice and the overlay.

use std::thread;

use super::super::declaration_id::DeclarationId;
use super::super::delta::Delta;
use super::super::entry::{ContentKind, Continuation, PackedEntry};
use super::super::key::{ClientHash, HashedClient, Seed};
use super::super::overlay_entry::OverlayEntry;
use super::{Contents, EMPTY, IS_LINKED, IS_LONG, IS_OTHER, Placed, Slice, declarations};
use crate::policy::facts::{Facts, WithdrawalFacts};

/// Load factor of the table, four fifths: more makes probes longer, less costs memory.
const LOAD_FACTOR: (usize, usize) = (4, 5);

/// Number of clients after which a merge yields the processor.
const CLIENTS_PER_YIELD: usize = 128;

/// A slice is at its limit: its clients have more than sixteen million
/// declarations, or these have more than eight million distinct contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slice of the index is full: this version of lupa cannot hold more declarations in it")]
pub(in crate::index) struct SliceFull;

/// Takes clients in the order of their hashes, and the declarations of each in
/// revision order.
#[derive(Debug, Default)]
pub(in crate::index) struct SliceBuilder {
    entries: Vec<PackedEntry>,
    contents: Contents,
    /// Of each client its hash, its form in the table with its mark, and the start
    /// of its entries.
    clients: Vec<(ClientHash, u32, usize)>,
    declarations: u32,
}

/// What a merge writes for a client.
enum MergedClient<'p> {
    /// The entries of the old slice, and the changes since.
    Old(Placed, Option<&'p Delta>),
    /// Only changes: the client is not in the old slice.
    New(HashedClient<'p>, &'p Delta),
}

impl SliceBuilder {
    /// Starts the next client.
    pub(in crate::index) fn client(&mut self, hash: ClientHash, client: HashedClient<'_>, is_linked: bool) {
        let client = match client {
            HashedClient::National(number) => number,
            HashedClient::Other(other) => self.contents.push_other(other.clone()) | IS_OTHER,
        };
        self.push_client(hash, client, is_linked);
    }

    fn push_client(&mut self, hash: ClientHash, client: u32, is_linked: bool) {
        let mark = if is_linked { IS_LINKED } else { 0 };
        self.clients.push((hash, client | mark, self.entries.len()));
    }

    /// Adds a declaration of the client.
    pub(in crate::index) fn declare(
        &mut self,
        facts: &Facts<'_>,
        id: DeclarationId<'_>,
    ) -> Result<(), SliceFull> {
        let content = self.contents.intern(facts.content);
        let assigned_id = self.contents.push_id(id);
        match PackedEntry::pack(facts, id.revision(), content, assigned_id) {
            Some(entries) => self.push(entries),
            None => self.push_unpacked(facts, id)?,
        }
        Ok(())
    }

    fn push(&mut self, (first, second): (PackedEntry, Option<PackedEntry>)) {
        self.entries.push(first);
        self.entries.extend(second);
        self.declarations += 1;
    }

    /// Adds a declaration that does not fit into entries.
    fn push_unpacked(&mut self, facts: &Facts<'_>, id: DeclarationId<'_>) -> Result<(), SliceFull> {
        let place =
            self.contents.push_unpacked(OverlayEntry { id: id.to_owned_id(), facts: facts.to_owned_facts() });
        self.push((PackedEntry::unpacked(place, id.revision()).ok_or(SliceFull)?, None));
        Ok(())
    }

    /// The old slice merged with the changes of some clients, which may be new.
    pub(in crate::index) fn merged(
        old: &Slice,
        seed: Seed,
        changed: &[(ClientHash, HashedClient<'_>, &Delta)],
    ) -> Result<Slice, SliceFull> {
        let delta_of = |placed: &Placed| {
            let mut changed = changed.iter().filter(|(hash, _, _)| *hash == placed.hash);
            changed.find(|(_, client, _)| old.client_is(placed.client, *client)).map(|(_, _, delta)| *delta)
        };
        // Searched only for the hashes that changed.
        let mut hashes: Vec<ClientHash> = changed.iter().map(|(hash, _, _)| *hash).collect();
        hashes.sort_unstable();
        let mut parts: Vec<(ClientHash, MergedClient<'_>)> = old
            .placed(seed)
            .map(|placed| {
                let delta = hashes.binary_search(&placed.hash).ok().and_then(|_| delta_of(&placed));
                (placed.hash, MergedClient::Old(placed, delta))
            })
            .collect();
        // Withdrawals of declarations that are not here do not make a client.
        let is_client = |delta: &Delta| !delta.added.is_empty() || delta.is_linked;
        let new = changed
            .iter()
            .filter(|(hash, client, delta)| is_client(delta) && old.find(*hash, *client).is_none());
        parts.extend(new.map(|(hash, client, delta)| (*hash, MergedClient::New(*client, delta))));
        parts.sort_by_key(|(hash, _)| *hash);

        let mut builder = Self { contents: old.contents.clone(), ..Self::default() };
        builder.entries.reserve(old.entries.len() + changed.len());
        for (place, (hash, part)) in parts.iter().enumerate() {
            if place % CLIENTS_PER_YIELD == 0 {
                // A decision on this core would otherwise wait for the whole slice.
                thread::yield_now();
            }
            match part {
                MergedClient::Old(placed, delta) => {
                    let is_linked = placed.is_linked || delta.is_some_and(|delta| delta.is_linked);
                    builder.push_client(*hash, placed.client, is_linked);
                    let entries = old.entries.get(placed.entries.clone()).unwrap_or_default();
                    builder.carry_over(old, entries, delta.map_or(&[], |delta| &delta.withdrawals))?;
                    builder.add(*delta)?;
                }
                MergedClient::New(client, delta) => {
                    builder.client(*hash, *client, delta.is_linked);
                    builder.add(Some(delta))?;
                }
            }
        }
        builder.finish()
    }

    fn add(&mut self, delta: Option<&Delta>) -> Result<(), SliceFull> {
        delta
            .iter()
            .flat_map(|delta| &delta.added)
            .try_for_each(|entry| self.declare(&entry.facts.as_facts(0), entry.id.borrowed()))
    }

    /// Copies entries, whose references stay valid, and applies withdrawals.
    fn carry_over(
        &mut self,
        old: &Slice,
        entries: &[PackedEntry],
        withdrawals: &[(u32, WithdrawalFacts)],
    ) -> Result<(), SliceFull> {
        if withdrawals.is_empty() {
            self.entries.extend_from_slice(entries);
            self.declarations += u32::try_from(declarations(entries).count()).map_err(|_| SliceFull)?;
            return Ok(());
        }
        for (place, entry, second) in declarations(entries) {
            match withdrawals.iter().find(|(withdrawn, _)| *withdrawn == place) {
                Some((_, withdrawal)) => self.withdraw(old, entry, second, *withdrawal)?,
                None => self.push((entry, second)),
            }
        }
        Ok(())
    }

    /// Copies a declaration that was withdrawn.
    fn withdraw(
        &mut self,
        old: &Slice,
        entry: PackedEntry,
        second: Option<PackedEntry>,
        withdrawal: WithdrawalFacts,
    ) -> Result<(), SliceFull> {
        let header = entry.read_header().ok_or(SliceFull)?;
        let continuation = Continuation::read(second).ok_or(SliceFull)?;
        if let ContentKind::Unpacked(place) = header.content {
            if let Some(unpacked) = self.contents.unpacked.get_mut(place as usize) {
                unpacked.facts.withdrawal = Some(withdrawal);
            }
            self.push((entry, None));
            return Ok(());
        }
        let facts = Facts { withdrawal: Some(withdrawal), ..old.facts(0, entry, second) };
        let id = old.id(entry, second).ok_or(SliceFull)?;
        match PackedEntry::pack(&facts, header.revision, header.content, continuation.assigned_id) {
            Some(entries) => self.push(entries),
            None => self.push_unpacked(&facts, id)?,
        }
        Ok(())
    }

    /// Lays out the table and returns the slice.
    pub(in crate::index) fn finish(self) -> Result<Slice, SliceFull> {
        let Self { entries, mut contents, clients, declarations } = self;
        let (taken, of) = LOAD_FACTOR;
        let homes = (clients.len() * of).div_ceil(taken);
        let mut table = Vec::with_capacity(homes + 1);
        let mut long = Vec::new();
        let ends = clients.iter().skip(1).map(|(_, _, start)| *start).chain([entries.len()]);
        let mut declaring = 0;
        for ((hash, client, start), end) in clients.iter().zip(ends) {
            // Never before the last place taken: places are in the order of the hashes.
            let place = hash.home(homes).max(table.len());
            table.resize(place, EMPTY);
            let start = u32::try_from(*start).ok().filter(|start| *start < 1 << 24).ok_or(SliceFull)?;
            let length = u32::try_from(end).map_err(|_| SliceFull)? - start;
            declaring += u32::from(length > 0);
            let short_length = u64::from(length).min(IS_LONG);
            if short_length == IS_LONG {
                long.push((start, length));
            }
            table.push(u64::from(*client) << u32::BITS | u64::from(start) << 8 | short_length);
        }
        // A probe ends at an empty place.
        table.resize(table.len().max(homes) + 1, EMPTY);
        contents.shrink();
        Ok(Slice {
            // Copied, not shrunk: after `shrink_to_fit` an allocator may keep up
            // to half as much again.
            table: table.as_slice().into(),
            homes,
            entries: entries.as_slice().into(),
            long: long.into(),
            contents,
            clients: declaring,
            declarations,
        })
    }
}
