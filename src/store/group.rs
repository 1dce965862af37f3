//! Group commit: a batch of jobs in one transaction. Each job sees the jobs before it. Neither backend
//! is named here: the rows that a batch must read are read before it, and the rows that it
//! writes are inserted after it.
//!
//! ```text
//!  BatchInputs::of(jobs) ─ read ─▶ BatchRows ─▶ GroupCommit::run(jobs) ─▶ BatchWrites ─ insert, commit ─▶ reply
//! ```

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::change::{Append, Appended, DirectoryReplacement, Entry, Head, Point, Replaced, Revision};
use super::checkpoint_record::CheckpointRecord;
use super::error::{AppendError, WriteError};
use super::history::Histories;
use super::id::DeclarationIds;
use super::job::Job;
use super::lineage::Lineage;
use super::row::{self, ChangeKind, Unreadable};
use super::table::{ChangeRow, ViewingRow};
use super::viewing::{EqualViewings, Viewing};
use crate::policy::admit::{Admitted, PersonRecords, Submission, WithdrawalSubmission};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::link::{LinkSubmission, UnlinkSubmission};
use crate::policy::oid::OpaqueId;
use crate::policy::refusal::Refusal;

/// Keys of the existing rows that a batch must read.
#[derive(Default)]
pub(super) struct BatchInputs<'j> {
    /// Idempotency keys whose recorded answers are needed.
    pub(super) keys: HashSet<&'j OpaqueId<'static>>,
    /// Clients whose declarations are needed.
    pub(super) clients: HashSet<&'j ClientId>,
    /// The revision after which directories are looked for; none if no job depends on the directory.
    pub(super) directory_after: Option<Revision>,
}

/// The existing rows that a batch reads.
///
/// INVARIANT (wanted-clients): `histories` has an entry, possibly empty, for every client of the inputs and
/// for every code that links lead to from them.
#[derive(Default)]
pub(super) struct BatchRows {
    pub(super) answers: HashMap<OpaqueId<'static>, RecordedAnswer>,
    pub(super) histories: Histories,
    /// The revision of the newest directory after `directory_after`, if there is one.
    pub(super) newest_directory: Option<Revision>,
}

/// The answer that was recorded with an idempotency key.
#[derive(Clone, Debug)]
pub(super) struct RecordedAnswer {
    /// SHA-256 of the request.
    digest: [u8; 32],
    revision: Revision,
    recorded_at: Instant,
    id: OpaqueId<'static>,
    admitted: Admitted,
}

/// The columns of a recorded answer.
pub(super) struct AnswerColumns {
    pub(super) revision: Revision,
    pub(super) recorded_at: i64,
    pub(super) declaration_id: String,
    pub(super) digest: [u8; 32],
    pub(super) notices: String,
    pub(super) replaced_id: Option<String>,
}

/// A batch that is being run. An error fails all of it.
pub(super) struct GroupCommit {
    rows: BatchRows,
    before: HeadBefore,
    /// When the batch is recorded, unless a change before it was recorded later.
    now: Instant,
    ids: DeclarationIds,
    writes: BatchWrites,
}

/// Head of the store before the batch.
#[derive(Clone, Debug)]
pub(super) struct HeadBefore {
    pub(super) lineage: Arc<Lineage>,
    pub(super) head: Head,
    /// The largest staleness bound of all processes that share the store.
    pub(super) max_staleness: Duration,
}

/// Rows that the batch inserts.
pub(super) struct BatchWrites {
    pub(super) changes: Vec<ChangeRow<'static>>,
    pub(super) viewings: Vec<ViewingRow<'static>>,
    pub(super) checkpoints: Vec<CheckpointRecord>,
    /// The head after the commit.
    pub(super) head: Head,
}

/// An idempotency key, and the request and answer that are recorded with it.
struct IdempotencyRecord {
    key: OpaqueId<'static>,
    digest: [u8; 32],
    notices: String,
    replaced_id: Option<OpaqueId<'static>>,
}

