//! What an operator wants to know of the index.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{BaseBytes, CheckpointStats, Index, Mark, MergeStats, StateDigest};
use crate::store::Revision;

/// What an operator wants to know of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexStats {
    /// The revision decided at.
    pub revision: Revision,
    /// How long ago a look began that found nothing after it.
    pub age: Duration,
    /// Of all that decides at the revision.
    pub digest: StateDigest,
    /// The last state that all who follow the store mark; none until there is one.
    pub mark: Option<Mark>,
    /// How many clients have declared something.
    pub clients: usize,
    /// How many declarations there are, ended ones too.
    pub declarations: u64,
    /// How many clients have changes that are not in the base yet.
    pub overlay_clients: usize,
    /// How the merges went.
    pub merges: MergeStats,
    /// How long it took to load.
    pub load_took: Duration,
    /// The last checkpoint; none: there is none yet.
    pub checkpoint: Option<CheckpointStats>,
}

impl Index {
    /// How many bytes the parts of the packed base take; none until it is
    /// loaded. Goes through the whole base: ask for it now and then.
    #[must_use]
    pub fn base_bytes(&self) -> Option<BaseBytes> {
        self.0.proven().map(|(snapshot, _)| snapshot.base.bytes())
    }

    /// How many looks at the store have failed since the start.
    #[must_use]
    pub fn read_failures(&self) -> u64 {
        self.0.read_failures.load(Ordering::Relaxed)
    }

    /// How it is; none until it is loaded.
    #[must_use]
    pub fn stats(&self) -> Option<IndexStats> {
        let (snapshot, age) = self.0.proven()?;
        Some(IndexStats {
            revision: snapshot.revision(),
            age,
            digest: snapshot.digest(),
            mark: snapshot.mark(),
            clients: snapshot.clients(),
            declarations: snapshot.declaration_count(),
            overlay_clients: snapshot.overlay.size(),
            merges: **self.0.merges.load(),
            load_took: Duration::from_millis(self.0.load_took_millis.load(Ordering::Relaxed)),
            checkpoint: self.0.checkpoint.load().as_deref().map(|last| (*last).into()),
        })
    }
}
