//! A group of jobs in one transaction, each seeing those before it.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{OptionalExtension, Transaction};
use serde::Serialize;

use super::change::{Append, AppendError, Appended, Entry, Revision};
use super::error::StoreError;
use super::id::DeclarationIds;
use super::open::Head;
use super::read::Reader;
use super::row::{self, Unreadable, What};
use super::sqlite;
use super::viewing::Viewing;
use super::writer::Job;
use crate::policy::admit::Admitted;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;
use crate::policy::oid::OpaqueId;
use crate::policy::refusal::Refusal;

/// Answers a job; called once the transaction is committed.
pub(super) type Answer = Box<dyn FnOnce()>;

/// A transaction under way. An error ends it, with all that is in it.
pub(super) struct Group<'w> {
    pub(super) transaction: Transaction<'w>,
    pub(super) path: &'w Path,
    /// As it will be once committed.
    pub(super) head: Head,
    pub(super) clock: fn() -> Instant,
    pub(super) ids: DeclarationIds,
}

/// A row for the table of changes.
struct NewChange<'a> {
    what: What,
    client: Option<(&'a str, &'a str)>,
    declaration_id: Option<&'a str>,
    body: String,
    asked: Option<Asked<'a>>,
}

/// What was asked with an idempotency key, and the answer to it.
struct Asked<'a> {
    key: &'a OpaqueId<'static>,
    digest: &'a [u8; 32],
    admitted: &'a Admitted,
}

