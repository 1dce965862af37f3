//! The one thread that writes.
//!
//! It takes what is waiting, runs it in one transaction, commits, and only
//! then answers (group commit). If anything fails it stops for good: after a
//! failed write or sync, what is on the disk is known only to who reads it
//! anew, see [`crate::store`].

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::mpsc;

use super::connection;
use super::read::Reader;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::oid::OpaqueId;
use crate::store::change::{Head, Identity};
use crate::store::error::StoreError;
use crate::store::group::{Before, Group, NewChange, NewViewing, Wanted, Written};
use crate::store::hired::Told;
use crate::store::job::Job;
use crate::store::raw::change_columns;
use crate::store::row;

/// A log of so many pages is copied into the database: a page that was written
/// many times is copied once. It is shorter than what is kept of the log, so
/// that the log is written where it was before and takes no new room.
const PAGES_PER_CHECKPOINT: u32 = 8_192;

/// Inserts a change.
pub(super) const INSERT_CHANGE: &str = concat!(
    "INSERT INTO change (",
    change_columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
);

/// The one writer. Nothing else writes to the file while it lives.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    pub(super) head: Head,
    pub(super) clock: fn() -> Instant,
    pub(super) identity: Identity,
    pub(super) group_commit_max: usize,
    pub(super) told: Arc<Told>,
}

impl Writer {
    /// Writes until every sender is gone, or something fails.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, self.group_commit_max) > 0 {
            if let Err(error) = self.write(&mut jobs).and_then(|()| self.checkpoint_if_due()) {
                // What was not answered is dropped: whoever waits learns of the failure.
                return self.stop(error);
            }
        }
    }

    /// Runs jobs in one transaction and answers them.
    fn write(&mut self, jobs: &mut Vec<Job>) -> Result<(), StoreError> {
        let Self { path, connection, head, clock, identity, group_commit_max: _, told } = self;
        let error = |source| connection::write_error(path, source);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
        let reader = Reader { connection: &transaction, path };
        let found = reader.find(&Wanted::of(jobs), head.revision)?;
        let before = Before { epoch: identity.epoch, head: *head, max_staleness: identity.max_staleness };
        let group = Group::new(found, before, *clock, identity.ids);
        let Written { changes, viewings, head: new_head } = group.run(jobs)?;
        changes.iter().try_for_each(|change| insert_change(&transaction, change)).map_err(error)?;
        viewings.iter().try_for_each(|viewing| insert_viewing(&transaction, viewing)).map_err(error)?;
        transaction.commit().map_err(error)?;
        *head = new_head;
        told.committed(new_head.revision);
        jobs.drain(..).for_each(Job::answer);
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
                .map_err(|source| connection::write_error(&self.path, source))
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

fn insert_change(transaction: &Transaction<'_>, change: &NewChange) -> rusqlite::Result<()> {
    let NewChange { revision, recorded_at, what, client, declaration_id, body, asked } = change;
    let (what, kind) = what.columns();
    transaction
        .prepare_cached(INSERT_CHANGE)?
        .execute((
            revision.0,
            row::micros(*recorded_at),
            what,
            kind,
            client.as_ref().map(ClientId::root),
            client.as_ref().map(ClientId::extension),
            declaration_id.as_ref().map(OpaqueId::as_str),
            body,
            asked.as_ref().map(|asked| asked.key.as_str()),
            asked.as_ref().map(|asked| asked.digest),
            asked.as_ref().map(|asked| asked.notices.as_str()),
            asked.as_ref().and_then(|asked| asked.replaced_id.as_ref()).map(OpaqueId::as_str),
        ))
        .map(drop)
}

fn insert_viewing(transaction: &Transaction<'_>, viewing: &NewViewing) -> rusqlite::Result<()> {
    let NewViewing { at, client, viewer, purpose, what } = viewing;
    transaction
        .prepare_cached(
            "INSERT INTO viewing (at, client_root, client_extension, viewer, purpose, what)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((row::micros(*at), client.root(), client.extension(), viewer, purpose, what))
        .map(drop)
}
