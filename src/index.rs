//! The policy cache: every client's declarations and the directory, in memory.
//!
//! ```text
//!  store ──load──▶ builder ──▶ Snapshot ──publish──▶ current() ──▶ one snapshot a request
//!    └──changes_since──▶ follower, the one writer ──────┘
//! ```
//!
//! A [`Snapshot`] never changes. The [`Follower`] builds the next one from the
//! last and the changes since, and swaps it in whole, so that readers neither
//! wait nor see half a change. The snapshots share what did not change.
//!
//! INVARIANT (forward): published revisions never go back.
//! INVARIANT (proven-fresh): `current()` gives a snapshot only if a read that
//! began less than `max_staleness` ago found nothing after it.

mod builder;
mod follower;
mod snapshot;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

pub use follower::Follower;
pub use snapshot::Snapshot;

use crate::store::{Revision, Store};

/// The policy cache. A cheap handle for reading.
#[derive(Clone, Debug)]
pub struct Index(Arc<Published>);

/// How the index follows the store.
#[derive(Clone, Copy, Debug)]
pub struct IndexOptions {
    /// How long between looks at the store when it tells of nothing. Well
    /// below `max_staleness`.
    pub poll_interval: Duration,
    /// How long after the start of the last successful look decisions may
    /// still be made.
    pub max_staleness: Duration,
    /// How long at most between attempts while the store cannot be read.
    pub retry_delay_max: Duration,
}

/// Why there is nothing to decide with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The store has not been read to its end yet.
    #[error("the declarations are still being loaded")]
    NotLoaded,
    /// It is not known whether there are newer declarations.
    #[error("the declarations were last known to be up to date {} ms ago", age.as_millis())]
    Stale {
        /// How long ago they were.
        age: Duration,
    },
}

/// What the follower publishes.
#[derive(Debug)]
struct Published {
    max_staleness: Duration,
    snapshot: ArcSwapOption<Snapshot>,
    /// From when `proven_at_nanos` counts.
    began_at: Instant,
    /// When the last read began that found nothing after the snapshot; at
    /// first, when this began, which is before anything was read. Stored after
    /// the snapshot and loaded before it, so that a snapshot is never taken for
    /// fresher than it is.
    proven_at_nanos: AtomicU64,
    revision: watch::Sender<Revision>,
    is_ready: watch::Sender<bool>,
    changes_loaded: AtomicU64,
    changes_to_load: AtomicU64,
}

impl Index {
    /// Starts to load the store and to follow it, in a thread of its own.
    pub fn start(store: Store, options: IndexOptions) -> io::Result<(Self, Follower)> {
        let published = Arc::new(Published {
            max_staleness: options.max_staleness,
            snapshot: ArcSwapOption::empty(),
            began_at: Instant::now(),
            proven_at_nanos: AtomicU64::new(0),
            revision: watch::Sender::new(Revision(0)),
            is_ready: watch::Sender::new(false),
            changes_loaded: AtomicU64::new(0),
            changes_to_load: AtomicU64::new(0),
        });
        let follower = Follower::start(store, options, Arc::clone(&published))?;
        Ok((Self(published), follower))
    }

    /// The newest snapshot, if it is proven fresh. Take it once a request.
    pub fn current(&self) -> Result<Arc<Snapshot>, Unavailable> {
        let age = self.0.age();
        let snapshot = self.0.snapshot.load_full().ok_or(Unavailable::NotLoaded)?;
        if age < self.0.max_staleness { Ok(snapshot) } else { Err(Unavailable::Stale { age }) }
    }

    /// Waits until a revision is in the published snapshot; false if it is
    /// not by the deadline.
    pub async fn reached(&self, revision: Revision, deadline: tokio::time::Instant) -> bool {
        let mut published = self.0.revision.subscribe();
        let reached = published.wait_for(|published| *published >= revision);
        matches!(tokio::time::timeout_at(deadline, reached).await, Ok(Ok(_)))
    }

    /// True while there is a fresh snapshot, as far as the follower knows; a
    /// follower that hangs in a read cannot tell, `current` can.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<bool> {
        self.0.is_ready.subscribe()
    }

    /// How many changes are loaded, and of how many.
    #[must_use]
    pub fn load_progress(&self) -> (u64, u64) {
        (self.0.changes_loaded.load(Ordering::Relaxed), self.0.changes_to_load.load(Ordering::Relaxed))
    }
}

impl Published {
    /// How long ago the last read began that found nothing after the snapshot.
    fn age(&self) -> Duration {
        let proven_at = Duration::from_nanos(self.proven_at_nanos.load(Ordering::Acquire));
        self.began_at.elapsed().saturating_sub(proven_at)
    }

    fn publish(&self, snapshot: Arc<Snapshot>) {
        let revision = snapshot.revision();
        self.snapshot.store(Some(snapshot));
        self.revision.send_replace(revision);
    }

    /// Notes that a read that began then found nothing after the published snapshot.
    fn prove(&self, read_began_at: Instant) {
        let nanos = read_began_at.saturating_duration_since(self.began_at).as_nanos();
        self.proven_at_nanos.store(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Tells whether there is a fresh snapshot; if there is, for how long yet.
    fn tell_readiness(&self) -> Option<Duration> {
        let is_loaded = self.snapshot.load().is_some();
        let fresh_for =
            self.max_staleness.checked_sub(self.age()).filter(|left| is_loaded && !left.is_zero());
        let is_ready = fresh_for.is_some();
        self.is_ready.send_if_modified(|told| std::mem::replace(told, is_ready) != is_ready);
        fresh_for
    }
}
