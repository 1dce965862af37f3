//! An in-memory replica of the store: the directory and every client's
//! declarations, as far as decisions need them.
//!
//! ```text
//!  store ──load──▶ base, packed in slices ─┐
//!    │                                     ├▶ Snapshot ──publish──▶ current() ──▶ one snapshot a request
//!    └──poll──▶ overlay of changes ────────┘
//!                   └──merge, slice by slice──▶ base ──▶ checkpoint file
//! ```
//!
//! - *Snapshots.* A [`Snapshot`] is immutable. The [`Follower`], the only writer,
//!   builds the next one from the last and the changes since and swaps it in:
//!   readers take no lock and never see half a change. Snapshots share unchanged
//!   parts.
//! - *Base and overlay.* As in a log-structured merge tree: the base is packed and
//!   read-only, changes go into an overlay, and a merge (compaction) moves them
//!   into the base in small steps. A declaration takes sixteen bytes of the base,
//!   distinct contents are stored once, and a client is found in one probe. Names
//!   and other data that no decision needs are not here; they are read from the
//!   store on demand.
//! - *Checkpoint.* A copy of the base in a file, so that a restart need not read
//!   the whole store.
//! - *Freshness proof and staleness bound.* Each poll that finds no further change
//!   proves the snapshot fresh as of its start. After `max_staleness` without such
//!   a proof the index returns an error instead of a snapshot: fail closed.
//! - *State digest.* Each minute a digest of the state is published, by which
//!   replicas that have diverged are detected.
//!
//! INVARIANT (forward): published revisions never decrease, except after a loss.
//! After a new epoch has started, nothing is published of an earlier one that it
//! does not continue.
//! INVARIANT (proven-fresh): `current()` returns a snapshot only if a read that
//! started less than `max_staleness` ago, by the boot-time clock, found nothing
//! after it.
//! INVARIANT (same-answers): a merge step changes the layout of the snapshot, not
//! the state that it holds.

mod key;
mod entry;
mod declaration_id;
mod overlay_entry;
mod slice;
mod base;
mod delta;
mod digest;
mod snapshot;
mod builder;
mod merge;
mod linked;
mod links;
mod load;
mod checkpoint;
mod cell;
mod follower;
mod stats;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

pub use checkpoint::CheckpointRefusal;
pub use checkpoint::task::{CheckpointOptions, CheckpointStats};
pub use digest::{MinuteDigest, StateDigest};
pub use follower::Follower;
pub use linked::LinkedDeclarations;
pub use merge::MergeStats;
pub use slice::BaseBytes;
pub use snapshot::{DeclarationIdText, PersonDeclarations, Snapshot, SnapshotDeclarations};
pub use stats::IndexStats;

use crate::clock::boottime_nanos;
use crate::store::{Point, Store};
use cell::{Cell, Proven};
use checkpoint::RefusalCounts;
use checkpoint::task::LastCheckpoint;

/// The types that [`cell`] synchronizes with. A test replaces them, to run every
/// interleaving of its threads.
mod sync {
    pub(super) use std::sync::Arc;
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};

    pub(super) use arc_swap::ArcSwapOption;
}

/// The index: a handle for readers that is cheap to clone.
#[derive(Clone, Debug)]
pub struct Index(Arc<Published>);

/// How the index follows the store.
#[derive(Clone, Debug)]
pub struct IndexOptions {
    /// Interval between polls of the store while no commit wakes the follower. Well
    /// below `max_staleness`.
    pub poll_interval: Duration,
    /// Staleness bound: how long after the start of the last freshness proof
    /// decisions may still be made.
    pub max_staleness: Duration,
    /// Upper bound of the retry delay while the store cannot be read.
    pub retry_delay_max: Duration,
    /// A merge starts when the overlay has changes of more clients than this.
    pub overlay_clients_max: usize,
    /// None: every start reads the whole store.
    pub checkpoint: Option<CheckpointOptions>,
}

/// Why there is no snapshot to decide with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The load is not complete.
    #[error("the declarations are still being loaded")]
    NotLoaded,
    /// The staleness bound has passed: there may be newer declarations.
    #[error("the declarations were last known to be up to date {} ms ago", age.as_millis())]
    Stale {
        /// Time since the last freshness proof.
        age: Duration,
    },
}

/// When a snapshot was proven fresh: when the read started that found nothing newer.
#[derive(Clone, Copy, Debug)]
pub struct FreshnessProof {
    at_nanos: u64,
}

/// Whether the published snapshot contains a point of the store's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It does.
    Yes,
    /// It did not by the deadline.
    NotYet,
    /// The store is in an epoch that is not proven to have that point: it may be lost.
    OtherEpoch,
}

/// Number of freshness proofs per `max_staleness`: a few may fail without an outage.
const PROOFS_PER_STALENESS: u32 = 5;

/// Interval at which [`Index::reached`] checks whether the epoch still lacks the point.
const EPOCH_RECHECK: Duration = Duration::from_millis(5);

/// The state shared by the follower, which writes it, and the readers.
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
    /// Why the store cannot be read; none while it can.
    read_failure: ArcSwapOption<String>,
    loads: AtomicU64,
    merges: ArcSwap<MergeStats>,
    checkpoint: ArcSwapOption<LastCheckpoint>,
    checkpoints_refused: RefusalCounts,
}

