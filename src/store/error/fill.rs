//! Errors of filling a new store with a history.

use super::{OpenError, ReadError, WriteError};
use crate::store::change::Revision;

/// Why a new store was not filled. No store was created.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The history is not in the order of time.
    #[error(
        "change {revision} of the history was recorded before the one before it: put them in the order of time; no store was made"
    )]
    GoesBack {
        /// Its place, counted from 1.
        revision: Revision,
    },
    /// The history withdraws something that is not an earlier declaration of the same client.
    #[error(
        "change {revision} of the history withdraws something that is not an earlier declaration of the same client: correct its place or leave it out; no store was made"
    )]
    WithdrawsNothing {
        /// Its place, counted from 1.
        revision: Revision,
    },
    /// The caller stopped it.
    #[error("the making of the store was stopped: no store was made")]
    Stopped,
    /// The store could not be created or written.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<WriteError> for FillError {
    fn from(error: WriteError) -> Self {
        Self::Open(error.into())
    }
}

impl From<ReadError> for FillError {
    fn from(error: ReadError) -> Self {
        Self::Open(error.into())
    }
}
