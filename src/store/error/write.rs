//! Errors of the writer thread.

use std::path::PathBuf;
use std::sync::Arc;

use super::{DriverError, ReadError};
use crate::store::random::NoRandomness;

/// Why something was not written, or why the outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// This process opened the store only to follow it.
    #[error("the store is only followed here: have it recorded by the lupa that writes the store")]
    ReadOnly,
    /// The queue of the writer is full.
    #[error("the store has more to write than its queue holds: try again in a moment")]
    Overloaded,
    /// A directory was stored after the point that the caller named.
    #[error("another directory has come into force: read it and replace that one")]
    DirectoryChanged,
    /// Nothing was written.
    #[error("nothing was recorded: try again")]
    NotWritten(#[source] Arc<WriteError>),
    /// The commit was sent and not answered.
    #[error("whether it is recorded is not known: list what is recorded before trying again")]
    OutcomeUnknown(#[source] Arc<WriteError>),
    /// An earlier failure stopped the writer for good.
    #[error("the store has stopped recording after a failure: see to its cause, then restart lupa")]
    Stopped(#[source] Arc<WriteError>),
    /// A fault of the program stopped the writer for good.
    #[error(
        "the store has stopped recording after a fault of lupa itself: restart lupa and report the fault"
    )]
    WriterPanicked,
    /// SQLite could not write the file.
    #[error(
        "cannot write to `{path}`, so nothing more is recorded: check that the disk has room and is sound, then restart lupa"
    )]
    Io {
        /// The store.
        path: PathBuf,
        /// The driver's error.
        source: DriverError,
    },
    /// The rows that a write depends on could not be read, or the server not be reached.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A change cannot be written as JSON: a fault of the program.
    #[error("what was to be recorded cannot be written as JSON: report the fault")]
    Encode(#[source] serde_json::Error),
    /// A change would not be read as it is written: a fault of the program.
    #[error("what was to be recorded could not be read again: report the fault")]
    Miswritten,
    /// The client's identifier has the root of the national identity code but is none.
    #[error(
        "the client's identifier has the root of the national identity code and is no identity code: correct one of them"
    )]
    ClientNotStorable,
}

impl From<NoRandomness> for WriteError {
    fn from(error: NoRandomness) -> Self {
        Self::Read(error.into())
    }
}
