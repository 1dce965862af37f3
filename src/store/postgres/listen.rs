//! What is told by NOTIFY: a hint that there is something to read. All of it
//! may be lost, and nothing is: whoever follows also polls.

use std::sync::{Arc, Weak};
use std::time::Duration;

use deadpool_postgres::Connect;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time;
use tokio_postgres::Client;

use super::Server;
use super::connection::{Purpose, Session};
use crate::store::change::Revision;
use crate::store::hired::Told;

/// How long after the connection is lost it is made anew.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Connects for the pool.
pub(super) struct Connecting(pub(super) Arc<Server>);

/// Listens until nobody wants to be told.
pub(super) async fn listen(server: Arc<Server>, told: Weak<Told>) {
    while told.strong_count() > 0 {
        if let Ok(mut session) = server.connector.connect(Purpose::Read).await
            && session.client.batch_execute("LISTEN lupa").await.is_ok()
        {
            while let Some(payload) = session.notified.recv().await {
                let Some(told) = told.upgrade() else { return };
                if let Ok(revision) = payload.parse() {
                    told.committed(Revision(revision));
                }
            }
        }
        time::sleep(RECONNECT_DELAY).await;
    }
}

impl Connect for Connecting {
    fn connect(
        &self,
        _: &tokio_postgres::Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        async {
            let Session { client, mut notified, .. } = self.0.connector.connect_to_read().await?;
            // The pool wants a task that lives as long as the connection.
            let driven = tokio::spawn(async move { while notified.recv().await.is_some() {} });
            Ok((client, driven))
        }
        .boxed()
    }
}
