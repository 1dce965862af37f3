//! The single writer of the index: a thread that loads the store, polls it for
//! changes, publishes snapshots, and runs merges and checkpoints in between.
//!
//! ```text
//!  load ─▶ poll ─▶ apply changes ─▶ publish ─▶ prove fresh ─▶ checkpoint? ─▶ merge step? ─┐
//!           ▲                                                                             │
//!           └── woken by a commit of this process, the poll interval or the next step ◀───┘
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

use super::builder::SnapshotBuilder;
use super::checkpoint::task::CheckpointTask;
use super::digest::DigestKey;
use super::key::Seed;
use super::load::{self, LoadError, Progress};
use super::merge::{Merge, MergeStats};
use super::snapshot::Snapshot;
use super::{IndexOptions, Published};
use crate::clock::boottime_nanos;
use crate::store::{ChangeBatch, KeyPurpose, ReadError, Revision, Store, with_causes};

/// Maximum number of changes in a batch.
const CHANGES_PER_READ_MAX: usize = 1_000;

/// Maximum number of changes of an import that are applied one by one. To read the
/// whole store again is faster for more.
const CHANGES_FOLLOWED_MAX: u64 = 1_000_000;

/// Retry delay after the first failure; it doubles with each further one.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(10);

/// After each merge step the thread sleeps `PAUSE_STEPS` times the step's
/// duration, capped at `PAUSE_MAX`, because on a busy machine a slow step has
/// already yielded the processor.
const PAUSE_STEPS: u32 = 3;
const PAUSE_MAX: Duration = Duration::from_millis(2);

/// Owns the thread that follows the store. Dropping it stops the thread and
/// waits for the read in progress; the index then becomes stale.
#[derive(Debug)]
pub struct Follower {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// The state of the thread.
struct FollowerThread {
    store: Store,
    options: IndexOptions,
    published: Arc<Published>,
    stop: watch::Receiver<bool>,
    committed: watch::Receiver<Revision>,
    /// The last snapshot; none until the store is loaded.
    last: Option<Arc<Snapshot>>,
    /// Whether it is published: not before it is proven fresh.
    is_published: bool,
    /// The merge in progress.
    merge: Option<Merge>,
    /// Earliest start of the next merge step, whatever is committed meanwhile.
    next_step_at: Instant,
    /// A merge failed because a slice is full: it would fail again.
    is_full: bool,
    /// The next load reads the whole store: a checkpoint is too far behind.
    reads_all: bool,
    checkpoints: Option<CheckpointTask>,
}

impl Follower {
    pub(super) fn start(store: Store, options: IndexOptions, published: Arc<Published>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        let (stop, stopped) = watch::channel(false);
        let committed = store.committed();
        let checkpoints = options.checkpoint.clone();
        let checkpoints = checkpoints.map(|options| CheckpointTask::new(options, Arc::clone(&published)));
        let following = FollowerThread {
            store,
            options,
            published,
            stop: stopped,
            committed,
            last: None,
            is_published: false,
            merge: None,
            next_step_at: Instant::now(),
            is_full: false,
            reads_all: false,
            checkpoints,
        };
        let thread =
            thread::Builder::new().name("lupa-index".to_owned()).spawn(move || following.run(&runtime))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Stops following.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that follows the store panicked");
        }
    }
}

