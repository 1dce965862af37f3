//! Connections for reads that may take a while, apart from the one that the
//! index follows the store with: a long history does not hold it up.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::connection;
use super::read::Reader;
use crate::store::error::StoreError;

/// So many connections and no more; a read waits for one of them.
pub(super) struct Readers {
    path: PathBuf,
    most: usize,
    lending: Mutex<Lending>,
    given_back: Condvar,
}

#[derive(Default)]
struct Lending {
    /// Open, and not in use.
    free: Vec<Connection>,
    in_use: usize,
}

/// A connection in use; given back when dropped.
struct Lent<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl Readers {
    /// At least one connection at most.
    pub(super) fn new(path: &Path, most: usize) -> Self {
        Self {
            path: path.to_owned(),
            most: most.max(1),
            lending: Mutex::default(),
            given_back: Condvar::new(),
        }
    }

    /// Reads through a connection of its own. Blocks until one is free.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut lent = self.lend();
        let connection = match lent.connection.take() {
            Some(connection) => connection,
            None => connection::connect_to_read(&self.path)?,
        };
        let connection = lent.connection.insert(connection);
        read(&Reader { connection, path: &self.path })
    }

    fn lend(&self) -> Lent<'_> {
        let mut lending = self
            .given_back
            .wait_while(self.lending(), |lending| lending.in_use >= self.most)
            .unwrap_or_else(PoisonError::into_inner);
        lending.in_use += 1;
        Lent { readers: self, connection: lending.free.pop() }
    }

    fn lending(&self) -> MutexGuard<'_, Lending> {
        self.lending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut lending = self.readers.lending();
        lending.in_use -= 1;
        lending.free.extend(self.connection.take());
        self.readers.given_back.notify_one();
    }
}
