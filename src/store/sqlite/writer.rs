//! The writer thread: the only one in the system that writes the file.
//!
//! It runs all waiting jobs in one transaction, commits, raises the watermark, and only then replies (group
//! commit). After any
//! failed write or sync it stops for good (fail-stop): the operating system may have dropped the pages
//! that it could not write, so only opening and checking the file again shows what it contains.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, Transaction, TransactionBehavior, params_from_iter};
use tokio::sync::mpsc;

use super::connection;
use super::file::beside;
use super::import::import;
use super::read::SqliteReader;
use super::watermark::{self, Mark, Watermark};
use crate::policy::day::Instant;
use crate::store::backend::BatchWriter;
use crate::store::change::{Head, Identity, Point};
use crate::store::checkpoint_record::{CheckpointRecord, RECORDS_KEPT_MAX};
use crate::store::error::{DriverError, WriteError};
use crate::store::group::{BatchInputs, BatchWrites, GroupCommit, HeadBefore};
use crate::store::import::ImportResult;
use crate::store::job::Job;
use crate::store::table::{
    ASSIGNED_VIEWING_COLUMNS, ChangeRow, Value, ViewingRow, change_columns, new_viewing_columns,
};
use crate::store::writer::WriterStatus;

/// Length of the write-ahead log, in pages, at which it is checkpointed. A page that was written many
/// times is copied once. It is shorter than the part of the log file that is kept, so the log is
/// overwritten in place and the file does not grow.
const PAGES_PER_CHECKPOINT: u32 = 8_192;

pub(super) const INSERT_CHANGE: &str = concat!(
    "INSERT INTO change (",
    change_columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
);

const INSERT_VIEWING: &str =
    concat!("INSERT INTO viewing (", new_viewing_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");

/// The writer of the file.
pub(super) struct SqliteWriter {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    pub(super) watermark: Watermark,
    pub(super) head: Head,
    pub(super) clock: fn() -> Instant,
    pub(super) identity: Identity,
    pub(super) group_commit_max: usize,
    pub(super) status: Arc<WriterStatus>,
}

impl BatchWriter for SqliteWriter {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, self.group_commit_max) > 0 {
            let imports: Vec<Job> = jobs.extract_if(.., |job| matches!(job, Job::Import(_))).collect();
            let written = self.write(&mut jobs).and_then(|()| self.import(imports));
            if let Err(error) = written.and_then(|()| self.checkpoint_if_due()) {
                // Jobs without a reply are dropped; their callers then wait for the published failure.
                return self.stop(error);
            }
        }
        if let Err(error) = self.watermark.sync() {
            tracing::warn!(%error, "the watermark of the store is not synced");
        }
    }
}

impl SqliteWriter {
    /// Runs jobs in one transaction and replies to them.
    fn write(&mut self, jobs: &mut Vec<Job>) -> Result<(), WriteError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let Self { path, connection, watermark, head, clock, identity, group_commit_max: _, status } = self;
        let error = |source| connection::write_error(path, source);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
        let reader = SqliteReader { connection: &transaction, path };
        let rows = reader.batch_rows(&BatchInputs::of(jobs), head.revision)?;
        let (lineage, max_staleness) = (Arc::clone(&identity.lineage), identity.max_staleness);
        let before = HeadBefore { lineage, head: *head, max_staleness };
        let batch = GroupCommit::new(rows, before, clock(), identity.ids);
        let BatchWrites { changes, viewings, checkpoints, head: new_head } = batch.run(jobs)?;
        changes.iter().try_for_each(|change| insert_change(&transaction, change)).map_err(error)?;
        let mut mark = Mark { revision: new_head.revision, ..watermark.last() };
        for viewing in &viewings {
            mark.viewing = insert_viewing(&transaction, viewing).map_err(error)?;
        }
        checkpoints.iter().try_for_each(|record| insert_checkpoint(&transaction, record)).map_err(error)?;
        transaction.commit().map_err(error)?;
        watermark.raise(mark).map_err(|source| watermark_error(path, source))?;
        *head = new_head;
        status.publish_commit(new_head.revision);
        jobs.drain(..).for_each(Job::reply);
        Ok(())
    }

    /// Runs imports, each in a transaction of its own, and replies to them.
    fn import(&mut self, imports: Vec<Job>) -> Result<(), WriteError> {
        let Self { path, connection, watermark, head, clock, identity, group_commit_max: _, status } = self;
        for mut job in imports {
            if let Job::Import(pending) = &mut job {
                let imported = import(connection, path, *head, clock(), &mut *pending.request)?;
                let result = match imported {
                    None => ImportResult::NothingStored,
                    Some(new_head) => {
                        let mark = Mark { revision: new_head.revision, ..watermark.last() };
                        watermark.raise(mark).map_err(|source| watermark_error(path, source))?;
                        *head = new_head;
                        status.publish_commit(new_head.revision);
                        ImportResult::Committed(Point {
                            epoch: identity.lineage.epoch(),
                            revision: new_head.revision,
                        })
                    }
                };
                pending.outcome = Some(Ok(result));
            }
            job.reply();
        }
        Ok(())
    }

    /// Checkpoints once the log has grown long; only the next batch waits for it. No other connection
    /// checkpoints: if two did, the log could not be reset and would grow.
    fn checkpoint_if_due(&self) -> Result<(), WriteError> {
        let pages = |sql| {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.query_row((), |row| row.get::<_, u32>(1)))
                .map_err(|source| connection::write_error(&self.path, source))
        };
        if pages("PRAGMA wal_checkpoint(NOOP)")? >= PAGES_PER_CHECKPOINT {
            pages("PRAGMA wal_checkpoint(PASSIVE)")?;
            self.watermark.sync().map_err(|source| watermark_error(&self.path, source))?;
        }
        Ok(())
    }

    /// Stops for good and publishes the cause.
    fn stop(self, error: WriteError) {
        // Closing the connection must not write to the file either.
        if self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).is_err() {
            tracing::warn!("closing the store may write to it");
        }
        self.status.failure.send_replace(Some(Arc::new(error)));
    }
}

pub(super) fn insert_change(transaction: &Transaction<'_>, change: &ChangeRow<'_>) -> rusqlite::Result<()> {
    transaction.prepare_cached(INSERT_CHANGE)?.execute(params_from_iter(change.values())).map(drop)
}

/// Returns the number that the viewing gets.
fn insert_viewing(transaction: &Transaction<'_>, viewing: &ViewingRow<'_>) -> rusqlite::Result<u64> {
    let values = viewing.values().skip(ASSIGNED_VIEWING_COLUMNS);
    let number = transaction.prepare_cached(INSERT_VIEWING)?.insert(params_from_iter(values))?;
    Ok(number.cast_unsigned())
}

fn watermark_error(path: &Path, source: io::Error) -> WriteError {
    WriteError::Io { path: beside(path, watermark::SUFFIX), source: DriverError::new(source) }
}

fn insert_checkpoint(transaction: &Transaction<'_>, record: &CheckpointRecord) -> rusqlite::Result<()> {
    let CheckpointRecord { point: Point { epoch, revision }, build, digest } = record;
    let values = (epoch.to_string(), revision.0, build, digest.cast_signed());
    transaction
        .prepare_cached(
            "INSERT INTO checkpoint (epoch, revision, build, digest) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(values)?;
    transaction
        .prepare_cached("DELETE FROM checkpoint WHERE number <= (SELECT max(number) FROM checkpoint) - ?1")?
        .execute([RECORDS_KEPT_MAX])
        .map(drop)
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => bytes.map_or(ValueRef::Null, ValueRef::Blob),
        }))
    }
}
