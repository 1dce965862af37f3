//! A pool of connections for reads that may take long, such as histories.

use std::sync::Arc;

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use tokio::time;
use tokio_postgres::Row;

use super::PostgresServer;
use super::connection::Session;
use super::failure::PostgresFailure;
use super::read::Query;
use super::server::{ReadMode, ReadStart};
use super::transaction::Purpose;
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

    /// Reads by one statement, without checking the epoch or the head.
    pub(super) async fn read<T>(
        &self,
        read: impl AsyncFnOnce(&Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, ReadError> {
        let server = &self.0.manager().0;
        self.read_through(async |session| {
            let client = &session.client;
            let read = tokio::try_join!(
                biased;
                client.batch_execute(server.connector.start(Purpose::Read)),
                read(session),
                client.batch_execute("COMMIT"),
            );
            read.map(|((), read, ())| read).map_err(|error| server.unreachable(error.into()))
        })
        .await
    }

    /// Reads the rows of a query up to a point. An error if the store is in an epoch that does not continue
    /// it, or does not reach it.
    pub(super) async fn read_until(&self, until: Point, query: &Query) -> Result<Vec<Row>, ReadError> {
        let server = &self.0.manager().0;
        self.read_through(async |session| {
            let start = ReadStart::Point(until);
            Ok(server.read_from(session, ReadMode::Plain, start, Some(query)).await?.2)
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
        if matches!(read, Err(ReadError::Unreachable { .. } | ReadError::Refused { .. })) {
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
        self.0.connector.connect().await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<ReadError> {
        if session.client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}