impl Group<'_> {
    /// Does a job; its answer waits for the commit. An answer that nobody
    /// waits for any more is dropped: who asked may ask again.
    pub(super) fn run(&mut self, job: Job) -> Result<Answer, StoreError> {
        Ok(match job {
            Job::Append(append, answer) => {
                let appended = self.append(*append)?;
                Box::new(move || drop(answer.send(appended)))
            }
            Job::Directory(directory, answer) => {
                let revision = self.replace_directory(&directory)?;
                Box::new(move || drop(answer.send(Ok(revision))))
            }
            Job::Viewing(viewing, answer) => {
                let logged = self.log_viewing(&viewing)?;
                Box::new(move || drop(answer.send(logged)))
            }
            Job::Import(history, answer) => {
                let imported = self.import(&history)?;
                Box::new(move || drop(answer.send(imported)))
            }
        })
    }

    fn append(&mut self, append: Append) -> Result<Result<Appended, AppendError>, StoreError> {
        let Append { client, idempotency_key, payload_digest, entry, admit } = append;
        if let Some((digest, appended)) = self.answered(&idempotency_key)? {
            let is_same = digest == payload_digest;
            return Ok(if is_same { Ok(appended) } else { Err(AppendError::KeyReused) });
        }
        let (root, extension) = match row::client_columns(&client) {
            Ok(columns) => columns,
            Err(error) => return Ok(Err(AppendError::Store(error.into()))),
        };
        let history = self.reader().history_of(&client, self.head.revision)?;
        let recorded_at = self.now();
        let admitted = match admit(history.declarations(), recorded_at) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(AppendError::Refused(refusal))),
        };
        let (what, declaration_id, body) = match entry {
            Entry::Declaration { content, given_at, declarer, recorded_by } => {
                let body = row::Declaration {
                    content: (&content).into(),
                    given_at: row::micros(given_at.unwrap_or(recorded_at)),
                    declarer: Some((&declarer).into()),
                    recorded_by: Some((&recorded_by).into()),
                    imported: None,
                };
                let id = self.ids.id(recorded_at, self.head.revision.next());
                (What::Declaration(content.kind()), id, self.json(&body)?)
            }
            Entry::Withdrawal { declaration_id, given_at, by, recorded_by } => {
                let withdrawn = history.declarations().iter().find(|one| one.id == declaration_id);
                let Some(withdrawn) = withdrawn else {
                    return Ok(Err(AppendError::Refused(Refusal::DeclarationUnknown)));
                };
                let body = row::Withdrawal {
                    given_at: row::micros(given_at.unwrap_or(recorded_at)),
                    by: (&by).into(),
                    recorded_by: (&recorded_by).into(),
                };
                (What::Withdrawal(withdrawn.content.kind()), declaration_id, self.json(&body)?)
            }
        };
        let change = NewChange {
            what,
            client: Some((root, extension)),
            declaration_id: Some(declaration_id.as_str()),
            body,
            asked: Some(Asked { key: &idempotency_key, digest: &payload_digest, admitted: &admitted }),
        };
        let revision = self.insert(recorded_at, change)?;
        Ok(Ok(Appended { revision, recorded_at, declaration_id, admitted, is_replay: false }))
    }

    /// What was answered to a key, and the digest of what was asked.
    fn answered(&self, key: &OpaqueId<'_>) -> Result<Option<([u8; 32], Appended)>, StoreError> {
        let reader = self.reader();
        let mut statement = reader.prepare(
            "SELECT revision, recorded_at, declaration_id, payload_digest, notices, replaced_id
             FROM change WHERE idempotency_key = ?1",
        )?;
        let columns = statement
            .query_row([key.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })
            .optional()
            .map_err(|source| reader.error(source))?;
        let Some((revision, recorded_at, declaration_id, digest, notices, replaced)) = columns else {
            return Ok(None);
        };
        let (declaration_id, notices): (String, String) = (declaration_id, notices);
        let replaced: Option<String> = replaced;
        let revision = Revision(revision);
        let read = || -> Result<Appended, Unreadable> {
            Ok(Appended {
                revision,
                recorded_at: row::instant(recorded_at)?,
                declaration_id: row::opaque_id(declaration_id.into())?,
                admitted: Admitted {
                    notices: row::notices(&notices)?,
                    replaced: replaced.map(|id| row::opaque_id(id.into())).transpose()?,
                },
                is_replay: true,
            })
        };
        let appended = read().map_err(|Unreadable| reader.unreadable(revision, "answer"))?;
        Ok(Some((digest, appended)))
    }

    fn replace_directory(&mut self, directory: &Directory) -> Result<Revision, StoreError> {
        let body = self.json(&row::Directory::from(directory))?;
        let change =
            NewChange { what: What::Directory, client: None, declaration_id: None, body, asked: None };
        self.insert(self.now(), change)
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
            if !ids.insert(&declaration.id) || self.reader().has_declaration(&declaration.id)? {
                return Ok(Err(StoreError::AlreadyImported { place: place + 1 }));
            }
        }
        for (client, declaration) in history {
            let change = NewChange {
                what: What::Declaration(declaration.content.kind()),
                client: Some((client.root(), client.extension())),
                declaration_id: Some(declaration.id.as_str()),
                body: self.json(&row::Declaration::from(declaration))?,
                asked: None,
            };
            self.insert(self.now(), change)?;
        }
        Ok(Ok(self.head.revision))
    }

    fn log_viewing(&self, viewing: &Viewing) -> Result<Result<(), StoreError>, StoreError> {
        let Viewing { client, viewer, purpose, what } = viewing;
        let (root, extension) = match row::client_columns(client) {
            Ok(columns) => columns,
            Err(error) => return Ok(Err(error)),
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO viewing (at, client_root, client_extension, viewer, purpose, what)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut statement| {
                statement.execute((
                    row::micros(self.now()),
                    root,
                    extension,
                    viewer.as_ref().map(|viewer| json(&row::RecordedBy::from(viewer))).transpose()?,
                    purpose.name(),
                    what.as_str(),
                ))
            })
            .map(|_| Ok(()))
            .map_err(|source| self.error(source))
    }

    fn insert(&mut self, recorded_at: Instant, change: NewChange<'_>) -> Result<Revision, StoreError> {
        let NewChange { what, client, declaration_id, body, asked } = change;
        let revision = self.head.revision.next();
        let (what, kind) = what.columns();
        let insert = || {
            let notices = asked.as_ref().map(|asked| row::notices_text(&asked.admitted.notices)).transpose();
            self.transaction
                .prepare_cached(
                    "INSERT INTO change (revision, recorded_at, what, kind, client_root, client_extension,
                         declaration_id, body, idempotency_key, payload_digest, notices, replaced_id)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                )?
                .execute((
                    revision.0,
                    row::micros(recorded_at),
                    what,
                    kind,
                    client.map(|(root, _)| root),
                    client.map(|(_, extension)| extension),
                    declaration_id,
                    body,
                    asked.as_ref().map(|asked| asked.key.as_str()),
                    asked.as_ref().map(|asked| asked.digest),
                    notices.map_err(json_error)?,
                    asked.as_ref().and_then(|asked| asked.admitted.replaced.as_ref()).map(OpaqueId::as_str),
                ))
        };
        insert().map_err(|source| self.error(source))?;
        self.head = Head { revision, recorded_at };
        Ok(revision)
    }

    /// The time at which something is recorded: never before what was recorded last.
    fn now(&self) -> Instant {
        row::whole_micros((self.clock)()).max(self.head.recorded_at)
    }

    fn reader(&self) -> Reader<'_> {
        Reader { connection: &self.transaction, path: self.path }
    }

    fn json(&self, body: &impl Serialize) -> Result<String, StoreError> {
        json(body).map_err(|source| self.error(source))
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        sqlite::write_error(self.path, source)
    }
}

fn json(body: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(body).map_err(json_error)
}

fn json_error(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}
