//! The embedded store: one SQLite file.
//!
//! INVARIANT (one-writer): one process, by a lock on `<path>.lock`, and in it
//! one thread writes, and checkpoints. Other processes may follow what it writes.
//! INVARIANT (fail-stop): after a failed write nothing is written again until
//! the file has been opened, and so checked, anew. What was under way is then
//! either there or not; who asks again with the same key learns which.

pub mod bulk;
mod connection;
mod copy;
mod file;
mod length;
mod new;
mod open;
mod read;
mod readers;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

pub(super) use copy::{back_up, copy_in};

use super::StoreOptions;
use super::change::{ChangedClient, Identity, IndexChange, Revision};
use super::error::StoreError;
use super::hired::{Begun, Hired, Told};
use super::raw::{RawChange, RawViewing};
use crate::policy::client_id::ClientId;
use crate::policy::declaration::Declaration;
use open::{Opened, Writing};
use read::Reader;
use readers::Readers;
use writer::Writer;

/// The file, opened.
pub(super) struct Sqlite {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    /// For small reads, and to follow.
    reader: Mutex<Connection>,
    /// For reads that may take a while.
    readers: Readers,
}

impl Sqlite {
    /// See [`super::Store::open`].
    pub(super) fn open(path: &Path, options: StoreOptions) -> Result<Begun<Self>, StoreError> {
        Self::start(open::open(path, &options)?, options)
    }

    /// See [`super::Store::open_to_follow`].
    pub(super) fn open_to_follow(path: &Path, options: StoreOptions) -> Result<Begun<Self>, StoreError> {
        Self::start(open::open_to_follow(path, &options)?, options)
    }

    fn start(opened: Opened, options: StoreOptions) -> Result<Begun<Self>, StoreError> {
        let Opened { path, identity, head, writing } = opened;
        let reader = connection::connect_to_read(&path)?;
        let told = Arc::new(Told::new(head.revision));
        let hire = |Writing { lock, connection }| {
            let writer = Writer {
                path: path.clone(),
                connection,
                head,
                clock: options.clock,
                identity,
                group_commit_max: options.group_commit_max.max(1),
                told: Arc::clone(&told),
            };
            Hired::start(options.queue_length_max, Some(lock), &told, move |queue| writer.run(queue))
        };
        let hired = writing.map(hire).transpose()?;
        let readers = Readers::new(&path, options.read_connections_max);
        Ok((Self { path, identity, reader: Mutex::new(reader), readers }, hired, told))
    }

    /// See [`super::Store::load_range`].
    pub(super) fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, StoreError> {
        let connection = connection::connect_to_read(&self.path)?;
        let reader = Reader { connection: &connection, path: &self.path };
        reader.load_range(after, until, self.identity.ids, each)
    }

    /// See [`super::Store::history_of`].
    pub(super) fn history_of(
        &self,
        client: &ClientId,
        until: Revision,
    ) -> Result<Vec<Declaration>, StoreError> {
        self.readers.read(|reader| {
            reader.reaches(until)?;
            reader.history_of(client, until).map(super::history::ClientHistory::into_declarations)
        })
    }

    /// See [`super::Store::clients_changed`].
    pub(super) fn clients_changed(
        &self,
        after: Revision,
        until: Revision,
        most: usize,
    ) -> Result<Vec<ChangedClient>, StoreError> {
        self.readers.read(|reader| {
            reader.reaches(until)?;
            reader.clients_changed(after, until, most)
        })
    }

    /// See [`super::Store::verify`].
    pub(super) fn raw_changes(&self, after: Revision, most: usize) -> Result<Vec<RawChange>, StoreError> {
        self.readers.read(|reader| reader.raw_changes(after, most))
    }

    /// See [`super::Store::copy`].
    pub(super) fn raw_viewings(&self, after: i64, most: usize) -> Result<Vec<RawViewing>, StoreError> {
        self.readers.read(|reader| reader.raw_viewings(after, most))
    }

    /// See [`super::Store::verify`].
    pub(super) fn count_viewings(&self) -> Result<u64, StoreError> {
        self.readers.read(|reader| reader.count_viewings())
    }

    /// See [`super::Store::verify`].
    pub(super) fn check_structure(&self) -> Result<(), StoreError> {
        self.readers.read(|reader| reader.check_structure())
    }

    /// Reads through the connection for small reads.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        read(&Reader { connection: &connection, path: &self.path })
    }
}

#[cfg(test)]
mod tests;