/// What an entry writes: the same for each client.
struct NewChange {
    what: ChangeKind,
    /// Of the declaration or link, or of the one withdrawn or ended.
    id: OpaqueId<'static>,
    body: String,
    clients: Vec<ClientId>,
}

impl<'j> BatchInputs<'j> {
    /// The inputs of these jobs.
    pub(super) fn of(jobs: &'j [Job]) -> Self {
        let mut inputs = Self::default();
        for job in jobs {
            match job {
                Job::Append(pending) => {
                    inputs.keys.insert(&pending.request.idempotency_key);
                    inputs.clients.extend(pending.request.entry.clients());
                }
                Job::Directory(pending) => {
                    if let Some(unchanged_since) = pending.request.unchanged_since {
                        let after = inputs.directory_after.unwrap_or(unchanged_since.revision);
                        inputs.directory_after = Some(after.min(unchanged_since.revision));
                    }
                }
                Job::Viewing(_) | Job::Checkpoint(_) | Job::Import(_) => {}
            }
        }
        inputs
    }
}

impl BatchRows {
    /// No answers, and an empty history for each client.
    pub(super) fn empty(inputs: &BatchInputs<'_>) -> Self {
        Self { histories: Histories::of(inputs.clients.iter().copied()), ..Self::default() }
    }
}

impl RecordedAnswer {
    /// Decodes the columns.
    pub(super) fn of(columns: AnswerColumns) -> Result<Self, Unreadable> {
        let AnswerColumns { revision, recorded_at, declaration_id, digest, notices, replaced_id } = columns;
        Ok(Self {
            digest,
            revision,
            recorded_at: row::instant(recorded_at)?,
            id: row::opaque_id(declaration_id.into())?,
            admitted: Admitted {
                notices: row::notices(&notices)?,
                replaced: replaced_id.map(|id| row::opaque_id(id.into())).transpose()?,
            },
        })
    }
}

impl GroupCommit {
    pub(super) fn new(rows: BatchRows, before: HeadBefore, now: Instant, ids: DeclarationIds) -> Self {
        let (changes, viewings, checkpoints) = (Vec::new(), Vec::new(), Vec::new());
        let writes = BatchWrites { changes, viewings, checkpoints, head: before.head };
        Self { rows, before, now, ids, writes }
    }

    /// Runs the jobs. Each job keeps its outcome until the caller has committed the writes.
    pub(super) fn run(mut self, jobs: &mut [Job]) -> Result<BatchWrites, WriteError> {
        for job in jobs {
            match job {
                Job::Append(pending) => pending.outcome = Some(self.append(&pending.request)?),
                Job::Directory(pending) => {
                    pending.outcome = Some(self.replace_directory(&pending.request)?);
                }
                Job::Viewing(pending) => pending.outcome = Some(self.log_viewing(&pending.request)?),
                Job::Checkpoint(pending) => {
                    self.writes.checkpoints.push(pending.request);
                    pending.outcome = Some(Ok(()));
                }
                // It has a transaction of its own.
                Job::Import(_) => {}
            }
        }
        Ok(self.writes)
    }

