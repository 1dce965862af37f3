//! Keeps the checkpoint up to date, in the background.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Published;
use super::checkpoint;
use super::load::Loaded;
use super::snapshot::Snapshot;
use crate::store::{Revision, Store};

/// Where checkpoints are, and when they are written.
#[derive(Clone, Debug)]
pub struct CheckpointOptions {
    /// The file.
    pub path: PathBuf,
    /// How long between two. Zero: none is written, and one that is there is read.
    pub interval: Duration,
    /// Of a store with fewer changes none is written.
    pub changes_min: u64,
}

/// The last checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointStats {
    /// What it is of.
    pub revision: Revision,
    /// How long ago it was written; since it was read, if it was there before.
    pub age: Duration,
    /// How many bytes it has; 0 if it was there before.
    pub bytes: u64,
    /// How long writing or reading it took.
    pub took: Duration,
}

/// The last checkpoint, as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    revision: Revision,
    at: Instant,
    bytes: u64,
    took: Duration,
}

/// Keeps the checkpoint up to date. Dropped, it waits until the
/// one that is being written is given up.
pub(super) struct Keeper {
    options: CheckpointOptions,
    published: Arc<Published>,
    /// When the last one was begun or read, and of what.
    begun: Option<(Instant, Revision)>,
    writing: Option<JoinHandle<()>>,
    is_stopped: Arc<AtomicBool>,
}

impl Keeper {
    pub(super) fn new(options: CheckpointOptions, published: Arc<Published>) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        Self { options, published, begun: None, writing: None, is_stopped }
    }

    /// What the checkpoint says, if there is one that can be used.
    pub(super) fn read(&mut self, store: &Store) -> Option<Loaded> {
        let path = &self.options.path;
        let began_at = Instant::now();
        match checkpoint::read(path, store) {
            Ok(loaded) => {
                let revision = loaded.as_ref()?.revision;
                let at = Instant::now();
                self.begun = Some((at, revision));
                self.published.tell_checkpoint(Last { revision, at, bytes: 0, took: began_at.elapsed() });
                loaded
            }
            Err(error) => {
                tracing::warn!(
                    path = %path.display(),
                    error = &error as &dyn Error,
                    "the checkpoint is not used: the whole store is read instead"
                );
                None
            }
        }
    }

    /// Begins to write a checkpoint if one is due and none is being written.
    pub(super) fn consider(&mut self, snapshot: &Arc<Snapshot>) {
        if self.writing.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let CheckpointOptions { path, interval, changes_min } = &self.options;
        let revision = snapshot.revision();
        let is_due = self.begun.is_none_or(|(at, of)| of < revision && at.elapsed() >= *interval);
        if interval.is_zero() || !is_due || revision.0 < *changes_min {
            return;
        }
        self.begun = Some((Instant::now(), revision));
        let (path, snapshot) = (path.clone(), Arc::clone(snapshot));
        let (published, is_stopped) = (Arc::clone(&self.published), Arc::clone(&self.is_stopped));
        let thread = thread::Builder::new().name("lupa-checkpoint".to_owned()).spawn(move || {
            let began_at = Instant::now();
            match checkpoint::write(&path, &snapshot, &is_stopped) {
                Ok(Some(bytes)) => {
                    let took = began_at.elapsed();
                    let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(%revision, bytes, elapsed_ms, "a checkpoint is written");
                    published.tell_checkpoint(Last { revision, at: Instant::now(), bytes, took });
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    path = %path.display(),
                    error = &error as &dyn Error,
                    "no checkpoint is written: the next start takes longer"
                ),
            }
        });
        match thread {
            Ok(thread) => self.writing = Some(thread),
            Err(error) => tracing::warn!(%error, "no thread can be started to write a checkpoint"),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        if self.writing.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the checkpoint had panicked");
        }
    }
}

impl From<Last> for CheckpointStats {
    fn from(last: Last) -> Self {
        let Last { revision, at, bytes, took } = last;
        Self { revision, age: at.elapsed(), bytes, took }
    }
}
