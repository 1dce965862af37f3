//! The writer thread of this process. Other processes write too: the head row is locked from before a
//! change is numbered until it is committed.
//!
//! ```text
//!  START; probe and lock the head; recorded answers; clients' declarations    one round trip
//!  run the batch (group commit)
//!  insert the rows; move the head; NOTIFY; COMMIT                             one round trip
//! ```
//!
//! If the second round trip is not answered, it is unknown whether the commit succeeded. The batch is
//! then retried on a new connection, which waits for the lock that the first one may still hold. Jobs
//! that were committed find their recorded answer by idempotency key; the others are done now.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::PostgresServer;
use super::arrays::{ColumnArray, arrays};
use super::checkpoint::{self, RecordColumns};
use super::connection::Session;
use super::epochs;
use super::failure::PostgresFailure;
use super::head_probe::{
    self, HeadProbe, HistoryCheck, LastSeenCommit, PROBE_AND_LOCK_HEAD, READ_CLOCK, typed,
};
use super::read;
use super::runtime::Background;
use super::transaction::Purpose;
use crate::policy::day;
use crate::policy::oid::OpaqueId;
use crate::store::backend::BatchWriter;
use crate::store::change::{Head, Revision};
use crate::store::error::{ReadError, WriteError, with_causes};
use crate::store::group::{AnswerColumns, BatchInputs, BatchRows, BatchWrites, GroupCommit, RecordedAnswer};
use crate::store::history::{ClientHistory, Histories};
use crate::store::job::Job;
use crate::store::lineage::Lineage;
use crate::store::random::random;
use crate::store::row;
use crate::store::table::{
    ASSIGNED_VIEWING_COLUMNS, ChangeRow, ViewingRow, change_columns, new_viewing_columns,
};
use crate::store::writer::WriterStatus;

/// Delay before the first retry; it doubles with each further one.
pub(super) const RETRY_DELAY: time::Duration = time::Duration::from_millis(20);

/// Upper bound of the retry delay.
const RETRY_DELAY_MAX: time::Duration = time::Duration::from_millis(500);

/// No revision is later.
pub(super) const NEWEST: Revision = Revision(i64::MAX.cast_unsigned());

const INSERT_CHANGES: &str = concat!(
    "INSERT INTO lupa.change (",
    change_columns!(),
    ", commit_id)
     SELECT *, $13 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS new (revision)
     ORDER BY new.revision"
);

const INSERT_VIEWINGS: &str = concat!(
    "INSERT INTO lupa.viewing (",
    new_viewing_columns!(),
    ") SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)"
);

/// The writer of this process.
pub(super) struct PostgresWriter {
    pub(super) server: Arc<PostgresServer>,
    /// Runs the connections; kept alive by `background`.
    pub(super) runtime: Handle,
    pub(super) background: Arc<Background>,
    pub(super) group_commit_max: usize,
    pub(super) status: Arc<WriterStatus>,
    pub(super) session: Option<Session>,
    /// Whether the current attempt has sent its commit.
    pub(super) is_commit_sent: bool,
}

/// The head of the store, locked, and what a batch reads under the lock.
pub(super) struct LockedHead {
    pub(super) probe: HeadProbe,
    pub(super) lineage: Arc<Lineage>,
    /// The database's clock.
    pub(super) now: day::Instant,
    pub(super) rows: BatchRows,
}

/// Why an attempt to write a batch failed.
pub(super) enum Failed {
    /// A further attempt may succeed.
    Retry(WriteError),
    /// Every further attempt would fail too.
    ForGood(WriteError),
}

impl BatchWriter for PostgresWriter {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let runtime = self.runtime.clone();
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, self.group_commit_max) > 0 {
            let imports: Vec<Job> = jobs.extract_if(.., |job| matches!(job, Job::Import(_))).collect();
            if !jobs.is_empty() {
                runtime.block_on(self.write(&mut jobs));
            }
            imports.into_iter().for_each(|import| runtime.block_on(self.import(import)));
        }
        drop(self.background);
    }
}

