//! Loads the whole store into a packed base.
//!
//! ```text
//!  revisions 1 … n    ─ thread ─▶ stage ┐          ┌ thread ─▶ slices 0 … 31, 64 … 95, …
//!  revisions n+1 … m  ─ thread ─▶ stage ┴─ groups ─┴ thread ─▶ slices 32 … 63, …
//! ```
//!
//! Each thread reads a range of revisions and stages it, packed, in groups of
//! clients. Then each group is sorted by client and built into slices; its staged
//! memory is freed at once, so that no two copies of the whole exist.

mod build;
mod piece;
mod stage;

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::base::Base;
use super::digest::{DigestKey, StateDigest};
use super::key::Seed;
use super::links::Links;
use super::slice::SliceFull;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::store::{ReadError, Revision, Store};

use build::build;
use stage::{LinkChange, Stage};

/// The state of the store at a revision, as a load or a checkpoint yields it.
pub(super) struct LoadedIndex {
    pub(super) base: Base,
    pub(super) directory: Arc<Directory>,
    /// Revision of the last replacement of the directory; 0: none.
    pub(super) directory_revision: Revision,
    /// When it was replaced last; none if it never was.
    pub(super) directory_recorded_at: Option<Instant>,
    pub(super) revision: Revision,
    pub(super) recorded_at: Option<Instant>,
    /// Digest of this state.
    pub(super) digest: StateDigest,
    pub(super) links: Links,
}

/// Why the store could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Store(#[from] ReadError),
    #[error("the system refused memory for the index: free some or raise the limit")]
    Memory(#[source] std::io::Error),
    #[error(transparent)]
    SliceFull(#[from] SliceFull),
    #[error("a thread that loaded the store panicked: report the fault")]
    Panicked,
}

/// Shared progress of a load, and whether to cancel it.
pub(super) struct Progress<'p> {
    pub(super) loaded: &'p AtomicU64,
    pub(super) is_stopped: &'p (dyn Fn() -> bool + Sync),
}

/// Number of changes after which a thread updates the shared counter: updating
/// it at each change would move its cache line from core to core.
const CHANGES_PER_UPDATE: u64 = 1_024;

/// Loads every change up to a revision; none if it was cancelled.
pub(super) fn load(
    store: &Store,
    until: Revision,
    seed: Seed,
    digest_key: &DigestKey,
    progress: &Progress<'_>,
) -> Result<Option<LoadedIndex>, LoadError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    // A small store is not worth another thread.
    let parts = threads.min(until.0 / CHANGES_PER_UPDATE).max(1);
    let bound = |part: u64| Revision(until.0 / parts * part);
    let mut stages = thread::scope(|scope| {
        let ranges = (0..parts).map(|part| {
            let end = if part + 1 == parts { until } else { bound(part + 1) };
            (bound(part), end)
        });
        let running: Vec<_> = ranges
            .map(|(after, until)| scope.spawn(move || read(store, after, until, seed, progress)))
            .collect();
        let joined = running.into_iter().map(|thread| thread.join().unwrap_or(Err(LoadError::Panicked)));
        joined.collect::<Result<Vec<Stage>, LoadError>>()
    })?;
    if (progress.is_stopped)() {
        return Ok(None);
    }
    let recorded_at = stages.iter().filter_map(|stage| stage.recorded_at).max();
    let directory = stages.iter().rev().find_map(|stage| stage.directory.clone());
    let directory_recorded_at = directory.as_ref().map(|(_, recorded_at, _)| *recorded_at);
    let (directory_revision, directory) =
        directory.map(|(revision, _, directory)| (revision, directory)).unwrap_or_default();
    let mut links = Links::default();
    for change in stages.iter_mut().flat_map(|stage| stage.links.drain(..)) {
        match change {
            LinkChange::Link(revision, link) => drop(links.link(revision, link)),
            LinkChange::End(client, id) => drop(links.unlink(&client, &id)),
        }
    }
    let (base, declared) =
        build(stages, seed, store.declaration_ids(), digest_key, threads as usize, &mut links)?;
    let digest = declared.plus(links.digest(digest_key)).plus(digest_key.directory(&directory));
    Ok(Some(LoadedIndex {
        base,
        directory,
        directory_revision,
        directory_recorded_at,
        revision: until,
        recorded_at,
        digest,
        links,
    }))
}

fn read(
    store: &Store,
    after: Revision,
    until: Revision,
    seed: Seed,
    progress: &Progress<'_>,
) -> Result<Stage, LoadError> {
    let mut stage = Stage::new(seed);
    let mut counted = 0;
    store.load_range(after, until, &mut |change| {
        stage.apply(change);
        counted += 1;
        if counted < CHANGES_PER_UPDATE {
            return stage.failure.is_none();
        }
        progress.loaded.fetch_add(std::mem::take(&mut counted), Ordering::Relaxed);
        !(progress.is_stopped)()
    })?;
    progress.loaded.fetch_add(counted, Ordering::Relaxed);
    match stage.failure.take() {
        Some(error) => Err(LoadError::Memory(error)),
        None => Ok(stage),
    }
}
