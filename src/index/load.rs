//! Loads the whole store into a packed base.
//!
//! ```text
//!  revisions 1 … n    ─ thread ─▶ stage ┐          ┌ thread ─▶ slices 0 … 31, 64 … 95, …
//!  revisions n+1 … m  ─ thread ─▶ stage ┴─ groups ─┴ thread ─▶ slices 32 … 63, …
//! ```
//!
//! Each thread reads a range of revisions and stages it, packed, in groups of
//! clients. Then each group is sorted by client and becomes slices; what was
//! staged of it is given back at once, so that the whole is never there twice.

mod build;
mod piece;
mod stage;

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::base::Base;
use super::digest::{Key, StateDigest};
use super::key::Seed;
use super::slice::Overfull;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::store::{ReadError, Revision, Store};

use build::build;
use stage::Stage;

/// The whole store at a revision.
pub(super) struct Loaded {
    pub(super) base: Base,
    pub(super) directory: Arc<Directory>,
    /// When the directory was stored last; 0: never.
    pub(super) directory_revision: Revision,
    pub(super) revision: Revision,
    pub(super) recorded_at: Option<Instant>,
    /// Of all of it.
    pub(super) digest: StateDigest,
}

/// Why the store could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Store(#[from] ReadError),
    #[error("the system gives no more memory for the index: free some or raise the limit")]
    Memory(#[source] std::io::Error),
    #[error(transparent)]
    Overfull(#[from] Overfull),
    #[error("a thread that loaded the store had panicked: report the fault")]
    Panicked,
}

/// How far it is, and whether to go on.
pub(super) struct Progress<'p> {
    pub(super) loaded: &'p AtomicU64,
    pub(super) is_stopped: &'p (dyn Fn() -> bool + Sync),
}

/// So many changes are counted together: a counter that every change touched
/// would be passed from core to core.
const COUNTED_TOGETHER: u64 = 1_024;

/// Loads every change up to a revision; none if it was told to stop.
pub(super) fn load(
    store: &Store,
    until: Revision,
    seed: Seed,
    digest_key: &Key,
    progress: &Progress<'_>,
) -> Result<Option<Loaded>, LoadError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    // A small store is not worth a thread.
    let parts = threads.min(until.0 / COUNTED_TOGETHER).max(1);
    let bound = |part: u64| Revision(until.0 / parts * part);
    let stages = thread::scope(|scope| {
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
    let (directory_revision, directory) = directory.unwrap_or_default();
    let (base, declared) = build(stages, seed, store.declaration_ids(), digest_key, threads as usize)?;
    let digest = declared.plus(digest_key.directory(&directory));
    Ok(Some(Loaded { base, directory, directory_revision, revision: until, recorded_at, digest }))
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
    store.load_range(after, until, &mut |loaded| {
        stage.apply(loaded);
        counted += 1;
        if counted < COUNTED_TOGETHER {
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
