//! A pool of connections for reads that may take long, such as histories.

use std::sync::Arc;

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use tokio::time;

use super::PostgresServer;
use super::connection::{Purpose, Session};
use super::failure::PostgresFailure;
use super::server::{ReadMode, ReadStart};
use crate::store::change::Point;
use crate::store::error::ReadError;

/// A pool with a fixed maximum size.
pub(super) struct Sessions(Pool<Connecting>);

/// Opens connections for the pool.
struct Connecting(Arc<PostgresServer>);

impl Sessions {
    pub(super) fn new(server: Arc<PostgresServer>, connections_max: usize) -> Result<Self, ReadError> {
        let limit = server.connector.read_timeout();
        Pool::builder(Connecting(server))
            .max_size(connections_max)
            .wait_timeout(Some(limit))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map(Self)
            .map_err(|_| ReadError::Interrupted)
    }

    /// Reads without checking the epoch or the head.
    pub(super) async fn read<T>(
        &self,
        read: impl AsyncFnOnce(&Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, ReadError> {
        let server = &self.0.manager().0;
        self.read_through(async |session| {
            read(session).await.map_err(|error| server.unreachable(error.into()))
        })
        .await
    }

    /// Reads rows up to a point. An error if the store is in an epoch that does not continue it, or does not
    /// reach it.
    pub(super) async fn read_until<T>(
        &self,
        until: Point,
        read: impl AsyncFnOnce(&Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, ReadError> {
        let server = &self.0.manager().0;
        self.read_through(async |session| {
            let probe = server.probe_for(session, ReadMode::Plain, ReadStart::Point(until));
            let read = async { read(session).await.map_err(|error| server.unreachable(error.into())) };
            // Sent together. The rows count only if the probe finds the point.
            tokio::try_join!(biased; probe, read).map(|(_, read)| read)
        })
        .await
    }

    /// Reads through a connection of the pool, within the read timeout. A connection on which a read
    /// failed is not reused: it may still deliver rows of the failed request.
    async fn read_through<T>(
        &self,
        read: impl AsyncFnOnce(&Session) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let server = &self.0.manager().0;
        let session = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => server.unreachable(PostgresFailure::none_free()),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                ReadError::Interrupted
            }
        })?;
        let read = time::timeout(server.connector.read_timeout(), read(&session)).await;
        let read = read.unwrap_or_else(|_| Err(server.unreachable(PostgresFailure::timed_out())));
        if matches!(read, Err(ReadError::Unreachable { .. })) {
            drop(Object::take(session));
        }
        read
    }
}

impl Clone for Sessions {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl managed::Manager for Connecting {
    type Type = Session;
    type Error = ReadError;

    async fn create(&self) -> Result<Session, ReadError> {
        self.0.connector.connect(Purpose::Read).await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<ReadError> {
        if session.client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}