    fn append(&mut self, append: &Append) -> Result<Result<Appended, AppendError>, WriteError> {
        let Append { idempotency_key, payload_digest, entry, admit } = append;
        if let Some(answer) = self.rows.answers.get(idempotency_key) {
            let is_same = answer.digest == *payload_digest;
            let replay = || Ok(self.appended(answer.clone(), true));
            return Ok(if is_same { replay() } else { Err(AppendError::KeyReused) });
        }
        for client in entry.clients() {
            if let Err(error) = row::client_columns(client) {
                return Ok(Err(AppendError::Store(error.into())));
            }
        }
        let recorded_at = self.now();
        let records = match entry {
            Entry::Declaration(Submission { client, .. })
            | Entry::Withdrawal(WithdrawalSubmission { client, .. })
            | Entry::Unlink(UnlinkSubmission { client, .. }) => self.rows.histories.records_of(client),
            Entry::Link(LinkSubmission { linked, .. }) => {
                self.rows.histories.records_of_all(&linked.codes, &linked.current)
            }
        };
        let person = records.borrowed();
        let admitted = match admit(entry, person, recorded_at) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(AppendError::Refused(refusal))),
        };
        let NewChange { what, id, body, clients } = match self.new_change(entry, person, recorded_at)? {
            Ok(change) => change,
            Err(refusal) => return Ok(Err(AppendError::Refused(refusal))),
        };
        let mut record = Some(IdempotencyRecord {
            key: idempotency_key.clone(),
            digest: *payload_digest,
            notices: row::notices_text(&admitted.notices).map_err(WriteError::Encode)?,
            replaced_id: admitted.replaced.clone(),
        });
        let mut revision = self.writes.head.revision;
        for (place, client) in clients.iter().enumerate() {
            // The answer is recorded with the last of them: from its revision on all are in force.
            let record = if place + 1 == clients.len() { record.take() } else { None };
            revision = self.push(recorded_at, what, (Some(client), Some(&id)), body.clone(), record)?;
        }
        let answer = RecordedAnswer { digest: *payload_digest, revision, recorded_at, id, admitted };
        self.rows.answers.insert(idempotency_key.clone(), answer.clone());
        Ok(Ok(self.appended(answer, false)))
    }

    /// The rows of an admitted entry.
    fn new_change(
        &self,
        entry: &Entry,
        person: PersonRecords<'_>,
        recorded_at: Instant,
    ) -> Result<Result<NewChange, Refusal>, WriteError> {
        // The clock of the system that records may be slightly ahead of this one.
        let given = |given_at: Option<Instant>| given_at.unwrap_or(recorded_at).min(recorded_at);
        let new_id = || self.ids.id(recorded_at, self.writes.head.revision.next());
        Ok(Ok(match entry {
            Entry::Declaration(submission) => {
                let Submission { client, content, given_at, declarer, recorded_by, label } = submission;
                let body = row::Declaration {
                    content: content.into(),
                    given_at: row::micros(given(*given_at)),
                    declarer: Some(declarer.into()),
                    recorded_by: Some(recorded_by.into()),
                    imported: None,
                    label: label.as_ref().map(|label| label.as_str().into()),
                };
                let what = ChangeKind::Declaration(content.kind());
                NewChange { what, id: new_id(), body: json(&body)?, clients: vec![client.clone()] }
            }
            Entry::Withdrawal(submission) => {
                let WithdrawalSubmission { client, declaration, given_at, declarer, recorded_by } =
                    submission;
                let withdrawn = person.declarations.iter().find(|one| one.id == *declaration);
                let Some(withdrawn) = withdrawn else { return Ok(Err(Refusal::DeclarationUnknown)) };
                let body = row::Withdrawal {
                    given_at: row::micros(given(*given_at)),
                    by: Some(declarer.into()),
                    recorded_by: Some(recorded_by.into()),
                    imported_recorded_at: None,
                };
                let what = ChangeKind::Withdrawal(withdrawn.content.kind());
                NewChange { what, id: declaration.clone(), body: json(&body)?, clients: vec![client.clone()] }
            }
            Entry::Link(submission) => {
                let LinkSubmission { linked, reason: _, given_at, recorded_by: _ } = submission;
                let body = json(&row::Link::recorded(submission, given(*given_at)))?;
                NewChange { what: ChangeKind::Link, id: new_id(), body, clients: linked.codes.to_vec() }
            }
            Entry::Unlink(submission) => {
                let UnlinkSubmission { client: _, link, given_at, recorded_by } = submission;
                let ended = person.links.iter().find(|recorded| recorded.link.id == *link);
                let Some(ended) = ended else { return Ok(Err(Refusal::LinkUnknown)) };
                let body = json(&row::LinkEnd::recorded(recorded_by, given(*given_at)))?;
                let clients = ended.link.linked.codes.to_vec();
                NewChange { what: ChangeKind::LinkEnd, id: link.clone(), body, clients }
            }
        }))
    }

    fn appended(&self, answer: RecordedAnswer, is_replay: bool) -> Appended {
        let RecordedAnswer { digest: _, revision, recorded_at, id, admitted } = answer;
        let HeadBefore { lineage, head: _, max_staleness } = &self.before;
        let (epoch, max_staleness) = (lineage.epoch(), *max_staleness);
        Appended { epoch, revision, recorded_at, id, admitted, is_replay, max_staleness }
    }

    fn replace_directory(
        &mut self,
        request: &DirectoryReplacement,
    ) -> Result<Result<Replaced, WriteError>, WriteError> {
        let DirectoryReplacement { directory, unchanged_since } = request;
        let HeadBefore { lineage, head: _, max_staleness } = &self.before;
        let (epoch, max_staleness) = (lineage.epoch(), *max_staleness);
        let is_changed = unchanged_since.is_some_and(|point| {
            !lineage.contains(point)
                || self.rows.newest_directory.is_some_and(|newest| newest > point.revision)
        });
        if is_changed {
            return Ok(Err(WriteError::DirectoryChanged));
        }
        let body = json(&row::Directory::from(directory))?;
        let revision = self.push(self.now(), ChangeKind::Directory, (None, None), body, None)?;
        self.rows.newest_directory = Some(revision);
        Ok(Ok(Replaced { point: Point { epoch, revision }, max_staleness }))
    }

    fn log_viewing(&mut self, viewings: &EqualViewings) -> Result<Result<(), WriteError>, WriteError> {
        let EqualViewings { viewing: Viewing { client, viewer, purpose, what }, times } = viewings;
        if let Err(error) = row::client_columns(client) {
            return Ok(Err(error));
        }
        let viewer = viewer.as_ref().map(|viewer| json(&row::RecordedBy::from(viewer))).transpose()?;
        self.writes.viewings.push(ViewingRow {
            number: 0,
            at: row::micros(self.now()),
            client_root: owned(client.root()),
            client_extension: owned(client.extension()),
            viewer: viewer.map(Cow::Owned),
            purpose: purpose.name().into(),
            what: what.as_str().into(),
            times: times.get().into(),
        });
        Ok(Ok(()))
    }

    /// Adds a change after the last one.
    fn push(
        &mut self,
        recorded_at: Instant,
        what: ChangeKind,
        (client, declaration_id): (Option<&ClientId>, Option<&OpaqueId<'static>>),
        body: String,
        record: Option<IdempotencyRecord>,
    ) -> Result<Revision, WriteError> {
        let revision = self.writes.head.revision.next();
        let (what_text, kind_text) = what.columns();
        let (key, digest, notices, replaced_id) = match record {
            Some(IdempotencyRecord { key, digest, notices, replaced_id }) => {
                (Some(key), Some(digest), Some(notices), replaced_id)
            }
            None => (None, None, None, None),
        };
        let change = ChangeRow {
            revision: revision.0.cast_signed(),
            recorded_at: row::micros(recorded_at),
            what: what_text.into(),
            kind: kind_text.map(Cow::Borrowed),
            client_root: client.map(|client| owned(client.root())),
            client_extension: client.map(|client| owned(client.extension())),
            declaration_id: declaration_id.map(|id| owned(id.as_str())),
            body: Cow::Owned(body),
            idempotency_key: key.map(|key| owned(key.as_str())),
            payload_digest: digest.map(|digest| Cow::Owned(digest.to_vec())),
            notices: notices.map(Cow::Owned),
            replaced_id: replaced_id.map(|id| owned(id.as_str())),
        };
        // Later jobs of the batch see the change as it will be read from the table.
        if let Some(client) = client {
            let decoded = change.stored().decode().map_err(|_| WriteError::Miswritten)?;
            self.rows.histories.apply(client, decoded);
        }
        self.writes.changes.push(change);
        self.writes.head = Head { revision, recorded_at };
        Ok(revision)
    }

    /// The time at which a change is recorded: never before the change before it.
    fn now(&self) -> Instant {
        row::whole_micros(self.now).max(self.writes.head.recorded_at)
    }
}

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

fn json(body: &impl Serialize) -> Result<String, WriteError> {
    serde_json::to_string(body).map_err(WriteError::Encode)
}
