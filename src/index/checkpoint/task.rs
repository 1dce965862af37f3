//! The background task that writes checkpoints.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::super::Published;
use super::super::digest::DigestKey;
use super::super::load::LoadedIndex;
use super::super::snapshot::Snapshot;
use super::Unusable;
use crate::store::{Revision, Store, with_causes};

/// Where checkpoints are written, and when.
#[derive(Clone, Debug)]
pub struct CheckpointOptions {
    /// The file.
    pub path: PathBuf,
    /// Interval between two. Zero: none is written; an existing one is read.
    pub interval: Duration,
    /// No checkpoint is written of a store with fewer changes.
    pub changes_min: u64,
}

/// The last checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointStats {
    /// Its revision.
    pub revision: Revision,
    /// Time since it was written, or since it was read at the start.
    pub age: Duration,
    /// Its size in bytes; 0 if it was read at the start.
    pub bytes: u64,
    /// How long it took to write or read it.
    pub took: Duration,
}

/// The last checkpoint, with the time of its writing or reading.
#[derive(Clone, Copy, Debug)]
pub(in crate::index) struct LastCheckpoint {
    revision: Revision,
    at: Instant,
    bytes: u64,
    took: Duration,
}

/// Writes checkpoints, one at a time, each in a thread. Dropping it cancels the
/// one in progress and waits for its thread.
pub(in crate::index) struct CheckpointTask {
    options: CheckpointOptions,
    published: Arc<Published>,
    /// Time and revision of the last one that was read or started.
    last: Option<(Instant, Revision)>,
    writing: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl CheckpointTask {
    pub(in crate::index) fn new(options: CheckpointOptions, published: Arc<Published>) -> Self {
        Self { options, published, last: None, writing: None, stop: watch::Sender::new(false) }
    }

    /// Reads the checkpoint, if there is one and it can be trusted.
    pub(in crate::index) fn read(&mut self, store: &Store, digest_key: &DigestKey) -> Option<LoadedIndex> {
        let path = &self.options.path;
        let started_at = Instant::now();
        match super::read(path, store, digest_key) {
            Ok(loaded) => {
                let revision = loaded.as_ref()?.revision;
                let at = Instant::now();
                self.last = Some((at, revision));
                let took = started_at.elapsed();
                self.published.record_checkpoint(LastCheckpoint { revision, at, bytes: 0, took });
                loaded
            }
            Err(Unusable::Refused(refusal)) => {
                self.published.checkpoints_refused.add(refusal);
                tracing::error!(
                    path = %path.display(),
                    reason = refusal.name(),
                    error = with_causes(&refusal),
                    "the checkpoint is refused, as it may be forged: the whole store is read instead"
                );
                None
            }
            // A process that has read or written a checkpoint has noticed the loss by itself.
            Err(Unusable::Lost(lost)) if self.last.is_none() => {
                store.lost_revisions().fetch_add(lost, Ordering::Relaxed);
                tracing::error!(
                    lost_revisions = lost,
                    "the store has lost changes that were acknowledged and that the checkpoint has: all of it is \
                     read; record them again from the systems that sent them, see docs/operations.md"
                );
                None
            }
            Err(error) => {
                tracing::warn!(
                    path = %path.display(),
                    error = with_causes(&error),
                    "the checkpoint is ignored: the whole store is read instead"
                );
                None
            }
        }
    }

    /// Starts to write a checkpoint if one is due and none is being written.
    pub(in crate::index) fn write_if_due(&mut self, snapshot: &Arc<Snapshot>, store: &Store) {
        if self.writing.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let CheckpointOptions { path, interval, changes_min } = &self.options;
        let revision = snapshot.revision();
        let is_due = self.last.is_none_or(|(at, of)| of < revision && at.elapsed() >= *interval);
        if interval.is_zero() || !is_due || revision.0 < *changes_min {
            return;
        }
        self.last = Some((Instant::now(), revision));
        let (path, snapshot, store) = (path.clone(), Arc::clone(snapshot), store.clone());
        let (published, stopped) = (Arc::clone(&self.published), self.stop.subscribe());
        let thread = thread::Builder::new().name("lupa-checkpoint".to_owned()).spawn(move || {
            let started_at = Instant::now();
            match super::write(&path, &snapshot, &store, &stopped) {
                Ok(Some(bytes)) => {
                    let took = started_at.elapsed();
                    let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(%revision, bytes, elapsed_ms, "a checkpoint is written");
                    published.record_checkpoint(LastCheckpoint { revision, at: Instant::now(), bytes, took });
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    path = %path.display(),
                    error = with_causes(&error),
                    "no checkpoint is written: the next start takes longer"
                ),
            }
        });
        match thread {
            Ok(thread) => self.writing = Some(thread),
            Err(error) => tracing::warn!(%error, "cannot start the thread that writes the checkpoint"),
        }
    }
}

impl Drop for CheckpointTask {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if self.writing.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the checkpoint panicked");
        }
    }
}

impl From<LastCheckpoint> for CheckpointStats {
    fn from(last: LastCheckpoint) -> Self {
        let LastCheckpoint { revision, at, bytes, took } = last;
        Self { revision, age: at.elapsed(), bytes, took }
    }
}
