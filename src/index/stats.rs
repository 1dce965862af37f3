//! The state of the index for operators.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{BaseBytes, CheckpointRefusal, CheckpointStats, Index, MergeStats, MinuteDigest, StateDigest};
use crate::store::Revision;

/// The state of the index for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexStats {
    /// Published revision.
    pub revision: Revision,
    /// Time since the start of the last poll that found the index up to date.
    pub age: Duration,
    /// Digest of the state at that revision.
    pub digest: StateDigest,
    /// The last digest that replicas can compare; none until a minute has ended since the load.
    pub minute_digest: Option<MinuteDigest>,
    /// Number of clients with declarations.
    pub clients: usize,
    /// Number of declarations, withdrawn ones included.
    pub declarations: u64,
    /// Number of clients with changes in the overlay.
    pub overlay_clients: usize,
    /// Counts and durations of merges.
    pub merges: MergeStats,
    /// Duration of the load.
    pub load_took: Duration,
    /// The last checkpoint; none if there is none yet.
    pub checkpoint: Option<CheckpointStats>,
}

impl Index {
    /// Sizes in bytes of the parts of the packed base; none until it is loaded.
    /// Visits every slice: too slow for a request path.
    #[must_use]
    pub fn base_bytes(&self) -> Option<BaseBytes> {
        self.0.proven().map(|(snapshot, _)| snapshot.base.bytes())
    }

    /// Number of failed reads of the store since the start.
    #[must_use]
    pub fn read_failures(&self) -> u64 {
        self.0.read_failures.load(Ordering::Relaxed)
    }

    /// Why the store cannot be read; none while it can.
    #[must_use]
    pub fn read_failure(&self) -> Option<Arc<String>> {
        self.0.read_failure.load_full()
    }

    /// Number of times that the index was loaded, from the store or from a checkpoint.
    #[must_use]
    pub fn loads(&self) -> u64 {
        self.0.loads.load(Ordering::Relaxed)
    }

    /// Number of checkpoints that were refused since the start, for each reason.
    pub fn checkpoints_refused(&self) -> impl Iterator<Item = (CheckpointRefusal, u64)> {
        self.0.checkpoints_refused.each()
    }

    /// The state of the index; none until it is loaded.
    #[must_use]
    pub fn stats(&self) -> Option<IndexStats> {
        let (snapshot, age) = self.0.proven()?;
        Some(IndexStats {
            revision: snapshot.revision(),
            age,
            digest: snapshot.digest(),
            minute_digest: snapshot.minute_digest(),
            clients: snapshot.clients(),
            declarations: snapshot.declaration_count(),
            overlay_clients: snapshot.overlay.size(),
            merges: **self.0.merges.load(),
            load_took: Duration::from_millis(self.0.load_took_millis.load(Ordering::Relaxed)),
            checkpoint: self.0.checkpoint.load().as_deref().map(|last| (*last).into()),
        })
    }
}
