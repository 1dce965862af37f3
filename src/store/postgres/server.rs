//! The server, as seen by this process: how to reach it, and the probe of its head that every read
//! and every write starts with.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time;
use tokio_postgres::Row;

use super::connection::{Connector, Session};
use super::failover;
use super::failure::PostgresFailure;
use super::head_probe::{self, HeadProbe, HistoryCheck, PROBE_HEAD};
use super::read::Query;
use super::replica_state::ReplicaState;
use super::transaction::Purpose;
use crate::store::change::{Epoch, Revision};
use crate::store::error::ReadError;
use crate::store::id::DeclarationIds;
use crate::store::place::Place;

/// Whether a read of the head must prove that the server is still the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// Reads what the server has. A deposed primary may answer too.
    Plain,
    /// Confirms the read by a commit, which a deposed primary cannot do.
    WithFreshnessProof,
}

/// The server and what this process has seen of its history.
pub(in crate::store) struct PostgresServer {
    pub(super) connector: Connector,
    pub(super) state: ReplicaState,
    pub(in crate::store) ids: DeclarationIds,
    pub(in crate::store) token_key: [u8; 32],
    pub(super) write_timeout: Duration,
    pub(super) settle_timeout: Duration,
    pub(super) read_only: bool,
}

impl PostgresServer {
    pub(in crate::store) fn place(&self) -> Place {
        self.connector.place().clone()
    }

    /// Reads through a connection that is kept open, within the read timeout. Reconnects if the
    /// connection has failed.
    pub(super) async fn read_through<T>(
        &self,
        kept: &Mutex<Option<Session>>,
        read: impl AsyncFnOnce(&Session) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut kept = kept.lock().await;
        let session = match kept.take().filter(|session| !session.client.is_closed()) {
            Some(session) => session,
            None => self.connector.connect().await?,
        };
        let Ok(read) = time::timeout(self.connector.read_timeout(), read(&session)).await else {
            // A commit that waits for a missing standby would never return.
            self.connector.cancel(&session).await;
            return Err(self.unreachable(PostgresFailure::timed_out()));
        };
        // After a failure the connection may still deliver rows of the failed request.
        if !matches!(read, Err(ReadError::Unreachable { .. } | ReadError::Refused { .. })) {
            *kept = Some(session);
        }
        read
    }

    /// Probes the head, and resolves a failover or restore first if there was one: the head that is
    /// returned is of a verified history.
    pub(super) async fn probe_head(&self, session: &Session, mode: ReadMode) -> Result<HeadProbe, ReadError> {
        Ok(self.probe_and_read(session, mode, None).await?.0)
    }

    /// The same, and the rows that a query reads after the probe, in the same transaction. With READ
    /// COMMITTED the query may also see later commits.
    async fn probe_and_read(
        &self,
        session: &Session,
        mode: ReadMode,
        query: Option<&Query>,
    ) -> Result<(HeadProbe, Vec<Row>), ReadError> {
        let (probe, check, rows) = self.probe_and_check(session, mode, query).await?;
        match check {
            HistoryCheck::Intact => return Ok((probe, rows)),
            HistoryCheck::Standby => return Err(self.standby()),
            HistoryCheck::EpochChanged => {}
            HistoryCheck::MovedIntact | HistoryCheck::Unverified | HistoryCheck::CommitsLost => {
                failover::verify_after_failover(self).await?;
            }
        }
        match self.probe_and_check(session, mode, query).await? {
            (probe, HistoryCheck::Intact, rows) => Ok((probe, rows)),
            _ => Err(self.unverified()),
        }
    }

    /// The same, and requires that the store is in this epoch (`None`: any) and reaches this
    /// revision. The rows up to the probed head are of that epoch: they are of the same transaction.
    pub(super) async fn read_up_to(
        &self,
        session: &Session,
        mode: ReadMode,
        (epoch, revision): (Option<Epoch>, Revision),
        query: &Query,
    ) -> Result<(HeadProbe, Vec<Row>), ReadError> {
        let (probe, rows) = self.probe_and_read(session, mode, Some(query)).await?;
        if epoch.is_some_and(|epoch| epoch != probe.epoch) {
            return Err(ReadError::OtherEpoch { store: self.place(), epoch: probe.epoch });
        }
        let last = probe.head.revision;
        if last < revision {
            return Err(ReadError::WentBack { store: self.place(), last, known: revision });
        }
        Ok((probe, rows))
    }

    async fn probe_and_check(
        &self,
        session: &Session,
        mode: ReadMode,
        query: Option<&Query>,
    ) -> Result<(HeadProbe, HistoryCheck, Vec<Row>), ReadError> {
        let before = self.state.get();
        let purpose = match mode {
            ReadMode::Plain => Purpose::Read,
            ReadMode::WithFreshnessProof => Purpose::Prove,
        };
        let rows = async {
            match query {
                Some(query) => query.rows(&session.client).await,
                None => Ok(Vec::new()),
            }
        };
        // All statements are sent before the first response arrives.
        let answers = tokio::try_join!(
            biased;
            session.client.batch_execute(self.connector.start(purpose)),
            head_probe::probe(&session.client, PROBE_HEAD, before.last_seen),
            rows,
            session.client.batch_execute("COMMIT"),
        );
        let ((), row, rows, ()) = answers.map_err(|error| self.unreachable(error.into()))?;
        if mode == ReadMode::WithFreshnessProof && session.has_warned() {
            return Err(self.unreachable(PostgresFailure::warned()));
        }
        let probe = self.connector.parse_probe(&row)?;
        let check = self.state.observe(&probe, before);
        Ok((probe, check, rows))
    }

    pub(super) fn unreachable(&self, source: PostgresFailure) -> ReadError {
        self.connector.unreachable(source)
    }

    pub(super) fn standby(&self) -> ReadError {
        ReadError::Standby { store: self.place() }
    }

    pub(super) fn unverified(&self) -> ReadError {
        ReadError::Unverified { store: self.place() }
    }
}
