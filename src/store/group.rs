//! A group of jobs in one transaction, each seeing those before it. Neither of
//! the two databases is named here: what has to be known is looked up before,
//! and what is to be written is written after.
//!
//! ```text
//!  begin ─▶ Wanted::of(jobs) ─ look up ─▶ Found ─▶ Group: run each job ─▶ Written ─ insert ─▶ commit ─▶ answer
//! ```

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use super::change::{Append, AppendError, Appended, Entry, Epoch, Head, Point, Replaced, Revision};
use super::columns::Columns;
use super::error::StoreError;
use super::history::ClientHistory;
use super::id::DeclarationIds;
use super::job::Job;
use super::row::{self, Unreadable, What};
use super::viewing::Viewing;
use crate::policy::admit::Admitted;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;
use crate::policy::oid::OpaqueId;
use crate::policy::refusal::Refusal;

/// What jobs have to know of the store.
#[derive(Default)]
pub(super) struct Wanted<'j> {
    /// What was answered to these keys?
    pub(super) keys: HashSet<&'j OpaqueId<'static>>,
    /// What have these clients declared?
    pub(super) clients: HashSet<&'j ClientId>,
    /// Of which of these ids are there declarations?
    pub(super) ids: HashSet<&'j OpaqueId<'static>>,
}

/// What was found.
///
/// INVARIANT (wanted-clients): there is a history, if an empty one, of every client wanted.
#[derive(Default)]
pub(super) struct Found {
    pub(super) answered: HashMap<OpaqueId<'static>, Answered>,
    pub(super) histories: HashMap<ClientId, ClientHistory>,
    pub(super) taken: HashSet<OpaqueId<'static>>,
}

/// What was answered to a key.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    /// SHA-256 of what was asked.
    digest: [u8; 32],
    revision: Revision,
    recorded_at: Instant,
    declaration_id: OpaqueId<'static>,
    admitted: Admitted,
}

/// The columns that tell what was answered to a key.
pub(super) struct AnsweredColumns {
    pub(super) revision: Revision,
    pub(super) recorded_at: i64,
    pub(super) declaration_id: String,
    pub(super) digest: [u8; 32],
    pub(super) notices: String,
    pub(super) replaced_id: Option<String>,
}

/// The group under way. An error ends it, with all that is in it.
pub(super) struct Group {
    found: Found,
    before: Before,
    clock: fn() -> Instant,
    ids: DeclarationIds,
    written: Written,
}

/// What there is when a group begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) epoch: Epoch,
    pub(super) head: Head,
    /// The longest of all who share the store.
    pub(super) max_staleness: Duration,
}

/// What is to be written.
pub(super) struct Written {
    pub(super) changes: Vec<NewChange>,
    pub(super) viewings: Vec<NewViewing>,
    /// As it will be once committed.
    pub(super) head: Head,
}

/// A row for the table of changes.
pub(super) struct NewChange {
    pub(super) revision: Revision,
    pub(super) recorded_at: Instant,
    pub(super) what: What,
    pub(super) client: Option<ClientId>,
    pub(super) declaration_id: Option<OpaqueId<'static>>,
    pub(super) body: String,
    pub(super) asked: Option<Asked>,
}

/// What was asked with an idempotency key, and the answer to it.
pub(super) struct Asked {
    pub(super) key: OpaqueId<'static>,
    pub(super) digest: [u8; 32],
    pub(super) notices: String,
    pub(super) replaced_id: Option<OpaqueId<'static>>,
}

/// A row for the table of viewings.
pub(super) struct NewViewing {
    pub(super) at: Instant,
    pub(super) client: ClientId,
    pub(super) viewer: Option<String>,
    pub(super) purpose: &'static str,
    pub(super) what: &'static str,
}

impl<'j> Wanted<'j> {
    /// What these jobs have to know.
    pub(super) fn of(jobs: &'j [Job]) -> Self {
        let mut wanted = Self::default();
        for job in jobs {
            match job {
                Job::Append(pending) => {
                    wanted.keys.insert(&pending.what.idempotency_key);
                    wanted.clients.insert(&pending.what.client);
                }
                Job::Import(pending) => {
                    wanted.ids.extend(pending.what.iter().map(|(_, declaration)| &declaration.id));
                }
                Job::Directory(_) | Job::Viewing(_) => {}
            }
        }
        wanted
    }
}

