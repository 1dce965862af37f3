//! The one thread of this process that writes. Other processes write too: the
//! head is locked from before a change is numbered until it is committed.
//!
//! ```text
//!  BEGIN; look at the head and lock it; what was answered; what was declared   one round trip
//!  run the group
//!  insert; move the head; notify; COMMIT                                       one round trip
//! ```
//!
//! If no answer comes to the second, it is not known whether it is committed:
//! the same jobs are run again on a new connection, which waits for the lock
//! that the first may still hold. What was committed is then answered by its
//! idempotency key, and what was not is done.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time;
use tokio_postgres::types::{ToSql, Type};

use super::Server;
use super::connection::{Purpose, Session};
use super::failure::PostgresFailure;
use super::look::{self, Judged, Known, LOOK_AND_LOCK, Look, typed};
use super::read;
use super::settle;
use crate::policy::client_id::ClientId;
use crate::policy::day;
use crate::policy::oid::OpaqueId;
use crate::store::change::{Head, Revision};
use crate::store::error::StoreError;
use crate::store::group::{Answered, AnsweredColumns, Found, Group, NewChange, NewViewing, Wanted, Written};
use crate::store::hired::Told;
use crate::store::job::Job;
use crate::store::random::random;
use crate::store::row;

/// How long after a failure it is tried again, at first.
const RETRY_DELAY: time::Duration = time::Duration::from_millis(20);

/// At most so long.
const RETRY_DELAY_MAX: time::Duration = time::Duration::from_millis(500);

/// The writer of this process.
pub(super) struct Writer {
    pub(super) server: Arc<Server>,
    pub(super) clock: fn() -> day::Instant,
    pub(super) group_commit_max: usize,
    pub(super) told: Arc<Told>,
    pub(super) session: Option<Session>,
    /// Whether the attempt under way has come to its commit.
    pub(super) is_sent: bool,
}

/// Why an attempt to write did not succeed.
enum Attempt {
    /// It may do better.
    Failed(StoreError),
    /// It would fail again.
    Fault(StoreError),
}

impl Writer {
    /// Writes until every sender is gone.
    pub(super) fn run(mut self, runtime: &Handle, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, self.group_commit_max) > 0 {
            runtime.block_on(self.write(&mut jobs));
        }
    }

    /// Runs jobs in one transaction, again if need be, and answers them.
    async fn write(&mut self, jobs: &mut Vec<Job>) {
        let began_at = Instant::now();
        let mut may_be_committed = false;
        let mut delay = RETRY_DELAY;
        let timeout = self.server.write_timeout;
        let error = loop {
            let left = timeout.saturating_sub(began_at.elapsed());
            self.is_sent = false;
            let attempt = match time::timeout(left, self.attempt(jobs)).await {
                Ok(attempt) => attempt,
                Err(_) => Err(Attempt::Failed(self.server.unreachable(PostgresFailure::timed_out()))),
            };
            let error = match attempt {
                Ok(()) => return jobs.drain(..).for_each(Job::answer),
                Err(Attempt::Fault(error)) => break error,
                Err(Attempt::Failed(error)) => error,
            };
            may_be_committed |= self.is_sent;
            // A transaction that is left open holds the lock until its connection ends.
            self.session = None;
            if began_at.elapsed() + delay >= timeout {
                break error;
            }
            time::sleep(delay).await;
            delay = (delay * 2).min(RETRY_DELAY_MAX);
        };
        self.session = None;
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            cause = std::error::Error::source(&error),
            jobs = jobs.len(),
            may_be_committed,
            "declarations could not be written"
        );
        let error = Arc::new(error);
        jobs.drain(..).for_each(|job| job.fail(&error, may_be_committed));
    }

    async fn attempt(&mut self, jobs: &mut [Job]) -> Result<(), Attempt> {
        let session = match &mut self.session {
            Some(session) if !session.client.is_closed() => session,
            closed => {
                let connected = self.server.connector.connect(Purpose::Write).await;
                closed.insert(connected.map_err(Attempt::Failed)?)
            }
        };
        let server = &*self.server;
        let (look, found) = begin(server, session, &Wanted::of(jobs)).await?;
        let written = Group::new(found, look.before(), self.clock, server.ids).run(jobs);
        let written = written.map_err(Attempt::Fault)?;
        let commit = random().map(i64::from_be_bytes).map_err(Attempt::Fault)?;
        self.is_sent = true;
        end(server, session, &written, commit).await?;
        let Head { revision, .. } = written.head;
        if revision > look.head.revision {
            server.state.learn(look.epoch, Known { revision, commit });
        }
        self.told.committed(revision);
        Ok(())
    }
}

