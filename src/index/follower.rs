//! The one writer into the index: it loads the store, follows it, and
//! publishes what it has read.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

use super::boot;
use super::builder::Builder;
use super::digest::Key;
use super::keeper::Keeper;
use super::key::Seed;
use super::load::{self, LoadError, Progress};
use super::merge::{Merge, MergeStats};
use super::snapshot::Snapshot;
use super::{IndexOptions, Published};
use crate::store::{ChangeBatch, ReadError, Revision, Store};

/// How many changes are read at once.
const CHANGES_PER_READ_MAX: usize = 1_000;

/// How long after the first failure the store is read again.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(10);

/// After a step of a merge, so many times as long as it took are left to others,
/// but no longer than this: on a busy machine a step takes long because it has
/// given way already.
const PAUSE_STEPS: u32 = 3;
const PAUSE_MAX: Duration = Duration::from_millis(2);

/// Owns the thread that follows the store. It ends when this is dropped, which
/// waits for the read under way; the index then grows stale.
#[derive(Debug)]
pub struct Follower {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// The thread.
struct Following {
    store: Store,
    options: IndexOptions,
    published: Arc<Published>,
    stop: watch::Receiver<bool>,
    committed: watch::Receiver<Revision>,
    /// The last snapshot; none until the store is loaded.
    last: Option<Arc<Snapshot>>,
    /// Whether it is published: not before it is proven to be the newest.
    is_published: bool,
    /// The merge under way.
    merge: Option<Merge>,
    /// Until when the machine is left to others, whatever is committed meanwhile.
    next_step_at: Instant,
    /// A merge has failed: it would fail again.
    is_full: bool,
    keeper: Option<Keeper>,
}

impl Follower {
    pub(super) fn start(store: Store, options: IndexOptions, published: Arc<Published>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        let (stop, stopped) = watch::channel(false);
        let committed = store.committed();
        let keeper = options.checkpoint.clone();
        let keeper = keeper.map(|options| Keeper::new(options, Arc::clone(&published)));
        let following = Following {
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
            keeper,
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
            tracing::error!("the thread that follows the store had panicked");
        }
    }
}

impl Following {
    fn run(mut self, runtime: &Runtime) {
        let mut failures: u32 = 0;
        while !self.is_stopped() {
            let caught_up = self.catch_up();
            let fresh_for = self.published.tell_readiness();
            match caught_up {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!(failures, "the store can be read again");
                    }
                    failures = 0;
                    self.consider_checkpoint();
                    let pause = self.merge_step().unwrap_or(self.options.poll_interval);
                    runtime.block_on(self.wait_for_change(pause));
                }
                Err(LoadError::Store(ReadError::OtherEpoch { store, epoch })) => {
                    tracing::warn!(%store, %epoch, "the store has begun a new epoch: all of it is read anew");
                    self.forget();
                }
                Err(error) => {
                    self.published.read_failures.fetch_add(1, Ordering::Relaxed);
                    if failures == 0 {
                        tracing::error!(
                            error = &error as &dyn Error,
                            "the store cannot be read; the index grows stale"
                        );
                    }
                    let delay = RETRY_DELAY_MIN
                        .saturating_mul(2_u32.saturating_pow(failures))
                        .min(self.options.retry_delay_max);
                    failures = failures.saturating_add(1);
                    // Not longer than until there is something to tell.
                    let delay = delay.min(fresh_for.unwrap_or(delay));
                    runtime.block_on(self.wait(delay));
                }
            }
        }
    }

    /// Reads and publishes until nothing more is found.
    fn catch_up(&mut self) -> Result<(), LoadError> {
        let mut last = match &self.last {
            Some(last) => Arc::clone(last),
            None => match self.load()? {
                Some(loaded) => Arc::clone(self.last.insert(Arc::new(loaded))),
                None => return Ok(()),
            },
        };
        while !self.is_stopped() {
            let began_at_nanos = boot::nanos();
            let with_proof = !self.is_published || self.published.is_proof_due(began_at_nanos);
            let ChangeBatch { changes, proves_freshness } =
                self.store.follow(last.point(), CHANGES_PER_READ_MAX, with_proof)?;
            let is_all = changes.len() < CHANGES_PER_READ_MAX;
            let is_changed = !changes.is_empty();
            if is_changed {
                let mut builder = Builder::on(&last);
                changes.into_iter().for_each(|change| builder.apply(change));
                last = Arc::new(builder.finish());
                self.last = Some(Arc::clone(&last));
            }
            // What is only loaded is not published before all that came after
            // is read too: see `Cell::read`.
            let is_news = if self.is_published { is_changed } else { is_all && proves_freshness };
            if is_news {
                self.publish(Arc::clone(&last));
            }
            if is_all {
                if proves_freshness {
                    self.published.prove(began_at_nanos);
                }
                break;
            }
        }
        Ok(())
    }

    /// Forgets everything: the store is in another epoch, in which what was
    /// read may never have been.
    fn forget(&mut self) {
        self.published.withdraw();
        self.is_published = false;
        self.last = None;
        self.merge = None;
    }

    /// The whole store, unless it is told to stop meanwhile.
    fn load(&mut self) -> Result<Option<Snapshot>, LoadError> {
        let published = Arc::clone(&self.published);
        let Published { changes_loaded, changes_to_load, load_took_millis, .. } = &*published;
        let epoch = self.store.epoch();
        let until = Revision(self.store.count()?);
        changes_loaded.store(0, Ordering::Relaxed);
        changes_to_load.store(until.0, Ordering::Relaxed);
        let began_at = Instant::now();
        let read = self.keeper.as_mut().and_then(|keeper| keeper.read(&self.store));
        let is_checkpoint = read.is_some();
        let digest_key = Key::of(self.store.token_key());
        let is_stopped = || self.is_stopped();
        let progress = Progress { loaded: changes_loaded, is_stopped: &is_stopped };
        let loaded = match read {
            Some(loaded) => Some(loaded),
            None => load::load(&self.store, until, Seed::random(), &digest_key, &progress)?,
        };
        let Some(loaded) = loaded else { return Ok(None) };
        let revision = loaded.revision;
        let snapshot = Snapshot::of(loaded, epoch, self.store.declaration_ids(), digest_key);
        let elapsed_ms = u64::try_from(began_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        load_took_millis.store(elapsed_ms, Ordering::Relaxed);
        let clients = snapshot.clients();
        tracing::info!(%revision, clients, elapsed_ms, is_checkpoint, "the store is loaded");
        Ok(Some(snapshot))
    }

    fn consider_checkpoint(&mut self) {
        if let Some((keeper, last)) = self.keeper.as_mut().zip(self.last.as_ref()) {
            keeper.consider(last);
        }
    }

    /// Merges a slice, if there is a merge under way or one is due; tells for
    /// how long to leave the machine to others then.
    fn merge_step(&mut self) -> Option<Duration> {
        let last = self.last.clone()?;
        let is_due = last.overlay.size() > self.options.overlay_clients_max && !self.is_full;
        let merge = match &mut self.merge {
            Some(merge) => merge,
            None if is_due => self.merge.insert(Merge::begin(&last)),
            None => return None,
        };
        let began_at = Instant::now();
        let pause = self.next_step_at.saturating_duration_since(began_at);
        if !pause.is_zero() {
            return Some(pause);
        }
        match merge.step(&last) {
            Some(Ok(next)) => {
                self.publish(Arc::new(next));
            }
            Some(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn Error,
                    "changes stay in the overlay, which takes more memory"
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
        let step = began_at.elapsed();
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