impl Found {
    /// Nothing yet of what is wanted.
    pub(super) fn none_of(wanted: &Wanted<'_>) -> Self {
        let histories = wanted.clients.iter().map(|client| ((*client).clone(), ClientHistory::default()));
        Self { histories: histories.collect(), ..Self::default() }
    }
}

impl Answered {
    /// What the columns say, unless they cannot be read.
    pub(super) fn of(columns: AnsweredColumns) -> Result<Self, Unreadable> {
        let AnsweredColumns { revision, recorded_at, declaration_id, digest, notices, replaced_id } = columns;
        Ok(Self {
            digest,
            revision,
            recorded_at: row::instant(recorded_at)?,
            declaration_id: row::opaque_id(declaration_id.into())?,
            admitted: Admitted {
                notices: row::notices(&notices)?,
                replaced: replaced_id.map(|id| row::opaque_id(id.into())).transpose()?,
            },
        })
    }
}

impl Group {
    /// A group on what was found, after the last change.
    pub(super) fn new(found: Found, before: Before, clock: fn() -> Instant, ids: DeclarationIds) -> Self {
        let written = Written { changes: Vec::new(), viewings: Vec::new(), head: before.head };
        Self { found, before, clock, ids, written }
    }

    /// Runs jobs; their answers wait for the commit.
    pub(super) fn run(mut self, jobs: &mut [Job]) -> Result<Written, StoreError> {
        for job in jobs {
            match job {
                Job::Append(pending) => pending.outcome = Some(self.append(&pending.what)?),
                Job::Directory(pending) => pending.outcome = Some(Ok(self.replace_directory(&pending.what)?)),
                Job::Viewing(pending) => pending.outcome = Some(self.log_viewing(&pending.what)?),
                Job::Import(pending) => pending.outcome = Some(self.import(&pending.what)?),
            }
        }
        Ok(self.written)
    }

