//! Compaction: merges the overlay into the packed base, a slice at a time.
//!
//! A step costs one slice in time and memory, whatever the size of the base.
//! The snapshot after it holds the same state as the one before, so readers
//! notice nothing and the merge never waits for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::delta::Delta;
use super::key::{ClientHash, HashedClient};
use super::slice::{Slice, SliceBuilder, SliceFull};
use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;

/// A merge in progress: the slices still to merge, with the clients that had
/// changes when it started. Later changes are left for the next merge.
#[derive(Debug)]
pub(super) struct Merge {
    slices: BTreeMap<usize, Vec<ClientId>>,
    started_at: Instant,
}

/// Counts and durations of merges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeStats {
    /// Number of completed merges.
    pub merges: u64,
    /// Duration of the last one, pauses included.
    pub last_took: Duration,
    /// Longest step of all merges: the maximum delay that a merge added to a change.
    pub longest_step: Duration,
}

impl Merge {
    /// Starts a merge of the whole overlay.
    pub(super) fn start(snapshot: &Snapshot) -> Self {
        let mut slices = BTreeMap::<_, Vec<_>>::new();
        for client in snapshot.overlay.keys() {
            slices.entry(snapshot.hash(client).slice()).or_default().push(client.clone());
        }
        Self { slices, started_at: Instant::now() }
    }

    /// Merges the next slice; none if all are merged.
    pub(super) fn step(&mut self, last: &Snapshot) -> Option<Result<Snapshot, SliceFull>> {
        let (place, clients) = self.slices.pop_first()?;
        Some(merged(last, place, &clients))
    }

    /// Time since the start.
    pub(super) fn took(&self) -> Duration {
        self.started_at.elapsed()
    }
}

fn merged(last: &Snapshot, place: usize, clients: &[ClientId]) -> Result<Snapshot, SliceFull> {
    let Some(old) = last.base.slices().get(place) else { return Ok(last.clone()) };
    let slice = with_changes(last, old, clients.iter())?;
    let mut next = last.clone();
    next.base = Arc::new(last.base.with(place, slice));
    for client in clients {
        next.overlay.remove_mut(client);
    }
    Ok(next)
}

/// A slice of the base, merged with the overlay's changes of its clients.
pub(super) fn with_changes<'c>(
    snapshot: &Snapshot,
    old: &Slice,
    clients: impl Iterator<Item = &'c ClientId>,
) -> Result<Slice, SliceFull> {
    let changed: Vec<(ClientHash, HashedClient<'_>, &Delta)> = clients
        .filter_map(|client| {
            let delta = snapshot.overlay.get(client)?;
            Some((snapshot.hash(client), HashedClient::from(client), &**delta))
        })
        .collect();
    SliceBuilder::merged(old, snapshot.base.seed, &changed)
}
