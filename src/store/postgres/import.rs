//! Imports history into the database by COPY, in one transaction that holds the lock of the head row.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time;
use tokio_postgres::types::Type;

use super::PostgresServer;
use super::connection::Session;
use super::copy::copy_changes;
use super::failure::PostgresFailure;
use super::head_probe::{LastSeenCommit, typed};
use super::read;
use super::transaction::Purpose;
use super::write::{Failed, LockedHead, NEWEST, PostgresWriter, RETRY_DELAY, lock_and_read};
use crate::policy::client_id::ClientId;
use crate::policy::history::HistoryEntry;
use crate::store::change::{Head, Point, Revision};
use crate::store::error::{ReadError, WriteError, with_causes};
use crate::store::group::BatchInputs;
use crate::store::history::Histories;
use crate::store::import::{
    EncodedEntry, ImportOutcome, ImportResult, ImportRun, ImportSource, PersonSizes, Stored,
    stored_withdrawal,
};
use crate::store::job::Job;
use crate::store::random::random;
use crate::store::row;
use crate::store::table::{ChangeRow, stored_columns};

/// The rows arrive in order; the trigger would look up each predecessor.
const DISABLE_TRIGGER: &str = "ALTER TABLE lupa.change DISABLE TRIGGER change_is_dense";

const ENABLE_TRIGGER: &str = "ALTER TABLE lupa.change ENABLE TRIGGER change_is_dense";

/// Interval of the heartbeats of an import.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(200);

impl PostgresWriter {
    /// Runs an import and replies to it.
    pub(super) async fn import(&mut self, mut job: Job) {
        let Job::Import(pending) = &mut job else { return };
        self.is_commit_sent = false;
        match self.import_from(&mut *pending.request).await {
            Ok(result) => {
                pending.outcome = Some(Ok(result));
                job.reply();
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "the import failed");
                job.fail(&Arc::new(error), self.is_commit_sent);
            }
        }
    }

    async fn import_from(&mut self, source: &mut dyn ImportSource) -> Result<ImportResult, WriteError> {
        let server = Arc::clone(&self.server);
        let failed = |error: tokio_postgres::Error| unreachable(&server, error.into());
        // If anything fails, the session is dropped: an open transaction holds the lock until then.
        let (session, LockedHead { probe, now, .. }) = self.lock_for_import(&server).await?;
        let session = Arc::new(session);
        let heartbeat = Heartbeat::start(&self.runtime, &session);
        session.client.batch_execute(DISABLE_TRIGGER).await.map_err(failed)?;
        let import = Import { server: &server, session: &session, commit: i64::from_be_bytes(random()?) };
        let run = ImportRun::after(probe.head, now);
        let Some(head) = import.insert(run, source).await? else {
            heartbeat.stop().await;
            session.client.batch_execute("ROLLBACK").await.map_err(failed)?;
            self.session = Arc::into_inner(session);
            return Ok(ImportResult::NothingStored);
        };
        import.move_head(head).await.map_err(failed)?;
        let commit = LastSeenCommit { revision: head.revision, commit: import.commit };
        heartbeat.stop().await;
        self.is_commit_sent = true;
        session.client.batch_execute("COMMIT").await.map_err(failed)?;
        if session.has_warned() {
            // For example, the wait for the synchronous standby was cancelled.
            return Err(unreachable(&server, PostgresFailure::warned()));
        }
        server.state.record_commit(probe.epoch, commit);
        self.status.publish_commit(head.revision);
        self.session = Arc::into_inner(session);
        Ok(ImportResult::Committed(Point { epoch: probe.epoch, revision: head.revision }))
    }

    /// Starts the transaction and locks the head. Retries until the write timeout.
    async fn lock_for_import(
        &mut self,
        server: &PostgresServer,
    ) -> Result<(Session, LockedHead), WriteError> {
        let started_at = Instant::now();
        loop {
            let attempt = async {
                let session = match self.session.take().filter(|session| !session.client.is_closed()) {
                    Some(session) => session,
                    None => server.connector.connect().await.map_err(Failed::retry)?,
                };
                let locked =
                    lock_and_read(server, &session, Purpose::Import, &BatchInputs::default()).await?;
                Ok((session, locked))
            };
            match attempt.await {
                Ok(locked) => return Ok(locked),
                Err(Failed::ForGood(error)) => return Err(error),
                Err(Failed::Retry(error)) if started_at.elapsed() >= server.write_timeout => {
                    return Err(error);
                }
                Err(Failed::Retry(_)) => time::sleep(RETRY_DELAY).await,
            }
        }
    }
}

