//! The one thread that writes.
//!
//! It takes what is waiting, runs it in one transaction, commits, and only
//! then answers (group commit). If anything fails it stops for good: after a
//! failed write or sync, what is on the disk is known only to who reads it
//! anew, see [`crate::store`].

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::change::{Append, AppendError, Appended, Revision};
use super::error::StoreError;
use super::group::Group;
use super::id::DeclarationIds;
use super::open::Head;
use super::sqlite;
use super::viewing::Viewing;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;

/// After this many rows the log is copied into the database.
const ROWS_PER_CHECKPOINT: u64 = 1_000;

/// Something to write, and where to answer.
pub(super) enum Job {
    Append(Box<Append>, oneshot::Sender<Result<Appended, AppendError>>),
    Directory(Box<Directory>, oneshot::Sender<Result<Revision, StoreError>>),
    Viewing(Box<Viewing>, oneshot::Sender<Result<(), StoreError>>),
    Import(Vec<(ClientId, Declaration)>, oneshot::Sender<Result<Revision, StoreError>>),
}

/// What the writer tells everyone.
pub(super) struct Told {
    pub(super) committed: watch::Sender<Revision>,
    /// Why the writer has stopped.
    pub(super) failure: watch::Sender<Option<Arc<StoreError>>>,
}

/// The one writer. Nothing else writes to the file while it lives.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    pub(super) head: Head,
    pub(super) clock: fn() -> Instant,
    pub(super) ids: DeclarationIds,
    pub(super) group_commit_max: usize,
    pub(super) told: Arc<Told>,
    /// How many rows had been written when the log was last copied into the database.
    pub(super) rows_checkpointed: u64,
}

/// Tells of a panic, so that nobody waits for ever.
struct TellPanic(Arc<Told>);

impl Writer {
    /// Writes until every sender is gone, or something fails.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let _tell_panic = TellPanic(Arc::clone(&self.told));
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, self.group_commit_max) > 0 {
            if let Err(error) = self.write(jobs.drain(..)).and_then(|()| self.checkpoint_if_due()) {
                return self.stop(error);
            }
        }
    }

    /// Runs jobs in one transaction and answers them.
    fn write(&mut self, jobs: impl Iterator<Item = Job>) -> Result<(), StoreError> {
        let Self { path, connection, head, clock, ids, group_commit_max: _, told, rows_checkpointed: _ } =
            self;
        let error = |source| sqlite::write_error(path, source);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
        let mut group = Group { transaction, path, head: *head, clock: *clock, ids: *ids };
        let mut answers = Vec::new();
        for job in jobs {
            answers.push(group.run(job)?);
        }
        let Group { transaction, path: _, head: new_head, clock: _, ids: _ } = group;
        transaction.commit().map_err(error)?;
        *head = new_head;
        told.committed
            .send_if_modified(|known| std::mem::replace(known, new_head.revision) != new_head.revision);
        for answer in answers {
            answer();
        }
        Ok(())
    }

    /// Copies the log into the database once it has grown. Nobody waits for it.
    fn checkpoint_if_due(&mut self) -> Result<(), StoreError> {
        let rows = self.connection.total_changes();
        if rows - self.rows_checkpointed < ROWS_PER_CHECKPOINT {
            return Ok(());
        }
        self.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))
            .map_err(|source| sqlite::write_error(&self.path, source))?;
        self.rows_checkpointed = rows;
        Ok(())
    }

    /// Stops for good. Whoever waits or comes later is told why.
    fn stop(self, error: StoreError) {
        // To close the file must not write to it either.
        if self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).is_err() {
            tracing::warn!("closing the store may write to it");
        }
        self.told.failure.send_replace(Some(Arc::new(error)));
    }
}

impl Drop for TellPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failure.send_replace(Some(Arc::new(StoreError::WriterPanicked)));
        }
    }
}