/// Locks the head and looks up what is wanted.
async fn begin(server: &Server, session: &Session, wanted: &Wanted<'_>) -> Result<(Look, Found), Attempt> {
    let failed = |error: tokio_postgres::Error| Attempt::Failed(server.unreachable(error.into()));
    let client = &session.client;
    let before = server.state.get();
    let keys: Vec<&str> = wanted.keys.iter().map(|key| key.as_str()).collect();
    let ids: Vec<&str> = wanted.ids.iter().map(|id| id.as_str()).collect();
    let (keys_parameter, ids_parameter) = ([typed(&keys, Type::TEXT_ARRAY)], [typed(&ids, Type::TEXT_ARRAY)]);
    // All of it is sent before the first answer comes. What is read after the
    // lock is taken has been committed before, by whoever held it.
    let ((), row, answered, histories, taken) = tokio::try_join!(
        biased;
        client.batch_execute("BEGIN"),
        look::ask(client, LOOK_AND_LOCK, before.known),
        client.query_typed(
            "SELECT idempotency_key, revision, recorded_at, declaration_id, payload_digest, notices, replaced_id
             FROM lupa.change WHERE idempotency_key = ANY($1)",
            &keys_parameter,
        ),
        read::rows_of_clients(client, wanted.clients.iter().copied(), Revision(i64::MAX.cast_unsigned())),
        client.query_typed(
            "SELECT declaration_id FROM lupa.change WHERE what = 'declaration' AND declaration_id = ANY($1)",
            &ids_parameter,
        ),
    )
    .map_err(failed)?;
    let look = server.connector.look_of(&row).map_err(Attempt::Fault)?;
    match server.state.take(&look, before) {
        Judged::Whole => {}
        Judged::Standby => return Err(Attempt::Failed(server.standby())),
        judged @ (Judged::Moved | Judged::Unsettled | Judged::Lost | Judged::OtherEpoch) => {
            settle::settle(server, session, before.epoch, &look, judged).await.map_err(Attempt::Failed)?;
            return Err(Attempt::Failed(server.unsettled()));
        }
    }
    let mut found = Found::none_of(wanted);
    for row in answered {
        let revision: i64 = row.get(1);
        let revision = Revision(revision.cast_unsigned());
        let unreadable = |part| StoreError::Unreadable { store: server.place(), revision, part };
        let digest = <[u8; 32]>::try_from(row.get::<_, &[u8]>(4));
        let columns = AnsweredColumns {
            revision,
            recorded_at: row.get(2),
            declaration_id: row.get(3),
            digest: digest.map_err(|_| Attempt::Fault(unreadable("payload digest")))?,
            notices: row.get(5),
            replaced_id: row.get(6),
        };
        let key = row::opaque_id(row.get::<_, String>(0).into());
        let answered = key.and_then(|key| Ok((key, Answered::of(columns)?)));
        let (key, answered) = answered.map_err(|_| Attempt::Fault(unreadable("answer")))?;
        found.answered.insert(key, answered);
    }
    read::apply_rows(&histories, &server.place(), |client, change| {
        if let Some(history) = found.histories.get_mut(client) {
            history.apply(change);
        }
    })
    .map_err(Attempt::Fault)?;
    for row in taken {
        found.taken.extend(row::opaque_id(row.get::<_, String>(0).into()).ok());
    }
    Ok((look, found))
}

/// Writes what came of a group, and commits. Every transaction has locked the
/// head and so waits, as it commits, until all before it is where it must be:
/// also one that only tells again what was answered before.
async fn end(server: &Server, session: &Session, written: &Written, commit: i64) -> Result<(), Attempt> {
    let Written { changes, viewings, head: Head { revision, recorded_at } } = written;
    let client = &session.client;
    let changed = Changes::of(changes, commit);
    let viewed = Viewings::of(viewings);
    let (revision, recorded_at) = (revision.0.cast_signed(), row::micros(*recorded_at));
    let hint = revision.to_string();
    let moved = [typed(&revision, Type::INT8), typed(&recorded_at, Type::INT8), typed(&commit, Type::INT8)];
    let hinted = [typed(&hint, Type::TEXT)];
    let (changed, viewed) = (changed.parameters(), viewed.parameters());
    let mut statements: Vec<(&str, &Parameters<'_>)> = Vec::new();
    if !changes.is_empty() {
        statements.push((Changes::INSERT, &changed));
        statements.push(("UPDATE lupa.head SET revision = $1, recorded_at = $2, commit_id = $3", &moved));
        statements.push(("SELECT pg_catalog.pg_notify('lupa', $1)", &hinted));
    }
    if !viewings.is_empty() {
        statements.push((Viewings::INSERT, &viewed));
    }
    let failed = |error: tokio_postgres::Error| Attempt::Failed(server.unreachable(error.into()));
    let executed =
        try_join_all(statements.iter().map(|(sql, parameters)| client.execute_typed(sql, parameters)));
    tokio::try_join!(biased; executed, client.batch_execute("COMMIT")).map_err(failed)?;
    if session.has_warned() {
        // Such as that the wait for a standby was cancelled.
        return Err(Attempt::Failed(server.unreachable(PostgresFailure::warned())));
    }
    Ok(())
}

/// The values of a statement, with their types.
type Parameters<'p> = [(&'p (dyn ToSql + Sync), Type)];