impl PostgresWriter {
    /// Writes a batch of jobs in one transaction and replies to them. Retries until the write timeout.
    async fn write(&mut self, jobs: &mut Vec<Job>) {
        let started_at = Instant::now();
        let mut may_be_committed = false;
        let mut delay = RETRY_DELAY;
        let timeout = self.server.write_timeout;
        let error = loop {
            let left = timeout.saturating_sub(started_at.elapsed());
            self.is_commit_sent = false;
            let attempt = match time::timeout(left, self.attempt(jobs)).await {
                Ok(attempt) => attempt,
                Err(_) => Err(Failed::Retry(self.server.unreachable(PostgresFailure::timed_out()).into())),
            };
            let error = match attempt {
                Ok(()) if may_be_committed => {
                    return jobs.drain(..).for_each(Job::reply_after_unanswered_commit);
                }
                Ok(()) => return jobs.drain(..).for_each(Job::reply),
                Err(Failed::ForGood(error)) => break error,
                Err(Failed::Retry(error)) => error,
            };
            may_be_committed |= self.is_commit_sent;
            // An open transaction holds the lock until its connection closes.
            self.session = None;
            if started_at.elapsed() + delay >= timeout {
                break error;
            }
            time::sleep(delay).await;
            delay = (delay * 2).min(RETRY_DELAY_MAX);
        };
        self.session = None;
        tracing::warn!(
            error = with_causes(&error),
            jobs = jobs.len(),
            may_be_committed,
            "declarations could not be written"
        );
        let error = Arc::new(error);
        jobs.drain(..).for_each(|job| job.fail(&error, may_be_committed));
    }

    async fn attempt(&mut self, jobs: &mut [Job]) -> Result<(), Failed> {
        let session = match &mut self.session {
            Some(session) if !session.client.is_closed() => session,
            closed => {
                let connected = self.server.connector.connect().await;
                closed.insert(connected.map_err(Failed::retry)?)
            }
        };
        let server = &*self.server;
        let LockedHead { probe, lineage, now, rows } =
            lock_and_read(server, session, Purpose::Write, &BatchInputs::of(jobs)).await?;
        let batch = GroupCommit::new(rows, probe.head_before(lineage), now, server.ids);
        let writes = batch.run(jobs).map_err(Failed::ForGood)?;
        let commit = random().map(i64::from_be_bytes).map_err(|error| Failed::ForGood(error.into()))?;
        self.is_commit_sent = true;
        insert_and_commit(server, session, &writes, commit).await?;
        let Head { revision, .. } = writes.head;
        if revision > probe.head.revision {
            server.state.record_commit(probe.epoch, LastSeenCommit { revision, commit });
        }
        self.status.publish_commit(revision);
        Ok(())
    }
}

impl Failed {
    pub(super) fn retry(error: ReadError) -> Self {
        Self::Retry(error.into())
    }

    fn for_good(error: ReadError) -> Self {
        Self::ForGood(error.into())
    }
}

/// Starts the transaction, locks the head and reads the rows that the batch needs.
pub(super) async fn lock_and_read(
    server: &PostgresServer,
    session: &Session,
    purpose: Purpose,
    inputs: &BatchInputs<'_>,
) -> Result<LockedHead, Failed> {
    let failed = |error: tokio_postgres::Error| Failed::retry(server.unreachable(error.into()));
    let client = &session.client;
    let before = server.state.get();
    let keys: Vec<&str> = inputs.keys.iter().map(|key| key.as_str()).collect();
    let keys = [typed(&keys, Type::TEXT_ARRAY)];
    let histories = read::rows_of_clients(inputs.clients.iter().copied(), NEWEST);
    // All statements are sent before the first response arrives. With READ COMMITTED, a statement that
    // runs after the lock was granted sees everything that earlier holders of the lock committed.
    let newest_directory = async {
        let Some(Revision(after)) = inputs.directory_after else { return Ok(Vec::new()) };
        let sql = "SELECT max(revision) FROM lupa.change WHERE revision > $1 AND what = 'directory'";
        client.query_typed(sql, &[typed(&after.cast_signed(), Type::INT8)]).await
    };
    let ((), row, clock, answers, histories, newest_directory) = tokio::try_join!(
        biased;
        client.batch_execute(server.connector.start(purpose)),
        head_probe::probe(client, PROBE_AND_LOCK_HEAD, before.last_seen),
        client.query_typed_one(READ_CLOCK, &[]),
        client.query_typed(
            "SELECT idempotency_key, revision, recorded_at, declaration_id, payload_digest, notices, replaced_id
             FROM lupa.change WHERE idempotency_key = ANY($1)",
            &keys,
        ),
        histories.rows(client),
        newest_directory,
    )
    .map_err(failed)?;
    let probe = server.connector.parse_probe(&row).map_err(Failed::for_good)?;
    let check = server.state.observe(&probe, &before);
    if check != HistoryCheck::Intact {
        epochs::resolve(server, session, &before, &probe, check).await.map_err(Failed::retry)?;
        // The next attempt takes another session, which releases the lock, and finds the new epoch.
        return Err(Failed::retry(server.moved()));
    }
    let now = server.connector.parse_clock(&clock).map_err(Failed::for_good)?;
    server.clock.agrees_with(now).map_err(|error| Failed::retry(error.into()))?;
    let mut rows = BatchRows::empty(inputs);
    for row in answers {
        let (key, answer) = recorded_answer(server, &row).map_err(Failed::for_good)?;
        rows.answers.insert(key, answer);
    }
    read::apply_rows(&histories, &server.place(), &mut rows.histories).map_err(Failed::for_good)?;
    read_linked(server, client, &mut rows.histories).await?;
    let newest = newest_directory.first().and_then(|row| row.get::<_, Option<i64>>(0));
    rows.newest_directory = newest.map(|revision| Revision(revision.cast_unsigned()));
    Ok(LockedHead { probe, lineage: before.lineage, now, rows })
}