impl Index {
    /// Starts to load the store and to follow it, in another thread.
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
            read_failure: ArcSwapOption::empty(),
            loads: AtomicU64::new(0),
            merges: ArcSwap::default(),
            checkpoint: ArcSwapOption::empty(),
            checkpoints_refused: RefusalCounts::default(),
        });
        let follower = Follower::start(store, options, Arc::clone(&published))?;
        Ok((Self(published), follower))
    }

    /// The newest snapshot, if it is proven fresh. Take one for the whole request.
    pub fn current(&self) -> Result<Arc<Snapshot>, Unavailable> {
        let (snapshot, age) = self.0.proven().ok_or(Unavailable::NotLoaded)?;
        if age < self.0.max_staleness { Ok(snapshot) } else { Err(Unavailable::Stale { age }) }
    }

    /// The newest snapshot, fresh or not: not to decide with.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<Snapshot>> {
        self.0.snapshot.read().value
    }

    /// Time since the newest snapshot was proven fresh; none if it never was.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.0.proven().map(|(_, age)| age)
    }

    /// When the newest snapshot was proven fresh. One that is taken afterwards is at
    /// least as fresh.
    #[must_use]
    pub fn last_proof(&self) -> FreshnessProof {
        FreshnessProof { at_nanos: self.0.snapshot.read().at_nanos }
    }

    /// Whether an answer may still leave that was made from a snapshot with this proof.
    pub fn check_proof(&self, FreshnessProof { at_nanos }: FreshnessProof) -> Result<(), Unavailable> {
        let age = Duration::from_nanos(boottime_nanos().saturating_sub(at_nanos));
        if age < self.0.max_staleness { Ok(()) } else { Err(Unavailable::Stale { age }) }
    }

    /// Waits until the published snapshot contains a point, or until a read of the
    /// store that started after this call finds it in an epoch that does not.
    pub async fn reached(&self, point: Point, deadline: tokio::time::Instant) -> Reached {
        let called_at_nanos = boottime_nanos();
        let mut published = self.0.point.subscribe();
        let reached = async {
            loop {
                published.mark_unchanged();
                let Proven { value, at_nanos } = self.0.snapshot.read();
                match value {
                    Some(current) if !current.lineage().contains(point) => {
                        if at_nanos > called_at_nanos {
                            return Reached::OtherEpoch;
                        }
                        tokio::time::sleep(EPOCH_RECHECK).await;
                    }
                    Some(current) if current.revision() >= point.revision => return Reached::Yes,
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

    /// The epoch and revision of the published snapshot, as they advance; none while
    /// nothing is published.
    #[must_use]
    pub fn points(&self) -> watch::Receiver<Option<Point>> {
        self.0.point.subscribe()
    }

    /// True while there is a fresh snapshot. The follower updates it, so it does not
    /// change while a read hangs; [`Index::current`] notices that too.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<bool> {
        self.0.is_ready.subscribe()
    }

    /// Number of changes that are loaded, and number to load.
    #[must_use]
    pub fn load_progress(&self) -> (u64, u64) {
        (self.0.changes_loaded.load(Ordering::Relaxed), self.0.changes_to_load.load(Ordering::Relaxed))
    }
}

impl Published {
    /// The snapshot and the time since its freshness proof; none if it has none. A
    /// checkpoint has none until all later changes are applied.
    fn proven(&self) -> Option<(Arc<Snapshot>, Duration)> {
        let Proven { value, at_nanos } = self.snapshot.read();
        let age = Duration::from_nanos(boottime_nanos().saturating_sub(at_nanos));
        value.filter(|_| at_nanos != 0).map(|snapshot| (snapshot, age))
    }

    fn publish(&self, snapshot: Arc<Snapshot>) {
        self.snapshot.publish(snapshot);
        self.publish_point();
    }

    /// Withdraws the snapshot: its epoch has ended.
    fn withdraw(&self) {
        self.snapshot.withdraw();
        self.publish_point();
    }

    /// Wakes the requests that wait for a revision.
    fn publish_point(&self) {
        let point = self.proven().map(|(snapshot, _)| snapshot.point());
        self.point.send_if_modified(|published| std::mem::replace(published, point) != point);
    }

    /// Whether a new freshness proof is due, well before the last one expires.
    fn is_proof_due(&self, now_nanos: u64) -> bool {
        let age = Duration::from_nanos(now_nanos.saturating_sub(self.snapshot.read().at_nanos));
        age >= self.max_staleness / PROOFS_PER_STALENESS
    }

    /// Records that a read that started then found nothing after the published snapshot.
    fn prove(&self, read_started_at_nanos: u64) {
        self.snapshot.prove(read_started_at_nanos);
        self.publish_point();
    }

    fn record_checkpoint(&self, last: LastCheckpoint) {
        self.checkpoint.store(Some(Arc::new(last)));
    }

    /// Publishes whether there is a fresh snapshot. Returns for how long it stays fresh.
    fn publish_readiness(&self) -> Option<Duration> {
        let fresh_for = self.proven().and_then(|(_, age)| self.max_staleness.checked_sub(age));
        let fresh_for = fresh_for.filter(|left| !left.is_zero());
        let is_ready = fresh_for.is_some();
        self.is_ready.send_if_modified(|published| std::mem::replace(published, is_ready) != is_ready);
        fresh_for
    }
}
