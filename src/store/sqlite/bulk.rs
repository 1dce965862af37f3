//! Bulk load: builds a new SQLite store from a whole history, as if each change
//! had been recorded at its time. For histories that are too large to append
//! one change at a time.
//!
//! ```text
//!  BulkChange ── encode, in any thread ──▶ EncodedChange + body
//!                                                │
//!  PATH.new:  BulkRows::insert, in the order of time, one transaction,
//!             not journaled, no indices and triggers
//!          ──▶ build the indices and triggers, one at a time
//!  PATH    ◀── sync, rename
//! ```

mod encode;
mod prepare;
mod rows;

use std::path::Path;

pub use encode::{BulkChange, EncodedChange};
pub(super) use prepare::{begin, drop_indices, drop_triggers, sort_beside};
pub use rows::BulkRows;

use super::connection::write_error;
use super::file::{self, exists};
use super::new::NewStore;
use crate::store::change::Revision;
use crate::store::error::{OpenError, WriteError};

/// The next step of a bulk load, after its rows are inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkStep {
    /// Builds one of the indices or triggers.
    Index,
    /// Syncs the file and renames it.
    Sync,
}

/// Why a history was not loaded. There is no store at the path.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// The history is not in the order of time.
    #[error(
        "change {revision} of the history was recorded before the change that precedes it: sort the history by \
         time; no store was created"
    )]
    OutOfOrder {
        /// The place of the change in the history, counted from 1.
        revision: Revision,
    },
    /// A withdrawal refers to a change that is not a declaration of its client.
    #[error(
        "change {revision} of the history withdraws something that is not an earlier declaration of the same \
         client: correct the place it refers to, or leave it out; no store was created"
    )]
    WithdrawsNothing {
        /// The place of the withdrawal in the history, counted from 1.
        revision: Revision,
    },
    /// The store cannot be created or written.
    #[error(transparent)]
    Store(#[from] OpenError),
}

/// Creates a store at a path with the rows that `insert` inserts, and returns
/// its last revision. `before` is called before each step that follows, with
/// that revision. An error of either function stops the load. After an error
/// there is no store at the path. Blocks.
pub fn load<E: From<BulkError>>(
    path: &Path,
    insert: impl FnOnce(&mut BulkRows<'_>) -> Result<(), E>,
    before: impl FnMut(BulkStep, Revision) -> Result<(), E>,
) -> Result<Revision, E> {
    let path = file::canonical(path).map_err(of_store)?;
    let _lock = file::lock(&path).map_err(of_store)?;
    if exists(&path).map_err(of_store)? {
        return Err(of_store(OpenError::Exists { path }));
    }
    let mut new = NewStore::begin(&path, None).map_err(of_store)?;
    match write(&mut new, insert, before) {
        Ok(last) => new.finish().map(|()| last).map_err(of_store),
        Err(error) => {
            new.discard();
            Err(error)
        }
    }
}

fn write<E: From<BulkError>>(
    new: &mut NewStore<'_>,
    insert: impl FnOnce(&mut BulkRows<'_>) -> Result<(), E>,
    mut before: impl FnMut(BulkStep, Revision) -> Result<(), E>,
) -> Result<Revision, E> {
    let (path, ids) = (new.path, new.ids);
    let error = |source| of_store::<E>(write_error(path, source));
    let indices = new.write(|connection| begin(connection, path)).map_err(of_store)?;
    let transaction = new.connection.transaction().map_err(error)?;
    let mut rows = BulkRows::prepare(&transaction, path, ids).map_err(error)?;
    insert(&mut rows)?;
    let last = rows.last();
    drop(rows);
    transaction.commit().map_err(error)?;
    for index in indices {
        before(BulkStep::Index, last)?;
        new.write(|connection| connection.execute_batch(&index)).map_err(of_store)?;
    }
    before(BulkStep::Sync, last)?;
    Ok(last)
}

fn of_store<E: From<BulkError>>(error: impl Into<OpenError>) -> E {
    BulkError::Store(error.into()).into()
}

impl From<WriteError> for BulkError {
    fn from(error: WriteError) -> Self {
        Self::Store(error.into())
    }
}
