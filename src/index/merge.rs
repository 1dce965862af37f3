//! Packs what has changed into the base, a slice at a time.
//!
//! A step costs one slice in time and memory, whatever the size of the base,
//! and the snapshot after it says what the one before said: readers notice
//! nothing and are never waited for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::delta::Delta;
use super::key::{Client, Hash};
use super::slice::{Overfull, Slice, SliceBuilder};
use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;

/// A merge under way: the slices to come, with the clients that had changed
/// when it began. Those that change meanwhile are left for the next one.
#[derive(Debug)]
pub(super) struct Merge {
    slices: BTreeMap<usize, Vec<ClientId>>,
    /// When it began.
    began_at: Instant,
}

/// How the last merge went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeStats {
    /// How many merges have ended.
    pub merges: u64,
    /// How long the last one took, pauses included.
    pub last_took: Duration,
    /// The longest step of all merges: so long a change waited at most.
    pub longest_step: Duration,
}

impl Merge {
    /// Begins to merge all that has changed.
    pub(super) fn begin(snapshot: &Snapshot) -> Self {
        let mut slices = BTreeMap::<_, Vec<_>>::new();
        for client in snapshot.overlay.keys() {
            slices.entry(snapshot.hash(client).slice()).or_default().push(client.clone());
        }
        Self { slices, began_at: Instant::now() }
    }

    /// Merges the next slice; none if all are.
    pub(super) fn step(&mut self, last: &Snapshot) -> Option<Result<Snapshot, Overfull>> {
        let (place, clients) = self.slices.pop_first()?;
        Some(merged(last, place, &clients))
    }

    /// How long ago it began.
    pub(super) fn took(&self) -> Duration {
        self.began_at.elapsed()
    }
}

fn merged(last: &Snapshot, place: usize, clients: &[ClientId]) -> Result<Snapshot, Overfull> {
    let Some(old) = last.base.slices().get(place) else { return Ok(last.clone()) };
    let slice = with_changes(last, old, clients.iter())?;
    let mut next = last.clone();
    next.base = Arc::new(last.base.with(place, slice));
    for client in clients {
        next.overlay.remove_mut(client);
    }
    Ok(next)
}

/// A slice of a snapshot's base with what has changed for clients of it.
pub(super) fn with_changes<'c>(
    snapshot: &Snapshot,
    old: &Slice,
    clients: impl Iterator<Item = &'c ClientId>,
) -> Result<Slice, Overfull> {
    let changed: Vec<(Hash, Client<'_>, &Delta)> = clients
        .filter_map(|client| {
            let delta = snapshot.overlay.get(client)?;
            Some((snapshot.hash(client), Client::from(client), &**delta))
        })
        .collect();
    SliceBuilder::merged(old, snapshot.base.seed, &changed)
}
