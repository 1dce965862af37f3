//! What is told by NOTIFY: a hint that there is something to read. All of it
//! may be lost, and nothing is: whoever follows also polls.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time;

use super::Server;
use super::connection::Purpose;
use crate::store::change::Revision;
use crate::store::hired::Told;

/// How long after the connection is lost it is made anew.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

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
