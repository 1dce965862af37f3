//! What the store keeps of the checkpoints of the index: the digest of the state at a point. A
//! checkpoint is a file beside the store, which others may be able to write; the store is not.

use super::change::Point;

/// Number of records that are kept, of all replicas together. Ten replicas that write one each five
/// minutes reach it after eight hours. A replica that starts from an older checkpoint reads the store
/// instead.
pub(super) const RECORDS_KEPT_MAX: i64 = 1_000;

/// The digest of the state that a checkpoint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointRecord {
    /// Epoch and revision of the checkpoint.
    pub point: Point,
    /// The build that computed the digest: another one may compute another digest of the same state.
    pub build: &'static str,
    /// The digest.
    pub digest: u64,
}
