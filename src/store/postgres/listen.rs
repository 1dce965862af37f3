//! Receives NOTIFY. A notification is a hint that there is something to read; it may be lost, because
//! every replica also polls.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time;

use super::PostgresServer;
use super::connection::Purpose;
use crate::store::change::Revision;
use crate::store::writer::WriterStatus;

/// Delay before the connection is opened again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Publishes notified revisions until the store is closed.
pub(super) async fn listen(server: Arc<PostgresServer>, status: Weak<WriterStatus>) {
    while status.strong_count() > 0 {
        if let Ok(mut session) = server.connector.connect(Purpose::Read).await
            && session.client.batch_execute("LISTEN lupa").await.is_ok()
        {
            while let Some(payload) = session.notified.recv().await {
                let Some(status) = status.upgrade() else { return };
                if let Ok(revision) = payload.parse() {
                    status.publish_commit(Revision(revision));
                }
            }
        }
        time::sleep(RECONNECT_DELAY).await;
    }
}
