//! Why a checkpoint is not used. The store is then read instead.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::ReadError;

/// Why a checkpoint is not used.
#[derive(Debug, thiserror::Error)]
pub(in crate::index) enum Unusable {
    #[error("it cannot be read")]
    File(#[from] io::Error),
    #[error("another version of lupa wrote it")]
    OtherBuild,
    #[error("the store is in another epoch")]
    OtherEpoch,
    /// It is the memory of an earlier process.
    #[error("the store has lost the last {0} of its changes")]
    Lost(u64),
    #[error("it is older than those whose digests the store keeps")]
    OlderThanKept,
    #[error("the store cannot be read to verify it")]
    Store(#[from] ReadError),
    #[error(transparent)]
    Refused(#[from] CheckpointRefusal),
}

/// Why a checkpoint is refused with an alarm: no file that this lupa or another of the same store wrote,
/// and that was left alone, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointRefusal {
    /// The file is a link or no file, or another user owns it or may write it.
    #[error(
        "it is not a file that only lupa can write: remove it, and check who can write in its folder; see \
         LupaCheckpointRefused in docs/operations.md"
    )]
    File,
    /// Another user owns the folder or may write in it.
    #[error(
        "another user can write in its folder: take that right away (`chmod go-w`) or set index.checkpoint_path \
         to a folder of lupa's own"
    )]
    Folder,
    /// Its MAC is not that of this store.
    #[error(
        "its MAC is not one of this store: if the store was not replaced by another, another program wrote or \
         changed it; see LupaCheckpointRefused in docs/operations.md"
    )]
    Mac,
    /// Its bytes are not those that its header names.
    #[error("its bytes are not those that were written: check the disk, and who can write the file")]
    Damaged,
    /// The store has other changes at its revisions, or ends before.
    #[error(
        "it disagrees with the changes in the store: if the store was replaced by an older copy, restore it as \
         docs/storage.md says; otherwise see LupaCheckpointRefused in docs/operations.md"
    )]
    History,
    /// The state in it has another digest than its header says.
    #[error(
        "the declarations in it are not those of its digest: see LupaCheckpointRefused in docs/operations.md"
    )]
    StateDigest,
    /// The store keeps another digest for its revision.
    #[error(
        "the store keeps another digest for its revision: see LupaCheckpointRefused in docs/operations.md"
    )]
    StoreDigest,
}

impl CheckpointRefusal {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::File,
        Self::Folder,
        Self::Mac,
        Self::Damaged,
        Self::History,
        Self::StateDigest,
        Self::StoreDigest,
    ];

    /// Its name, as a label of the metric.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Mac => "mac",
            Self::Damaged => "damaged",
            Self::History => "history",
            Self::StateDigest => "state_digest",
            Self::StoreDigest => "store_digest",
        }
    }
}

/// Number of checkpoints refused since the start, by reason.
#[derive(Debug, Default)]
pub(in crate::index) struct RefusalCounts([AtomicU64; CheckpointRefusal::ALL.len()]);

impl RefusalCounts {
    pub(in crate::index) fn add(&self, refusal: CheckpointRefusal) {
        if let Some(count) = self.0.get(refusal as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every reason, in the order of [`CheckpointRefusal::ALL`], with its count.
    pub(in crate::index) fn each(&self) -> impl Iterator<Item = (CheckpointRefusal, u64)> {
        CheckpointRefusal::ALL.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_counted_under_its_own_reason() {
        for refusal in CheckpointRefusal::ALL {
            let counts = RefusalCounts::default();
            counts.add(refusal);
            assert!(counts.each().all(|(reason, count)| count == u64::from(reason == refusal)));
        }
    }
}