/// Reads the histories of the codes that are linked to those read; mostly there are none.
async fn read_linked(
    server: &PostgresServer,
    client: &Client,
    histories: &mut Histories,
) -> Result<(), Failed> {
    loop {
        let missing = histories.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let rows = read::rows_of_clients(missing.iter(), NEWEST).rows(client).await;
        let rows = rows.map_err(|error| Failed::retry(server.unreachable(error.into())))?;
        missing.into_iter().for_each(|code| histories.insert(code, ClientHistory::default()));
        read::apply_rows(&rows, &server.place(), histories).map_err(Failed::for_good)?;
    }
}

/// An idempotency key and the answer that is recorded with it.
fn recorded_answer(
    server: &PostgresServer,
    row: &Row,
) -> Result<(OpaqueId<'static>, RecordedAnswer), ReadError> {
    let revision: i64 = row.get(1);
    let revision = Revision(revision.cast_unsigned());
    let unreadable = |part| ReadError::Unreadable { store: server.place(), revision, part };
    let digest = <[u8; 32]>::try_from(row.get::<_, &[u8]>(4));
    let columns = AnswerColumns {
        revision,
        recorded_at: row.get(2),
        declaration_id: row.get(3),
        digest: digest.map_err(|_| unreadable("payload digest"))?,
        notices: row.get(5),
        replaced_id: row.get(6),
    };
    let key = row::opaque_id(row.get::<_, String>(0).into());
    let answer = key.and_then(|key| Ok((key, RecordedAnswer::of(columns)?)));
    answer.map_err(|_| unreadable("answer"))
}

/// Inserts the rows of a batch and commits. Every transaction locks the head row, so its commit waits
/// for the replication of all earlier ones. This also holds for one that only repeats a recorded answer.
async fn insert_and_commit(
    server: &PostgresServer,
    session: &Session,
    writes: &BatchWrites,
    commit: i64,
) -> Result<(), Failed> {
    let BatchWrites { changes, viewings, checkpoints, head: Head { revision, recorded_at } } = writes;
    let client = &session.client;
    let change_arrays = arrays(ChangeRow::TYPES, changes.iter().map(ChangeRow::values));
    let new_columns = ViewingRow::TYPES.get(ASSIGNED_VIEWING_COLUMNS..).unwrap_or_default();
    let new_values = viewings.iter().map(|viewing| viewing.values().skip(ASSIGNED_VIEWING_COLUMNS));
    let viewing_arrays = arrays(new_columns, new_values);
    let (revision, recorded_at) = (revision.0.cast_signed(), row::micros(*recorded_at));
    let notification = revision.to_string();
    let mut inserted: Vec<_> = change_arrays.iter().map(ColumnArray::parameter).collect();
    inserted.push(typed(&commit, Type::INT8));
    let viewed: Vec<_> = viewing_arrays.iter().map(ColumnArray::parameter).collect();
    let head = [typed(&revision, Type::INT8), typed(&recorded_at, Type::INT8), typed(&commit, Type::INT8)];
    let notified = [typed(&notification, Type::TEXT)];
    let records = RecordColumns::of(checkpoints);
    let (recorded, kept) = (records.parameters(), checkpoint::kept());
    let mut statements: Vec<(&str, &Parameters<'_>)> = Vec::new();
    if !changes.is_empty() {
        statements.push((INSERT_CHANGES, &inserted));
        statements.push(("UPDATE lupa.head SET revision = $1, recorded_at = $2, commit_id = $3", &head));
        statements.push(("SELECT pg_catalog.pg_notify('lupa', $1)", &notified));
    }
    if !viewings.is_empty() {
        statements.push((INSERT_VIEWINGS, &viewed));
    }
    if !checkpoints.is_empty() {
        statements.push((checkpoint::INSERT, &recorded));
        statements.push((checkpoint::DELETE_OLD, &kept));
    }
    let failed = |error: tokio_postgres::Error| Failed::retry(server.unreachable(error.into()));
    let executed =
        try_join_all(statements.iter().map(|(sql, parameters)| client.execute_typed(sql, parameters)));
    tokio::try_join!(biased; executed, client.batch_execute("COMMIT")).map_err(failed)?;
    if session.has_warned() {
        // For example, the wait for the synchronous standby was cancelled.
        return Err(Failed::retry(server.unreachable(PostgresFailure::warned())));
    }
    Ok(())
}

/// The parameters of a statement, with their types.
type Parameters<'p> = [(&'p (dyn ToSql + Sync), Type)];
