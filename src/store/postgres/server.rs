//! The server, as seen by this process: how to reach it, and the probe of its head that every read
//! and every write starts with.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time;
use tokio_postgres::Row;

use super::connection::{Connector, Session};
use super::epochs;
use super::failure::PostgresFailure;
use super::head_probe::{self, HeadProbe, HistoryCheck, PROBE_HEAD};
use super::read::Query;
use super::replica_state::{EpochState, ReplicaState};
use super::transaction::Purpose;
use crate::clock::{CheckedClock, boottime_nanos};
use crate::store::change::{Point, Revision};
use crate::store::error::ReadError;
use crate::store::id::DeclarationIds;
use crate::store::lineage::Lineage;
use crate::store::place::Place;

/// Whether a read of the head must prove that the server is still the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// Reads what the server has. A deposed primary may answer too.
    Plain,
    /// Confirms the read by a commit, which a deposed primary cannot do.
    WithFreshnessProof,
}

/// What a read goes on from.
#[derive(Debug)]
pub(super) enum ReadStart {
    /// A revision of whatever epoch the store is in.
    AnyEpoch(Revision),
    /// A point, of the current epoch or of one that it continues.
    Point(Point),
    /// An index with the lineage of its epoch and its revision. The index may be of an epoch that this
    /// store does not know, such as one that started after a backup of it: up to the revision that both
    /// lineages have in common, it is the same.
    Index(Arc<Lineage>, Revision),
}

/// The server and what this process has seen of its history.
pub(in crate::store) struct PostgresServer {
    pub(super) connector: Connector,
    pub(super) state: ReplicaState,
    pub(in crate::store) ids: DeclarationIds,
    pub(in crate::store) token_key: [u8; 32],
    /// The wall clock of this process, compared with the server's.
    pub(super) clock: CheckedClock,
    pub(super) write_timeout: Duration,
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

    /// Probes the head, and reads the rows of a query after it, in the same transaction. With READ COMMITTED
    /// the query may also see later commits. If the server has moved, starts a new epoch first: the head that
    /// is returned is of the epoch that this process is in.
    async fn probe_and_read(
        &self,
        session: &Session,
        mode: ReadMode,
        query: Option<&Query>,
    ) -> Result<(HeadProbe, Vec<Row>), ReadError> {
        let (probe, before, check, rows) = self.probe_and_check(session, mode, query).await?;
        match check {
            HistoryCheck::Intact => return Ok((probe, rows)),
            HistoryCheck::Standby => return Err(self.standby()),
            HistoryCheck::EpochChanged if epochs::enter(self, session, &before, &probe).await? => {}
            HistoryCheck::EpochChanged | HistoryCheck::Moved | HistoryCheck::CommitsLost => {
                epochs::resolve_with_lock(self).await?;
            }
        }
        match self.probe_and_check(session, mode, query).await? {
            (probe, _, HistoryCheck::Intact, rows) => Ok((probe, rows)),
            _ => Err(self.moved()),
        }
    }

    /// The same, and requires that the store has what the read starts from. The rows up to the probed head
    /// are of that epoch: they are of the same transaction.
    pub(super) async fn read_from(
        &self,
        session: &Session,
        mode: ReadMode,
        start: ReadStart,
        query: Option<&Query>,
    ) -> Result<(HeadProbe, Arc<Lineage>, Vec<Row>), ReadError> {
        let (probe, rows) = self.probe_and_read(session, mode, query).await?;
        let lineage = self.state.get().lineage;
        // Another task may have entered a later epoch since the probe.
        if lineage.epoch() != probe.epoch {
            return Err(self.moved());
        }
        let (is_continued, revision) = match start {
            ReadStart::AnyEpoch(revision) => (true, revision),
            ReadStart::Point(point) => (lineage.contains(point), point.revision),
            ReadStart::Index(known, revision) => (known.common(&lineage) >= revision, revision),
        };
        if !is_continued {
            return Err(ReadError::OtherEpoch { store: self.place(), epoch: lineage.epoch() });
        }
        let last = probe.head.revision;
        if last < revision {
            return Err(ReadError::WentBack { store: self.place(), last, known: revision });
        }
        Ok((probe, lineage, rows))
    }

    async fn probe_and_check(
        &self,
        session: &Session,
        mode: ReadMode,
        query: Option<&Query>,
    ) -> Result<(HeadProbe, EpochState, HistoryCheck, Vec<Row>), ReadError> {
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
        let sent_at = boottime_nanos();
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
        self.clock.compare(probe.clock, sent_at);
        let check = self.state.observe(&probe, &before);
        Ok((probe, before, check, rows))
    }

    pub(super) fn unreachable(&self, source: PostgresFailure) -> ReadError {
        self.connector.unreachable(source)
    }

    pub(super) fn standby(&self) -> ReadError {
        ReadError::Standby { store: self.place() }
    }

    pub(super) fn moved(&self) -> ReadError {
        ReadError::Moved { store: self.place() }
    }
}
