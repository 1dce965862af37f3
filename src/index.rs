//! The policy cache: every client's declarations and the directory, in memory.
//!
//! ```text
//!  store ──load──▶ base, packed in slices ─┐
//!    │                                     ├▶ Snapshot ──publish──▶ current() ──▶ one snapshot a request
//!    └──changes_since──▶ overlay ──────────┘
//!                          └──merge, slice by slice──▶ base
//! ```
//!
//! A [`Snapshot`] never changes. The [`Follower`] builds the next one from the
//! last and the changes since, and swaps it in whole, so that readers neither
//! wait nor see half a change. The snapshots share what did not change.
//!
//! A declaration takes sixteen bytes of the base, and what it says is kept
//! once for many; a client is found in one probe. What is only shown and never
//! decides, such as names, is read from the store when it is asked for.
//!
//! INVARIANT (forward): published revisions never go back within an epoch; of
//! an epoch that has ended nothing is published any more.
//! INVARIANT (proven-fresh): `current()` gives a snapshot only if a read that
//! began less than `max_staleness` ago, by the clock that nobody sets, found
//! nothing after it.
//! INVARIANT (same-answers): a snapshot after a step of a merge says what the
//! one before it said.

mod boot;
mod key;
mod entry;
mod kept;
mod slice;
mod base;
mod delta;
mod digest;
mod snapshot;
mod builder;
mod merge;
mod load;
mod checkpoint;
mod keeper;
mod cell;
mod follower;
mod stats;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

pub use digest::{Mark, StateDigest};
pub use follower::Follower;
pub use keeper::{CheckpointOptions, CheckpointStats};
pub use merge::MergeStats;
pub use slice::BaseBytes;
pub use snapshot::{DeclarationId, Declarations, Snapshot};
pub use stats::IndexStats;

use crate::store::{Point, Store};
use cell::{Cell, Proven};

/// What [`cell`] is made of; a test puts others in their place, to try every
/// order in which threads may run.
mod sync {
    pub(super) use std::sync::Arc;
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};

    pub(super) use arc_swap::ArcSwapOption;
}

/// The policy cache. A cheap handle for reading.
#[derive(Clone, Debug)]
pub struct Index(Arc<Published>);

/// How the index follows the store.
#[derive(Clone, Debug)]
pub struct IndexOptions {
    /// How long between looks at the store when it tells of nothing. Well
    /// below `max_staleness`.
    pub poll_interval: Duration,
    /// How long after the start of the last successful look decisions may
    /// still be made.
    pub max_staleness: Duration,
    /// How long at most between attempts while the store cannot be read.
    pub retry_delay_max: Duration,
    /// With changes of more clients than this the overlay is merged into the base.
    pub overlay_clients_max: usize,
    /// None: the whole store is read at every start.
    pub checkpoint: Option<CheckpointOptions>,
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

/// Whether a point of the store's history is in the published snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It is.
    Yes,
    /// Not by the deadline.
    NotYet,
    /// The store is in another epoch: it may have lost what was there.
    OtherEpoch,
}

/// So many proofs are made in the time in which one runs out.
const PROOFS_PER_STALENESS: u32 = 5;

/// How often it is looked at whether the epoch is still another one.
const EPOCH_RECHECK: Duration = Duration::from_millis(5);

/// What the follower publishes.
#[derive(Debug)]
struct Published {
    max_staleness: Duration,
    snapshot: Cell<Snapshot>,
    point: watch::Sender<Option<Point>>,
    is_ready: watch::Sender<bool>,
    changes_loaded: AtomicU64,
    changes_to_load: AtomicU64,
    load_took_millis: AtomicU64,
    read_failures: AtomicU64,
    merges: ArcSwap<MergeStats>,
    checkpoint: ArcSwapOption<keeper::Last>,
}

impl Index {
    /// Starts to load the store and to follow it, in a thread of its own.
    pub fn start(store: Store, options: IndexOptions) -> io::Result<(Self, Follower)> {
        let published = Arc::new(Published {
            max_staleness: options.max_staleness,
            snapshot: Cell::empty(),
            point: watch::Sender::new(None),
            is_ready: watch::Sender::new(false),
            changes_loaded: AtomicU64::new(0),
            changes_to_load: AtomicU64::new(0),
            load_took_millis: AtomicU64::new(0),
            read_failures: AtomicU64::new(0),
            merges: ArcSwap::default(),
            checkpoint: ArcSwapOption::empty(),
        });
        let follower = Follower::start(store, options, Arc::clone(&published))?;
        Ok((Self(published), follower))
    }

