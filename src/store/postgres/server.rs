//! The server, as all who talk to it know it.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time;

use super::connection::{Connector, Purpose, Session};
use super::failure::PostgresFailure;
use super::look::{self, Judged, LOOK, Look};
use super::settle;
use super::state::State;
use crate::store::change::{Epoch, Revision};
use crate::store::error::StoreError;
use crate::store::id::DeclarationIds;
use crate::store::place::Place;

/// A server that another has taken the place of, and that does not know it, goes
/// on to answer reads, and says that it takes writes; but with a synchronous
/// standby it cannot commit any more. So a look proves something only in a
/// transaction that is committed, and that has something to replicate: a
/// message in the log, which nobody reads and which touches no row.
const BEGIN_PROOF: &str =
    "BEGIN READ WRITE; SELECT pg_catalog.pg_logical_emit_message(true, 'lupa', 'proof')";

/// How the head is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// What is there, as far as the server knows.
    Only,
    /// And that the server is still the one.
    Proving,
}

/// The server and what is known of it.
pub(in crate::store) struct Server {
    pub(super) connector: Connector,
    pub(super) state: State,
    pub(in crate::store) ids: DeclarationIds,
    pub(in crate::store) token_key: [u8; 32],
    pub(super) write_timeout: Duration,
    pub(super) settle_timeout: Duration,
    pub(super) read_only: bool,
}

impl Server {
    pub(in crate::store) fn place(&self) -> Place {
        self.connector.place().clone()
    }

    /// Reads through a connection that is kept, made anew where it has failed;
    /// in time, or it is given up.
    pub(super) async fn through<T>(
        &self,
        kept: &Mutex<Option<Session>>,
        read: impl AsyncFnOnce(&Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut kept = kept.lock().await;
        let session = match kept.take().filter(|session| !session.client.is_closed()) {
            Some(session) => session,
            None => self.connector.connect(Purpose::Read).await?,
        };
        let Ok(read) = time::timeout(self.connector.read_timeout(), read(&session)).await else {
            // What waits for a standby would do so for as long as there is none.
            self.connector.cancel(&session).await;
            return Err(self.unreachable(PostgresFailure::timed_out()));
        };
        // After a failure nobody knows what is still to come on it.
        if !matches!(read, Err(StoreError::Unreachable { .. })) {
            *kept = Some(session);
        }
        read
    }

    /// Looks at the head, and settles what has to be settled: what is
    /// returned is of a whole history.
    pub(super) async fn look(&self, session: &Session, how: How) -> Result<Look, StoreError> {
        let (look, judged) = self.judge(session, how).await?;
        match judged {
            Judged::Whole => return Ok(look),
            Judged::Standby => return Err(self.standby()),
            Judged::OtherEpoch => {}
            Judged::Moved | Judged::Unsettled | Judged::Lost => settle::settle_now(self).await?,
        }
        match self.judge(session, how).await? {
            (look, Judged::Whole) => Ok(look),
            _ => Err(self.unsettled()),
        }
    }

    /// The same, for what is read up to a revision, of an epoch: what a look on
    /// the same connection has found to be there cannot be lost meanwhile.
    pub(super) async fn look_as_far_as(
        &self,
        session: &Session,
        how: How,
        (epoch, revision): (Option<Epoch>, Revision),
    ) -> Result<Look, StoreError> {
        let look = self.look(session, how).await?;
        if epoch.is_some_and(|epoch| epoch != look.epoch) {
            return Err(StoreError::OtherEpoch { store: self.place(), epoch: look.epoch });
        }
        let last = look.head.revision;
        if last < revision {
            return Err(StoreError::WentBack { store: self.place(), last, known: revision });
        }
        Ok(look)
    }

    async fn judge(&self, session: &Session, how: How) -> Result<(Look, Judged), StoreError> {
        let before = self.state.get();
        let look = look::ask(&session.client, LOOK, before.known);
        let row = match how {
            How::Only => look.await,
            How::Proving => {
                let begin = session.client.batch_execute(BEGIN_PROOF);
                let commit = session.client.batch_execute("COMMIT");
                tokio::try_join!(biased; begin, look, commit).map(|((), row, ())| row)
            }
        };
        let row = row.map_err(|error| self.unreachable(error.into()))?;
        if how == How::Proving && session.has_warned() {
            return Err(self.unreachable(PostgresFailure::warned()));
        }
        let look = self.connector.look_of(&row)?;
        let judged = self.state.take(&look, before);
        Ok((look, judged))
    }

    pub(super) fn unreachable(&self, source: PostgresFailure) -> StoreError {
        self.connector.unreachable(source)
    }

    pub(super) fn standby(&self) -> StoreError {
        StoreError::Standby { store: self.place() }
    }

    pub(super) fn unsettled(&self) -> StoreError {
        StoreError::Unsettled { store: self.place() }
    }
}
