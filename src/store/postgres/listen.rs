//! Receives NOTIFY. A notification is a hint that there is something to read; it may be lost, because
//! every replica also polls. Behind a pooler there are none.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time;

use super::PostgresServer;
use super::connection::Session;
use super::failure::PostgresFailure;
use super::pooler;
use crate::store::change::Revision;
use crate::store::error::{ReadError, with_causes};
use crate::store::writer::WriterStatus;

/// Delay before the connection is opened again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Publishes notified revisions until the store is closed.
pub(super) async fn listen(server: Arc<PostgresServer>, status: Weak<WriterStatus>) {
    let mut is_listening = true;
    while status.strong_count() > 0 {
        match started(&server).await {
            Ok(Some(mut session)) => {
                is_listening = true;
                while let Some(payload) = session.notified.recv().await {
                    let Some(status) = status.upgrade() else { return };
                    if let Ok(revision) = payload.parse() {
                        status.publish_commit(Revision(revision));
                    }
                }
            }
            Ok(None) => {
                tracing::info!(
                    store = %server.place(),
                    "the server is behind a pooler, which delivers no notifications: changes are polled"
                );
                return;
            }
            Err(error) => {
                if is_listening {
                    tracing::warn!(
                        error = with_causes(&error),
                        "notifications cannot be received; changes are polled"
                    );
                }
                is_listening = false;
            }
        }
        time::sleep(RECONNECT_DELAY).await;
    }
}

/// A session that listens; none behind a pooler.
async fn started(server: &PostgresServer) -> Result<Option<Session>, ReadError> {
    let session = server.connector.connect().await?;
    let is_encrypted = server.connector.is_encrypted();
    let listening = async {
        if !pooler::is_direct(&session, is_encrypted).await? {
            return Ok(false);
        }
        session.client.batch_execute("LISTEN lupa").await?;
        Ok(true)
    };
    let listening: Result<bool, PostgresFailure> = listening.await;
    Ok(listening.map_err(|source| server.unreachable(source))?.then_some(session))
}