    /// The newest snapshot, if it is proven fresh. Take it once a request.
    pub fn current(&self) -> Result<Arc<Snapshot>, Unavailable> {
        let (snapshot, age) = self.0.proven().ok_or(Unavailable::NotLoaded)?;
        if age < self.0.max_staleness { Ok(snapshot) } else { Err(Unavailable::Stale { age }) }
    }

    /// How long ago the newest snapshot was proven to be the newest; none if it
    /// never was.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.0.proven().map(|(_, age)| age)
    }

    /// Waits until a point is in the published snapshot, or a look at the
    /// store that began after the question has found it in another epoch.
    pub async fn reached(&self, point: Point, deadline: tokio::time::Instant) -> Reached {
        let asked_at_nanos = boot::nanos();
        let mut published = self.0.point.subscribe();
        let reached = async {
            loop {
                let current = *published.borrow_and_update();
                match current {
                    Some(current) if current.epoch != point.epoch => {
                        if self.0.snapshot.read().at_nanos > asked_at_nanos {
                            return Reached::OtherEpoch;
                        }
                        tokio::time::sleep(EPOCH_RECHECK).await;
                    }
                    Some(current) if current.revision >= point.revision => return Reached::Yes,
                    Some(_) | None => {
                        if published.changed().await.is_err() {
                            return Reached::NotYet;
                        }
                    }
                }
            }
        };
        tokio::time::timeout_at(deadline, reached).await.unwrap_or(Reached::NotYet)
    }

    /// Where in the store's history the published snapshot is, as it moves on;
    /// none while there is none.
    #[must_use]
    pub fn points(&self) -> watch::Receiver<Option<Point>> {
        self.0.point.subscribe()
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
    /// The snapshot and how long ago it was proven to be the newest; none if it
    /// never was: a checkpoint is not, until what came after it has been read.
    fn proven(&self) -> Option<(Arc<Snapshot>, Duration)> {
        let Proven { value, at_nanos } = self.snapshot.read();
        let age = Duration::from_nanos(boot::nanos().saturating_sub(at_nanos));
        value.filter(|_| at_nanos != 0).map(|snapshot| (snapshot, age))
    }

    fn publish(&self, snapshot: Arc<Snapshot>) {
        self.snapshot.publish(snapshot);
        self.tell_point();
    }

    /// Takes the snapshot back: its epoch has ended.
    fn withdraw(&self) {
        self.snapshot.withdraw();
        self.tell_point();
    }

    /// Tells whoever waits for a revision that it can be decided at.
    fn tell_point(&self) {
        let point = self.proven().map(|(snapshot, _)| snapshot.point());
        self.point.send_if_modified(|told| std::mem::replace(told, point) != point);
    }

    /// Whether it is time to prove again that the snapshot is the newest: well
    /// before the last proof has run out.
    fn is_proof_due(&self, now_nanos: u64) -> bool {
        let age = Duration::from_nanos(now_nanos.saturating_sub(self.snapshot.read().at_nanos));
        age >= self.max_staleness / PROOFS_PER_STALENESS
    }

    /// Notes that a read that began then found nothing after the published snapshot.
    fn prove(&self, read_began_at_nanos: u64) {
        self.snapshot.prove(read_began_at_nanos);
        self.tell_point();
    }

    fn tell_checkpoint(&self, last: keeper::Last) {
        self.checkpoint.store(Some(Arc::new(last)));
    }

    /// Tells whether there is a fresh snapshot; if there is, for how long yet.
    fn tell_readiness(&self) -> Option<Duration> {
        let fresh_for = self.proven().and_then(|(_, age)| self.max_staleness.checked_sub(age));
        let fresh_for = fresh_for.filter(|left| !left.is_zero());
        let is_ready = fresh_for.is_some();
        self.is_ready.send_if_modified(|told| std::mem::replace(told, is_ready) != is_ready);
        fresh_for
    }
}
