//! Connections for reads that may take a while: so many and no more.

use std::sync::Arc;

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use tokio::time;

use super::Server;
use super::connection::{Purpose, Session};
use super::failure::PostgresFailure;
use crate::store::error::StoreError;

/// Connections for reads.
pub(super) struct Sessions(Pool<Connecting>);

/// Connects for the pool.
struct Connecting(Arc<Server>);

impl Sessions {
    /// At most so many.
    pub(super) fn new(server: Arc<Server>, connections_max: usize) -> Result<Self, StoreError> {
        let limit = server.connector.read_timeout();
        Pool::builder(Connecting(server))
            .max_size(connections_max)
            .wait_timeout(Some(limit))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map(Self)
            .map_err(|_| StoreError::Interrupted)
    }

    /// Reads through one of them, in time. One by which it fails is not used
    /// again: nobody knows what is still to come on it.
    pub(super) async fn read<T>(
        &self,
        read: impl AsyncFnOnce(&Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let server = &self.0.manager().0;
        let session = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => server.unreachable(PostgresFailure::none_free()),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                StoreError::Interrupted
            }
        })?;
        let failure = match time::timeout(server.connector.read_timeout(), read(&session)).await {
            Ok(Ok(read)) => return Ok(read),
            Ok(Err(error)) => error.into(),
            Err(_) => PostgresFailure::timed_out(),
        };
        drop(Object::take(session));
        Err(server.unreachable(failure))
    }
}

impl Clone for Sessions {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl managed::Manager for Connecting {
    type Type = Session;
    type Error = StoreError;

    async fn create(&self) -> Result<Session, StoreError> {
        self.0.connector.connect(Purpose::Read).await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<StoreError> {
        if session.client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}