impl FollowerThread {
    fn run(mut self, runtime: &Runtime) {
        let mut failures: u32 = 0;
        let mut logged = String::new();
        while !self.is_stopped() {
            let caught_up = self.catch_up();
            let fresh_for = self.published.publish_readiness();
            match caught_up {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!(failures, "the store can be read again");
                    }
                    failures = 0;
                    self.published.read_failure.store(None);
                    self.write_checkpoint_if_due();
                    let pause = self.merge_step().unwrap_or(self.options.poll_interval);
                    runtime.block_on(self.wait_for_change(pause));
                }
                Err(LoadError::Store(ReadError::OtherEpoch { store, epoch })) => {
                    tracing::warn!(%store, %epoch, "the store is in an epoch that does not continue what was read: all of it is read again");
                    self.forget();
                }
                Err(error) => {
                    self.published.read_failures.fetch_add(1, Ordering::Relaxed);
                    // Also another cause than the last one.
                    let cause = with_causes(&error);
                    self.published.read_failure.store(Some(Arc::new(cause.clone())));
                    if failures == 0 || cause != logged {
                        tracing::error!(error = cause, "the store cannot be read; the index becomes stale");
                        logged = cause;
                    }
                    let delay = RETRY_DELAY_MIN
                        .saturating_mul(2_u32.saturating_pow(failures))
                        .min(self.options.retry_delay_max);
                    failures = failures.saturating_add(1);
                    // Not past the moment at which readiness changes.
                    let delay = delay.min(fresh_for.unwrap_or(delay));
                    runtime.block_on(self.wait(delay));
                }
            }
        }
    }

    /// Reads and publishes until the store has no further changes.
    fn catch_up(&mut self) -> Result<(), LoadError> {
        let mut last = match &self.last {
            Some(last) => Arc::clone(last),
            None => match self.load()? {
                Some(loaded) => Arc::clone(self.last.insert(Arc::new(loaded))),
                None => return Ok(()),
            },
        };
        while !self.is_stopped() {
            let started_at_nanos = boottime_nanos();
            let with_proof = !self.is_published || self.published.is_proof_due(started_at_nanos);
            let known = (last.lineage(), last.revision());
            let ChangeBatch { changes, proves_freshness, lineage } =
                self.store.follow(known, CHANGES_PER_READ_MAX, with_proof)?;
            let is_all = changes.len() < CHANGES_PER_READ_MAX;
            let is_changed = !changes.is_empty() || lineage.epoch() != last.lineage().epoch();
            if is_changed {
                let mut builder = SnapshotBuilder::on(&last, lineage);
                changes.into_iter().for_each(|change| builder.apply(change));
                last = Arc::new(builder.finish());
                self.last = Some(Arc::clone(&last));
            }
            if last.is_within_import {
                if is_all {
                    break;
                }
                let left = self.store.count()?.saturating_sub(last.revision().0);
                if left > CHANGES_FOLLOWED_MAX {
                    tracing::info!(
                        changes = left,
                        "more was imported than is followed: the store is read again"
                    );
                    self.forget();
                    self.reads_all = true;
                    break;
                }
                continue;
            }
            // A load is published only when all later changes are applied too:
            // see `Cell::read`.
            let is_to_publish = if self.is_published { is_changed } else { is_all && proves_freshness };
            if is_to_publish {
                self.publish(Arc::clone(&last));
            }
            if is_all {
                if proves_freshness {
                    self.published.prove(started_at_nanos);
                }
                break;
            }
        }
        Ok(())
    }

    /// Discards everything: the store is in an epoch that may lack changes that were
    /// read.
    fn forget(&mut self) {
        self.published.withdraw();
        self.is_published = false;
        self.last = None;
        self.merge = None;
    }

    /// Loads the checkpoint or the whole store; none if the thread is stopped meanwhile.
    fn load(&mut self) -> Result<Option<Snapshot>, LoadError> {
        let published = Arc::clone(&self.published);
        let Published { changes_loaded, changes_to_load, load_took_millis, .. } = &*published;
        // If another epoch starts during the load, what is loaded counts only up to the revision that both
        // have in common.
        let (lineage, until) = self.store.head()?;
        changes_loaded.store(0, Ordering::Relaxed);
        changes_to_load.store(until.0, Ordering::Relaxed);
        let started_at = Instant::now();
        let is_wanted = !std::mem::take(&mut self.reads_all);
        let checkpoints = self.checkpoints.as_mut().filter(|_| is_wanted);
        let digest_key = DigestKey::of(&self.store.derived_key(KeyPurpose::StateDigests));
        let read = checkpoints.and_then(|checkpoints| checkpoints.read(&self.store, &digest_key));
        let is_checkpoint = read.is_some();
        let is_stopped = || self.is_stopped();
        let progress = Progress { loaded: changes_loaded, is_stopped: &is_stopped };
        let loaded = match read {
            Some(loaded) => Some(loaded),
            None => load::load(&self.store, until, Seed::random(), &digest_key, &progress)?,
        };
        let Some(loaded) = loaded else { return Ok(None) };
        let revision = loaded.revision;
        let snapshot = Snapshot::of(loaded, lineage, self.store.declaration_ids(), digest_key);
        let elapsed_ms = u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        load_took_millis.store(elapsed_ms, Ordering::Relaxed);
        published.loads.fetch_add(1, Ordering::Relaxed);
        let clients = snapshot.clients();
        tracing::info!(%revision, clients, elapsed_ms, is_checkpoint, "the store is loaded");
        Ok(Some(snapshot))
    }

    fn write_checkpoint_if_due(&mut self) {
        let last = self.last.as_ref().filter(|last| !last.is_within_import);
        if let Some((checkpoints, last)) = self.checkpoints.as_mut().zip(last) {
            checkpoints.write_if_due(last, &self.store);
        }
    }

    /// Merges a slice, if a merge is in progress or due. Returns the pause until
    /// the next step; none if there is nothing to merge.
    fn merge_step(&mut self) -> Option<Duration> {
        let last = self.last.clone().filter(|last| !last.is_within_import)?;
        let is_due = last.overlay.size() > self.options.overlay_clients_max && !self.is_full;
        let merge = match &mut self.merge {
            Some(merge) => merge,
            None if is_due => self.merge.insert(Merge::start(&last)),
            None => return None,
        };
        let started_at = Instant::now();
        let pause = self.next_step_at.saturating_duration_since(started_at);
        if !pause.is_zero() {
            return Some(pause);
        }
        match merge.step(&last) {
            Some(Ok(next)) => {
                self.publish(Arc::new(next));
            }
            Some(Err(error)) => {
                tracing::error!(
                    error = with_causes(&error),
                    "the overlay cannot be merged; it stays and takes more memory"
                );
                self.is_full = true;
                self.merge = None;
            }
            None => {
                let took = merge.took();
                let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                tracing::info!(revision = %last.revision(), elapsed_ms, "the overlay is merged");
                self.published.merges.rcu(|stats| MergeStats {
                    merges: stats.merges + 1,
                    last_took: took,
                    longest_step: stats.longest_step,
                });
                self.merge = None;
                return None;
            }
        }
        let step = started_at.elapsed();
        self.published
            .merges
            .rcu(|stats| MergeStats { longest_step: stats.longest_step.max(step), ..**stats });
        let pause = step.saturating_mul(PAUSE_STEPS).min(PAUSE_MAX);
        self.next_step_at = Instant::now() + pause;
        Some(pause)
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.published.publish(Arc::clone(&snapshot));
        self.last = Some(snapshot);
        self.is_published = true;
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    async fn wait_for_change(&mut self, longest: Duration) {
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => {}
            Ok(()) = self.committed.changed() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    async fn wait(&mut self, delay: Duration) {
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => {}
            () = tokio::time::sleep(delay) => {}
        }
    }
}