/// Changes as columns.
struct Changes<'c> {
    revisions: Vec<i64>,
    times: Vec<i64>,
    whats: Vec<&'static str>,
    kinds: Vec<Option<&'static str>>,
    roots: Vec<Option<&'c str>>,
    extensions: Vec<Option<&'c str>>,
    ids: Vec<Option<&'c str>>,
    bodies: Vec<&'c str>,
    keys: Vec<Option<&'c str>>,
    digests: Vec<Option<&'c [u8]>>,
    notices: Vec<Option<&'c str>>,
    replaced_ids: Vec<Option<&'c str>>,
    commit: i64,
}

impl<'c> Changes<'c> {
    const INSERT: &'static str = "INSERT INTO lupa.change (revision, recorded_at, what, kind, client_root,
             client_extension, declaration_id, body, idempotency_key, payload_digest, notices, replaced_id, commit_id)
         SELECT *, $13 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS new (revision)
         ORDER BY new.revision";

    fn of(changes: &'c [NewChange], commit: i64) -> Self {
        let asked = |change: &'c NewChange| change.asked.as_ref();
        let columns = || changes.iter();
        Self {
            revisions: columns().map(|change| change.revision.0.cast_signed()).collect(),
            times: columns().map(|change| row::micros(change.recorded_at)).collect(),
            whats: columns().map(|change| change.what.columns().0).collect(),
            kinds: columns().map(|change| change.what.columns().1).collect(),
            roots: columns().map(|change| change.client.as_ref().map(ClientId::root)).collect(),
            extensions: columns().map(|change| change.client.as_ref().map(ClientId::extension)).collect(),
            ids: columns().map(|change| change.declaration_id.as_ref().map(OpaqueId::as_str)).collect(),
            bodies: columns().map(|change| change.body.as_str()).collect(),
            keys: columns().map(|change| asked(change).map(|asked| asked.key.as_str())).collect(),
            digests: columns().map(|change| asked(change).map(|asked| asked.digest.as_slice())).collect(),
            notices: columns().map(|change| asked(change).map(|asked| asked.notices.as_str())).collect(),
            replaced_ids: columns()
                .map(|change| {
                    asked(change).and_then(|asked| asked.replaced_id.as_ref()).map(OpaqueId::as_str)
                })
                .collect(),
            commit,
        }
    }

    fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 13] {
        [
            typed(&self.revisions, Type::INT8_ARRAY),
            typed(&self.times, Type::INT8_ARRAY),
            typed(&self.whats, Type::TEXT_ARRAY),
            typed(&self.kinds, Type::TEXT_ARRAY),
            typed(&self.roots, Type::TEXT_ARRAY),
            typed(&self.extensions, Type::TEXT_ARRAY),
            typed(&self.ids, Type::TEXT_ARRAY),
            typed(&self.bodies, Type::TEXT_ARRAY),
            typed(&self.keys, Type::TEXT_ARRAY),
            typed(&self.digests, Type::BYTEA_ARRAY),
            typed(&self.notices, Type::TEXT_ARRAY),
            typed(&self.replaced_ids, Type::TEXT_ARRAY),
            typed(&self.commit, Type::INT8),
        ]
    }
}

/// Viewings as columns.
struct Viewings<'v> {
    times: Vec<i64>,
    roots: Vec<&'v str>,
    extensions: Vec<&'v str>,
    viewers: Vec<Option<&'v str>>,
    purposes: Vec<&'static str>,
    whats: Vec<&'static str>,
}

impl<'v> Viewings<'v> {
    const INSERT: &'static str =
        "INSERT INTO lupa.viewing (at, client_root, client_extension, viewer, purpose, what)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";

    fn of(viewings: &'v [NewViewing]) -> Self {
        let columns = || viewings.iter();
        Self {
            times: columns().map(|viewing| row::micros(viewing.at)).collect(),
            roots: columns().map(|viewing| viewing.client.root()).collect(),
            extensions: columns().map(|viewing| viewing.client.extension()).collect(),
            viewers: columns().map(|viewing| viewing.viewer.as_deref()).collect(),
            purposes: columns().map(|viewing| viewing.purpose).collect(),
            whats: columns().map(|viewing| viewing.what).collect(),
        }
    }

    fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 6] {
        [
            typed(&self.times, Type::INT8_ARRAY),
            typed(&self.roots, Type::TEXT_ARRAY),
            typed(&self.extensions, Type::TEXT_ARRAY),
            typed(&self.viewers, Type::TEXT_ARRAY),
            typed(&self.purposes, Type::TEXT_ARRAY),
            typed(&self.whats, Type::TEXT_ARRAY),
        ]
    }
}