/// The transaction of an import.
struct Import<'i> {
    server: &'i PostgresServer,
    session: &'i Session,
    commit: i64,
}

impl Import<'_> {
    /// Inserts the rows of all new entries. Returns the head after them; none if there is nothing to commit.
    async fn insert(
        &self,
        mut run: ImportRun,
        source: &mut dyn ImportSource,
    ) -> Result<Option<Head>, WriteError> {
        let is_first = !self.has_clients().await.map_err(|error| self.unreachable(error))?;
        while let Some(entries) = source.next() {
            let stored = if is_first { HashMap::new() } else { self.stored(&entries).await? };
            let mut outcomes = Vec::with_capacity(entries.len());
            let mut rows: Vec<ChangeRow<'_>> = Vec::with_capacity(entries.len());
            for (place, entry) in entries.iter().enumerate() {
                let outcome = match run.check.refuse(entry).or(stored.get(&place).copied()) {
                    Some(outcome) => outcome,
                    None => {
                        if !is_first {
                            self.note_persons(entry, &mut run.check.persons).await?;
                        }
                        run.check.outcome_of_new(entry)
                    }
                };
                if outcome == ImportOutcome::Added {
                    let Ok(()) = run.add(entry, |row| {
                        rows.push(row);
                        Ok::<(), std::convert::Infallible>(())
                    });
                }
                outcomes.push(outcome);
            }
            self.copy(&rows).await?;
            source.report(&outcomes);
        }
        let is_to_commit = source.is_to_commit();
        let Some((last, head)) = run.finish().filter(|_| is_to_commit) else { return Ok(None) };
        self.copy(&[last]).await?;
        Ok(Some(head))
    }

    async fn copy(&self, rows: &[ChangeRow<'_>]) -> Result<(), WriteError> {
        copy_changes(self.session, self.commit, rows).await.map_err(|error| self.unreachable(error))
    }

    /// What becomes of the entries whose ids are stored, by their places.
    async fn stored(&self, entries: &[EncodedEntry]) -> Result<HashMap<usize, ImportOutcome>, WriteError> {
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id().as_str()).collect();
        let sql = concat!(
            "SELECT ",
            stored_columns!(),
            " FROM lupa.change WHERE what = 'declaration' AND declaration_id = ANY($1)
             UNION ALL SELECT ",
            stored_columns!(),
            " FROM lupa.change WHERE what = 'link' AND declaration_id = ANY($1)"
        );
        let rows = self.session.client.query_typed(sql, &[typed(&ids, Type::TEXT_ARRAY)]).await;
        let (mut by_id, mut links) = (HashMap::new(), HashMap::new());
        for row in rows.map_err(|error| self.unreachable(error))? {
            let id = row.get::<_, String>(6);
            match Stored::of(read::change(&row, &self.server.place())?) {
                Some(Stored::Link(link)) => drop(links.insert(id, link)),
                Some(stored) => drop(by_id.insert(id, stored)),
                None => {}
            }
        }
        let mut outcomes = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            let stored = match entry.entry() {
                HistoryEntry::Declaration(..) => by_id.remove(entry.id().as_str()),
                HistoryEntry::Link(_) => match links.get(entry.id().as_str()) {
                    Some(link) => {
                        let person = self.histories(&link.link.linked.codes).await?.into_person();
                        person
                            .links
                            .into_iter()
                            .find(|stored| stored.link.id == *entry.id())
                            .map(Stored::Link)
                    }
                    None => None,
                },
                HistoryEntry::Withdrawal { client, declaration_id, withdrawal, .. } => {
                    let histories = self.histories(std::slice::from_ref(client)).await?;
                    let withdrawal = stored_withdrawal(withdrawal);
                    let is_stored = histories.has_withdrawal(client, declaration_id, &withdrawal);
                    is_stored.then_some(Stored::Withdrawal)
                }
            };
            let Some(stored) = stored else { continue };
            let history = match entry.needs_history(&stored) {
                Some(client) => Some(self.histories(std::slice::from_ref(client)).await?.into_person()),
                None => None,
            };
            outcomes.insert(place, entry.compare(&stored, history.as_ref()));
        }
        Ok(outcomes)
    }

    /// Notes the persons that are stored of the codes of a link.
    async fn note_persons(&self, entry: &EncodedEntry, persons: &mut PersonSizes) -> Result<(), WriteError> {
        while let Some(code) = persons.unread(entry.codes_in_force()) {
            let links = self.histories(std::slice::from_ref(&code)).await?.into_person().links;
            persons.note(code, &links);
        }
        Ok(())
    }

    async fn histories(&self, codes: &[ClientId]) -> Result<Histories, WriteError> {
        let rows = read::rows_of_clients(codes.iter(), NEWEST).rows(&self.session.client).await;
        let mut histories = Histories::of(codes);
        read::apply_rows(
            &rows.map_err(|error| self.unreachable(error))?,
            &self.server.place(),
            &mut histories,
        )?;
        Ok(histories)
    }

    /// Whether anything is recorded of any client.
    async fn has_clients(&self) -> Result<bool, tokio_postgres::Error> {
        let sql = "SELECT EXISTS (SELECT FROM lupa.change WHERE client_extension IS NOT NULL)";
        Ok(self.session.client.query_typed_one(sql, &[]).await?.get(0))
    }

    async fn move_head(&self, head: Head) -> Result<(), tokio_postgres::Error> {
        let Head { revision: Revision(revision), recorded_at } = head;
        let revision = revision.cast_signed();
        let (recorded_at, notification) = (row::micros(recorded_at), revision.to_string());
        let client = &self.session.client;
        client.batch_execute(ENABLE_TRIGGER).await?;
        let sql = "UPDATE lupa.head SET revision = $1, recorded_at = $2, commit_id = $3";
        let head =
            [typed(&revision, Type::INT8), typed(&recorded_at, Type::INT8), typed(&self.commit, Type::INT8)];
        client.execute_typed(sql, &head).await?;
        let notified = [typed(&notification, Type::TEXT)];
        client.execute_typed("SELECT pg_catalog.pg_notify('lupa', $1)", &notified).await?;
        Ok(())
    }

    fn unreachable(&self, error: tokio_postgres::Error) -> WriteError {
        unreachable(self.server, error.into())
    }
}

/// Keeps the transaction of an import alive while it waits for its source. If the process is suspended, the
/// heartbeats stop too, and the server ends the transaction, which holds the lock of the head row.
struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    fn start(runtime: &Handle, session: &Arc<Session>) -> Self {
        let session = Arc::clone(session);
        Self(runtime.spawn(async move {
            // After a failure the next statement of the import reports it.
            while session.client.batch_execute("SELECT").await.is_ok() {
                time::sleep(HEARTBEAT_INTERVAL).await;
            }
        }))
    }

    /// Stops it and waits until it no longer uses the session.
    async fn stop(mut self) {
        self.0.abort();
        // It was canceled.
        drop((&mut self.0).await);
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn unreachable(server: &PostgresServer, failure: PostgresFailure) -> WriteError {
    let error: ReadError = server.unreachable(failure);
    error.into()
}
