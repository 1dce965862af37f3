//! Errors of copying and backing up a store.

use super::{OpenError, ReadError, WriteError};
use crate::store::place::Place;

/// Why a store was not copied or backed up.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database that was to receive the copy holds a store with changes.
    #[error("there is a store in `{store}` already, with changes in it: give an empty database")]
    NotEmpty {
        /// The store.
        store: Place,
    },
    /// The copy differs from the original.
    #[error(
        "`{store}` differs from the store that it was copied from: stop the lupa that writes the original, remove the copy and copy again"
    )]
    Differs {
        /// The copy.
        store: Place,
    },
    /// The caller stopped the copy.
    #[error("the copy was stopped")]
    Stopped,
    /// One of the stores could not be opened, or the copy could not be written.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// One of the stores could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<WriteError> for CopyError {
    fn from(error: WriteError) -> Self {
        Self::Open(error.into())
    }
}
