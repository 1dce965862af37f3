//! The one thread that writes.
//!
//! It takes what is waiting, runs it in one transaction, commits, and only
//! then answers (group commit). If anything fails it stops for good: after a
//! failed write or sync, what is on the disk is known only to who reads it
//! anew, see [`crate::store`].

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::StoreOptions;
use super::change::{Append, AppendError, Appended, Revision};
use super::error::StoreError;
use super::group::Group;
use super::id::DeclarationIds;
use super::open::{Head, Writing};
use super::sqlite;
use super::viewing::Viewing;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;

/// A log of so many pages is copied into the database: a page that was written
/// many times is copied once. It is shorter than what is kept of the log, so
/// that the log is written where it was before and takes no new room.
const PAGES_PER_CHECKPOINT: u32 = 8_192;

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

/// The writer at work. Dropped in this order: with the sender gone the writer
/// ends; the lock is given up when all is closed.
pub(super) struct Hired {
    pub(super) jobs: mpsc::Sender<Job>,
    _writer: JoinedOnDrop,
    _lock: File,
}

struct JoinedOnDrop(Option<JoinHandle<()>>);

/// The one writer. Nothing else writes to the file while it lives.
struct Writer {
    path: PathBuf,
    connection: Connection,
    head: Head,
    clock: fn() -> Instant,
    ids: DeclarationIds,
    group_commit_max: usize,
    told: Arc<Told>,
}

/// Tells of a panic, so that nobody waits for ever.
struct TellPanic(Arc<Told>);

impl Hired {
    /// Starts the thread.
    pub(super) fn start(
        writing: Writing,
        path: &Path,
        head: Head,
        ids: DeclarationIds,
        options: StoreOptions,
        told: Arc<Told>,
    ) -> Result<Self, StoreError> {
        let Writing { lock, connection } = writing;
        let (jobs, queue) = mpsc::channel(options.queue_length_max.max(1));
        let writer = Writer {
            path: path.to_owned(),
            connection,
            head,
            clock: options.clock,
            ids,
            group_commit_max: options.group_commit_max.max(1),
            told,
        };
        let writer = thread::Builder::new()
            .name("lupa-store".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(StoreError::NoThread)?;
        Ok(Self { jobs, _writer: JoinedOnDrop(Some(writer)), _lock: lock })
    }
}

impl Writer {
    /// Writes until every sender is gone, or something fails.
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
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
        let Self { path, connection, head, clock, ids, group_commit_max: _, told } = self;
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

    /// Copies the log into the database once it has grown. Nobody waits for
    /// it but who comes meanwhile. Only the writer does it: while anyone else
    /// copied, the log would go on growing and could not be begun anew.
    fn checkpoint_if_due(&self) -> Result<(), StoreError> {
        let pages = |sql| {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.query_row((), |row| row.get::<_, u32>(1)))
                .map_err(|source| sqlite::write_error(&self.path, source))
        };
        if pages("PRAGMA wal_checkpoint(NOOP)")? >= PAGES_PER_CHECKPOINT {
            pages("PRAGMA wal_checkpoint(PASSIVE)")?;
        }
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

impl Drop for JoinedOnDrop {
    fn drop(&mut self) {
        // The last handle may be in an admission, and so dropped by the writer itself.
        let other = self.0.take().filter(|thread| thread.thread().id() != thread::current().id());
        if other.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the store had panicked");
        }
    }
}

impl Drop for TellPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failure.send_replace(Some(Arc::new(StoreError::WriterPanicked)));
        }
    }
}
