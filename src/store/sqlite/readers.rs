//! A pool of read connections for reads that may take long, separate from the connection of the follower,
//! which such a read must not delay.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::connection;
use super::read::SqliteReader;
use crate::store::error::ReadError;

/// A fixed-size pool of read connections. A read waits for a free one.
pub(super) struct Readers {
    path: PathBuf,
    connections_max: usize,
    state: Mutex<PoolState>,
    returned: Condvar,
}

#[derive(Default)]
struct PoolState {
    /// Open and not in use.
    free: Vec<Connection>,
    in_use: usize,
}

/// A connection in use; it returns to the pool when this is dropped.
struct PooledConnection<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl Readers {
    /// A pool of at least one connection.
    pub(super) fn new(path: &Path, connections_max: usize) -> Self {
        Self {
            path: path.to_owned(),
            connections_max: connections_max.max(1),
            state: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Reads through a connection of the pool. Blocks until one is free.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&SqliteReader<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut pooled = self.checkout();
        let connection = match pooled.connection.take() {
            Some(connection) => connection,
            None => connection::connect_to_read(&self.path)?,
        };
        let connection = pooled.connection.insert(connection);
        read(&SqliteReader { connection, path: &self.path })
    }

    fn checkout(&self) -> PooledConnection<'_> {
        let mut state = self
            .returned
            .wait_while(self.lock(), |state| state.in_use >= self.connections_max)
            .unwrap_or_else(PoisonError::into_inner);
        state.in_use += 1;
        PooledConnection { readers: self, connection: state.free.pop() }
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PooledConnection<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        state.in_use -= 1;
        state.free.extend(self.connection.take());
        self.readers.returned.notify_one();
    }
}
