//! A new store with a history in it, as if each change had been recorded at
//! its time: for populations of test data, which are too large to be appended
//! one by one. All of it or nothing.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::Store;
use super::change::Revision;
use super::error::StoreError;
use super::file::{self, file_error};
use super::id::DeclarationIds;
use super::new::NewStore;
use super::row::{self, What};
use super::sqlite::write_error;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Content, Declarer, RecordedBy};
use crate::policy::directory::Directory;

/// How often progress is told.
const CHANGES_PER_TELLING: u64 = 16_384;

/// The next change of a history.
#[derive(Clone, Debug)]
pub struct Filled {
    /// When it was recorded; not before the change before it. Kept to the microsecond.
    pub recorded_at: Instant,
    /// What was recorded.
    pub entry: FillEntry,
}

/// What was recorded.
#[derive(Clone, Debug)]
pub enum FillEntry {
    /// The whole new directory.
    Directory(Directory),
    /// A client declared.
    Declaration {
        /// Who.
        client: ClientId,
        /// What it says.
        content: Content,
        /// When the client said it. Kept to the microsecond.
        given_at: Instant,
        /// Who declares.
        declarer: Declarer,
        /// Who records.
        recorded_by: RecordedBy,
    },
    /// A client withdrew.
    Withdrawal {
        /// Who.
        client: ClientId,
        /// The declaration of this client's that ends: the change with this
        /// place in the history, counted from 1.
        declaration: Revision,
        /// When the client said it. Kept to the microsecond.
        given_at: Instant,
        /// Who withdraws.
        by: Declarer,
        /// Who records.
        recorded_by: RecordedBy,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillProgress {
    /// What is being done.
    pub phase: FillPhase,
    /// How many changes are written.
    pub changes: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillPhase {
    /// Changes are written.
    Writing,
    /// All are written, and the indices are made.
    Indexing,
    /// It is synced to the disk.
    Syncing,
}

/// Whether to go on.
type Tell<'t> = &'t mut dyn FnMut(FillProgress) -> bool;

impl Store {
    /// Makes a new store at a path, with a history in it, in the order in
    /// which it was recorded. Tells its progress, and stops when told `false`;
    /// then, and after any error, there is no store at the path. Returns the
    /// last revision. Blocks.
    pub fn fill(
        path: &Path,
        history: impl IntoIterator<Item = Filled>,
        tell: &mut dyn FnMut(FillProgress) -> bool,
    ) -> Result<Revision, StoreError> {
        fill(path, &mut history.into_iter(), tell)
    }
}

fn fill(
    path: &Path,
    history: &mut dyn Iterator<Item = Filled>,
    tell: Tell<'_>,
) -> Result<Revision, StoreError> {
    let path = file::canonical(path)?;
    let _lock = file::lock(&path)?;
    if path.try_exists().map_err(|source| file_error("find", &path, source))? {
        return Err(StoreError::Exists { path });
    }
    let new = NewStore::begin(&path)?;
    match write(&new.connection, new.ids, &path, history, tell) {
        Ok(last) => new.finish().map(|()| last),
        Err(error) => {
            new.discard();
            Err(error)
        }
    }
}

fn write(
    connection: &Connection,
    ids: DeclarationIds,
    path: &Path,
    history: &mut dyn Iterator<Item = Filled>,
    tell: Tell<'_>,
) -> Result<Revision, StoreError> {
    let error = |source| write_error(path, source);
    connection.execute_batch("BEGIN").map_err(error)?;
    let mut filling = Filling { connection, path, ids, last: Revision(0), recorded_at: Instant::MIN_UTC };
    for filled in history {
        filling.insert(filled)?;
        let changes = filling.last.0;
        if changes.is_multiple_of(CHANGES_PER_TELLING)
            && !tell(FillProgress { phase: FillPhase::Writing, changes })
        {
            return Err(StoreError::FillStopped);
        }
    }
    for phase in [FillPhase::Writing, FillPhase::Indexing, FillPhase::Syncing] {
        if !tell(FillProgress { phase, changes: filling.last.0 }) {
            return Err(StoreError::FillStopped);
        }
    }
    connection.execute_batch("COMMIT").map_err(error)?;
    Ok(filling.last)
}

/// A history being written.
struct Filling<'c> {
    connection: &'c Connection,
    path: &'c Path,
    ids: DeclarationIds,
    last: Revision,
    /// Of the last one.
    recorded_at: Instant,
}

/// The declaration that a withdrawal ends, as it is in its row.
struct Withdrawn {
    kind: String,
    declaration_id: String,
}

impl Filling<'_> {
    fn insert(&mut self, filled: Filled) -> Result<(), StoreError> {
        let Filled { recorded_at, entry } = filled;
        let recorded_at = row::whole_micros(recorded_at);
        let revision = self.last.next();
        if recorded_at < self.recorded_at {
            return Err(StoreError::FillGoesBack { revision });
        }
        match entry {
            FillEntry::Directory(directory) => {
                let body = self.json(&row::Directory::from(&directory))?;
                self.execute(revision, recorded_at, What::Directory.columns(), None, None, &body)?;
            }
            FillEntry::Declaration { client, content, given_at, declarer, recorded_by } => {
                let body = row::Declaration {
                    content: (&content).into(),
                    given_at: row::micros(given_at),
                    declarer: Some((&declarer).into()),
                    recorded_by: Some((&recorded_by).into()),
                    imported: None,
                };
                let body = self.json(&body)?;
                let id = self.ids.write(recorded_at, revision);
                let id = str::from_utf8(&id).ok();
                let columns = What::Declaration(content.kind()).columns();
                self.execute(revision, recorded_at, columns, Some(&client), id, &body)?;
            }
            FillEntry::Withdrawal { client, declaration, given_at, by, recorded_by } => {
                let body = row::Withdrawal {
                    given_at: row::micros(given_at),
                    by: (&by).into(),
                    recorded_by: (&recorded_by).into(),
                };
                let body = self.json(&body)?;
                let Some(Withdrawn { kind, declaration_id }) = self.withdrawn(&client, declaration)? else {
                    return Err(StoreError::FillWithdrawsNothing { revision });
                };
                let columns = ("withdrawal", Some(kind.as_str()));
                self.execute(revision, recorded_at, columns, Some(&client), Some(&declaration_id), &body)?;
            }
        }
        (self.last, self.recorded_at) = (revision, recorded_at);
        Ok(())
    }

    fn withdrawn(&self, client: &ClientId, declaration: Revision) -> Result<Option<Withdrawn>, StoreError> {
        let (root, extension) = row::client_columns(client)?;
        self.connection
            .prepare_cached(
                "SELECT kind, declaration_id FROM change WHERE revision = ?1 AND what = 'declaration'
                     AND client_root = ?2 AND client_extension = ?3",
            )
            .and_then(|mut statement| {
                let row = |row: &rusqlite::Row<'_>| {
                    Ok(Withdrawn { kind: row.get(0)?, declaration_id: row.get(1)? })
                };
                statement.query_row((declaration.0, root, extension), row).optional()
            })
            .map_err(|source| write_error(self.path, source))
    }

    fn execute(
        &self,
        revision: Revision,
        recorded_at: Instant,
        (what, kind): (&str, Option<&str>),
        client: Option<&ClientId>,
        declaration_id: Option<&str>,
        body: &str,
    ) -> Result<(), StoreError> {
        let (root, extension) = client.map(row::client_columns).transpose()?.unzip();
        self.connection
            .prepare_cached(
                "INSERT INTO change
                     (revision, recorded_at, what, kind, client_root, client_extension, declaration_id, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut statement| {
                let recorded_at = row::micros(recorded_at);
                statement.execute((
                    revision.0,
                    recorded_at,
                    what,
                    kind,
                    root,
                    extension,
                    declaration_id,
                    body,
                ))
            })
            .map(|_| ())
            .map_err(|source| write_error(self.path, source))
    }

    fn json(&self, body: &impl Serialize) -> Result<String, StoreError> {
        serde_json::to_string(body)
            .map_err(|source| write_error(self.path, rusqlite::Error::ToSqlConversionFailure(source.into())))
    }
}