    fn append(&mut self, append: &Append) -> Result<Result<Appended, AppendError>, StoreError> {
        let Append { client, idempotency_key, payload_digest, entry, admit } = append;
        if let Some(answered) = self.found.answered.get(idempotency_key) {
            let is_same = answered.digest == *payload_digest;
            let again = || Ok(self.appended(answered.clone(), true));
            return Ok(if is_same { again() } else { Err(AppendError::KeyReused) });
        }
        if let Err(error) = row::client_columns(client) {
            return Ok(Err(AppendError::Store(error.into())));
        }
        let recorded_at = self.now();
        let history = self.found.histories.entry(client.clone()).or_default();
        let admitted = match admit(history.declarations(), recorded_at) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(AppendError::Refused(refusal))),
        };
        // A recorder's clock may be a little ahead of this one.
        let given = |given_at: Option<Instant>| given_at.unwrap_or(recorded_at).min(recorded_at);
        let (what, declaration_id, body) = match entry {
            Entry::Declaration { content, given_at, declarer, recorded_by, label } => {
                let body = row::Declaration {
                    content: content.into(),
                    given_at: row::micros(given(*given_at)),
                    declarer: Some(declarer.into()),
                    recorded_by: Some(recorded_by.into()),
                    imported: None,
                    label: label.as_ref().map(|label| label.as_str().into()),
                };
                let id = self.ids.id(recorded_at, self.written.head.revision.next());
                (What::Declaration(content.kind()), id, json(&body)?)
            }
            Entry::Withdrawal { declaration_id, given_at, by, recorded_by } => {
                let withdrawn = history.declarations().iter().find(|one| one.id == *declaration_id);
                let Some(withdrawn) = withdrawn else {
                    return Ok(Err(AppendError::Refused(Refusal::DeclarationUnknown)));
                };
                let body = row::Withdrawal {
                    given_at: row::micros(given(*given_at)),
                    by: by.into(),
                    recorded_by: recorded_by.into(),
                };
                (What::Withdrawal(withdrawn.content.kind()), declaration_id.clone(), json(&body)?)
            }
        };
        let asked = Asked {
            key: idempotency_key.clone(),
            digest: *payload_digest,
            notices: row::notices_text(&admitted.notices).map_err(StoreError::Encode)?,
            replaced_id: admitted.replaced.clone(),
        };
        let of = (Some(client.clone()), Some(declaration_id.clone()));
        let revision = self.push(recorded_at, what, of, body, Some(asked))?;
        let digest = *payload_digest;
        let answered = Answered { digest, revision, recorded_at, declaration_id, admitted };
        self.found.answered.insert(idempotency_key.clone(), answered.clone());
        Ok(Ok(self.appended(answered, false)))
    }

    fn appended(&self, answered: Answered, is_replay: bool) -> Appended {
        let Answered { digest: _, revision, recorded_at, declaration_id, admitted } = answered;
        let Before { epoch, head: _, max_staleness } = self.before;
        Appended { epoch, revision, recorded_at, declaration_id, admitted, is_replay, max_staleness }
    }

    fn replace_directory(&mut self, directory: &Directory) -> Result<Replaced, StoreError> {
        let body = json(&row::Directory::from(directory))?;
        let revision = self.push(self.now(), What::Directory, (None, None), body, None)?;
        let Before { epoch, head: _, max_staleness } = self.before;
        Ok(Replaced { point: Point { epoch, revision }, max_staleness })
    }

    /// Stores imported history, or, if an id of it is taken, nothing.
    fn import(
        &mut self,
        history: &[(ClientId, Declaration)],
    ) -> Result<Result<Revision, StoreError>, StoreError> {
        let mut ids = HashSet::with_capacity(history.len());
        for (place, (client, declaration)) in history.iter().enumerate() {
            if let Err(error) = row::client_columns(client) {
                return Ok(Err(error));
            }
            if !ids.insert(&declaration.id) || self.found.taken.contains(&declaration.id) {
                return Ok(Err(StoreError::AlreadyImported { place: place + 1 }));
            }
        }
        for (client, declaration) in history {
            let what = What::Declaration(declaration.content.kind());
            let of = (Some(client.clone()), Some(declaration.id.clone()));
            let body = json(&row::Declaration::from(declaration))?;
            self.push(self.now(), what, of, body, None)?;
        }
        Ok(Ok(self.written.head.revision))
    }

    fn log_viewing(&mut self, viewing: &Viewing) -> Result<Result<(), StoreError>, StoreError> {
        let Viewing { client, viewer, purpose, what } = viewing;
        if let Err(error) = row::client_columns(client) {
            return Ok(Err(error));
        }
        self.written.viewings.push(NewViewing {
            at: self.now(),
            client: client.clone(),
            viewer: viewer.as_ref().map(|viewer| json(&row::RecordedBy::from(viewer))).transpose()?,
            purpose: purpose.name(),
            what: what.as_str(),
        });
        Ok(Ok(()))
    }

    /// Adds a change after the last one.
    fn push(
        &mut self,
        recorded_at: Instant,
        what: What,
        (client, declaration_id): (Option<ClientId>, Option<OpaqueId<'static>>),
        body: String,
        asked: Option<Asked>,
    ) -> Result<Revision, StoreError> {
        let revision = self.written.head.revision.next();
        let change = NewChange { revision, recorded_at, what, client, declaration_id, body, asked };
        // Whoever comes later in the group sees it as whoever reads it will.
        if let Some(history) = change.client.as_ref().and_then(|client| self.found.histories.get_mut(client))
        {
            history.apply(change.columns().change().map_err(|_| StoreError::Miswritten)?);
        }
        if let (What::Declaration(_), Some(id)) = (what, &change.declaration_id) {
            self.found.taken.insert(id.clone());
        }
        self.written.changes.push(change);
        self.written.head = Head { revision, recorded_at };
        Ok(revision)
    }

    /// The time at which something is recorded: never before what was recorded last.
    fn now(&self) -> Instant {
        row::whole_micros((self.clock)()).max(self.written.head.recorded_at)
    }
}

impl NewChange {
    /// As they will be read.
    fn columns(&self) -> Columns<'_> {
        let (what, kind) = self.what.columns();
        Columns {
            revision: self.revision,
            recorded_at: row::micros(self.recorded_at),
            what,
            kind,
            client: self.client.as_ref().map(|client| (client.root(), client.extension())),
            declaration_id: self.declaration_id.as_ref().map(OpaqueId::as_str),
            body: self.body.as_bytes(),
        }
    }
}

fn json(body: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(body).map_err(StoreError::Encode)
}
