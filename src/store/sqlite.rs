//! The embedded store: one SQLite file in WAL mode.
//!
//! INVARIANT (one-writer): one process writes the file, by a lock on `<path>.lock` and one on the file itself,
//! whatever its name, and in it one thread, which also does the checkpoints. Other processes may follow what it
//! writes.
//! INVARIANT (watermark): the file of the watermark names the last acknowledged commit before its
//! acknowledgement leaves. A file that ends before it is refused.
//! INVARIANT (fail-stop): after a failed write nothing is written until the file has been opened, and so
//! checked, again. Jobs that were being written may be committed or not; a retry with the same idempotency
//! key resolves it.

mod acknowledged;
pub mod bulk;
mod connection;
mod copy;
mod epoch;
mod file;
mod import;
mod length;
mod log;
mod new;
mod open;
mod protection;
mod read;
mod readers;
mod watermark;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

pub use acknowledged::AcceptedLoss;
pub(super) use acknowledged::accept_loss;
pub(super) use copy::{back_up, copy_in};

use super::backend::Backend;
use super::change::{Change, ChangeBatch, ChangedClient, Identity, IndexChange, Point, Revision};
use super::error::{OpenError, ReadError};
use super::history::PersonHistory;
use super::id::DeclarationIds;
use super::lineage::Lineage;
use super::options::StoreOptions;
use super::place::Place;
use super::table::{ChangeRow, ViewingRow};
use super::writer::{Opened, WriterHandle, WriterStatus};
use crate::clock::CheckedClock;
use crate::policy::client_id::ClientId;
use open::{OpenFile, WriteAccess};
use read::SqliteReader;
use readers::Readers;
use writer::SqliteWriter;

/// The file, opened. It cannot be replaced while it is open, so its epoch is constant, and every read
/// proves freshness.
pub(super) struct Sqlite {
    path: PathBuf,
    identity: Identity,
    clock: CheckedClock,
    /// What a checkpoint has of it. Any other loss is found when the file is opened.
    lost_revisions: Arc<AtomicU64>,
    /// For short reads, and to follow.
    reader: Mutex<Connection>,
    /// For reads that may take long.
    readers: Readers,
}

impl Sqlite {
    /// See [`super::Store::open`].
    pub(super) fn open(path: &Path, options: StoreOptions) -> Result<Opened<Self>, OpenError> {
        Self::start(open::open(path, &options)?, options)
    }

    /// See [`super::Store::open_to_follow`].
    pub(super) fn open_to_follow(path: &Path, options: StoreOptions) -> Result<Opened<Self>, OpenError> {
        Self::start(open::open_to_follow(path, &options)?, options)
    }

    fn start(file: OpenFile, options: StoreOptions) -> Result<Opened<Self>, OpenError> {
        let OpenFile { path, identity, head, write_access } = file;
        let reader = connection::connect_to_read(&path)?;
        let status = Arc::new(WriterStatus::new(head.revision));
        let start_writer = |WriteAccess { connection, watermark, locks }| {
            let writer = SqliteWriter {
                path: path.clone(),
                connection,
                watermark,
                head,
                clock: options.clock,
                identity: identity.clone(),
                group_commit_max: options.group_commit_max.max(1),
                status: Arc::clone(&status),
            };
            WriterHandle::start(options.queue_length_max, locks.into(), &status, writer)
        };
        let writer = write_access.map(start_writer).transpose()?;
        let readers = Readers::new(&path, options.read_connections_max);
        let clock = CheckedClock::confirmed(options.clock, head.recorded_at, options.clock_difference_max);
        let backend = Self {
            path,
            identity,
            clock,
            lost_revisions: Arc::default(),
            reader: Mutex::new(reader),
            readers,
        };
        Ok(Opened { backend, writer, status })
    }

    /// Reads through the connection for short reads.
    fn read<T>(&self, read: impl FnOnce(&SqliteReader<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let connection = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        read(&SqliteReader { connection: &connection, path: &self.path })
    }
}

impl Backend for Sqlite {
    fn place(&self) -> Place {
        self.path.as_path().into()
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn lineage(&self) -> Arc<Lineage> {
        Arc::clone(&self.identity.lineage)
    }

    fn lost_revisions(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost_revisions)
    }

    fn clock(&self) -> &CheckedClock {
        &self.clock
    }

    fn token_key(&self) -> &[u8; 32] {
        &self.identity.token_key
    }

    fn declaration_ids(&self) -> DeclarationIds {
        self.identity.ids
    }

    fn head(&self) -> Result<(Arc<Lineage>, Revision), ReadError> {
        Ok((self.lineage(), self.read(|reader| reader.last())?))
    }

    fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, ReadError> {
        let connection = connection::connect_to_read(&self.path)?;
        let reader = SqliteReader { connection: &connection, path: &self.path };
        reader.load_range(after, until, self.identity.ids, each)
    }

    fn follow(
        &self,
        (_, after): (&Arc<Lineage>, Revision),
        limit: usize,
        _with_proof: bool,
    ) -> Result<ChangeBatch, ReadError> {
        let changes = self.read(|reader| reader.index_changes_since(after, limit, self.identity.ids))?;
        Ok(ChangeBatch { changes, proves_freshness: true, lineage: self.lineage() })
    }

    fn changes_since(&self, after: Revision, limit: usize) -> Result<Vec<Change>, ReadError> {
        self.read(|reader| reader.changes_since(after, limit))
    }

    fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        limit: usize,
    ) -> Result<Vec<ChangedClient>, ReadError> {
        self.readers.read(|reader| {
            reader.reaches(until.revision)?;
            reader.clients_changed(after, until.revision, limit)
        })
    }

    fn history_of(&self, codes: &[ClientId], until: Point) -> Result<PersonHistory, ReadError> {
        self.readers.read(|reader| {
            reader.reaches(until.revision)?;
            reader.person(codes, until.revision)
        })
    }

    fn change_rows(&self, after: Revision, limit: usize) -> Result<Vec<ChangeRow<'static>>, ReadError> {
        self.readers.read(|reader| reader.change_rows(after, limit))
    }

    fn viewing_rows(&self, after: i64, limit: usize) -> Result<Vec<ViewingRow<'static>>, ReadError> {
        self.readers.read(|reader| reader.viewing_rows(after, limit))
    }

    fn count_viewings(&self) -> Result<u64, ReadError> {
        self.readers.read(|reader| reader.count_viewings())
    }

    fn checkpoint_digest(&self, point: Point, build: &str) -> Result<Option<u64>, ReadError> {
        self.readers.read(|reader| reader.checkpoint_digest(point, build))
    }

    fn check_structure(&self) -> Result<(), ReadError> {
        self.readers.read(|reader| reader.check_structure())
    }
}

#[cfg(test)]
mod tests;
