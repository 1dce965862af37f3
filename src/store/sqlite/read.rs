//! Committed changes, read from rows.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::connection;
use crate::policy::client_id::ClientId;
use crate::policy::oid::OpaqueId;
use crate::store::change::{Change, ChangedClient, IndexChange, Revision};
use crate::store::columns::{Columns, columns};
use crate::store::error::StoreError;
use crate::store::group::{Answered, AnsweredColumns, Found, Wanted};
use crate::store::history::ClientHistory;
use crate::store::id::DeclarationIds;
use crate::store::raw::{RawChange, RawViewing, change_columns, viewing_columns};
use crate::store::row::{self, Unreadable};

/// How many changes are loaded in one transaction.
const CHANGES_PER_TRANSACTION: u64 = 65_536;

/// Reads the store through one connection.
pub(in crate::store) struct Reader<'c> {
    pub(super) connection: &'c Connection,
    pub(super) path: &'c Path,
}

impl<'c> Reader<'c> {
    /// What decides of the changes after one revision up to another, in order,
    /// until `each` has had enough. Tells the last revision read; an error if any is missing.
    pub(super) fn load_range(
        &self,
        after: Revision,
        until: Revision,
        ids: DeclarationIds,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, StoreError> {
        let mut statement = self.prepare(concat!(
            "SELECT ",
            columns!(),
            " FROM change WHERE revision > ?1 AND revision <= ?2 ORDER BY revision"
        ))?;
        let mut last = after;
        while last < until {
            // Begun anew now and then: a read that goes on keeps the log from being cut back.
            let end = until.min(Revision(last.0 + CHANGES_PER_TRANSACTION));
            let mut rows = statement.query((last.0, end.0)).map_err(|source| self.error(source))?;
            while let Some(row) = rows.next().map_err(|source| self.error(source))? {
                let columns = self.next_columns(row, last)?;
                last = columns.revision;
                let loaded = columns.loaded(ids).map_err(|part| self.unreadable(last, part))?;
                if !each(loaded) {
                    return Ok(last);
                }
            }
            if last != end {
                return Err(self.hole(last));
            }
        }
        Ok(last)
    }

    /// The changes after a revision, in order, at most so many.
    pub(in crate::store) fn changes_since(
        &self,
        revision: Revision,
        most: usize,
    ) -> Result<Vec<Change>, StoreError> {
        self.since(revision, most, |columns| columns.change())
    }

    /// What decides of them.
    pub(in crate::store) fn loaded_since(
        &self,
        revision: Revision,
        most: usize,
        ids: DeclarationIds,
    ) -> Result<Vec<IndexChange>, StoreError> {
        self.since(revision, most, |columns| columns.loaded(ids))
    }

    fn since<T>(
        &self,
        revision: Revision,
        most: usize,
        read: impl Fn(Columns<'_>) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, StoreError> {
        // One transaction, so that both statements see one store.
        let transaction = self.connection.unchecked_transaction().map_err(|source| self.error(source))?;
        self.reaches(revision)?;
        let mut statement = self.prepare(concat!(
            "SELECT ",
            columns!(),
            " FROM change WHERE revision > ?1 ORDER BY revision LIMIT ?2"
        ))?;
        let mut rows = statement.query((revision.0, most)).map_err(|source| self.error(source))?;
        let mut changes = Vec::new();
        let mut last = revision;
        while let Some(row) = rows.next().map_err(|source| self.error(source))? {
            let columns = self.next_columns(row, last)?;
            last = columns.revision;
            changes.push(read(columns).map_err(|part| self.unreadable(last, part))?);
        }
        drop(rows);
        drop(statement);
        transaction.finish().map_err(|source| self.error(source))?;
        Ok(changes)
    }

    /// Whom changes concern.
    pub(super) fn clients_changed(
        &self,
        after: Revision,
        until: Revision,
        most: usize,
    ) -> Result<Vec<ChangedClient>, StoreError> {
        let mut statement = self.prepare(
            "SELECT revision, client_root, client_extension FROM change
             WHERE revision > ?1 AND revision <= ?2 ORDER BY revision LIMIT ?3",
        )?;
        let mut rows = statement.query((after.0, until.0, most)).map_err(|source| self.error(source))?;
        let mut clients_changed = Vec::new();
        while let Some(row) = rows.next().map_err(|source| self.error(source))? {
            let read = || -> rusqlite::Result<_> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
            let (revision, root, extension): (u64, Option<String>, Option<String>) =
                read().map_err(|source| self.error(source))?;
            let revision = Revision(revision);
            let client = root.zip(extension).map(|(root, extension)| row::client(&root, &extension));
            let client = client.transpose().map_err(|Unreadable| self.unreadable(revision, "client"))?;
            clients_changed.push(ChangedClient { revision, client });
        }
        Ok(clients_changed)
    }

    /// The last committed revision, which by INVARIANT (dense) is also how many there are.
    pub(in crate::store) fn last(&self) -> Result<Revision, StoreError> {
        self.prepare("SELECT coalesce(max(revision), 0) FROM change")?
            .query_row((), |row| row.get(0))
            .map(Revision)
            .map_err(|source| self.error(source))
    }

    /// Rows of changes after a revision, in order, at most so many.
    pub(super) fn raw_changes(&self, after: Revision, most: usize) -> Result<Vec<RawChange>, StoreError> {
        let sql = concat!(
            "SELECT ",
            change_columns!(),
            " FROM change WHERE revision > ?1 ORDER BY revision LIMIT ?2"
        );
        self.rows((after.0, most), sql, |row| {
            Ok(RawChange {
                revision: row.get(0)?,
                recorded_at: row.get(1)?,
                what: row.get(2)?,
                kind: row.get(3)?,
                client_root: row.get(4)?,
                client_extension: row.get(5)?,
                declaration_id: row.get(6)?,
                body: row.get(7)?,
                idempotency_key: row.get(8)?,
                payload_digest: row.get(9)?,
                notices: row.get(10)?,
                replaced_id: row.get(11)?,
            })
        })
    }

    /// Rows of viewings after a number, in order, at most so many.
    pub(super) fn raw_viewings(&self, after: i64, most: usize) -> Result<Vec<RawViewing>, StoreError> {
        let sql = concat!(
            "SELECT ",
            viewing_columns!(),
            " FROM viewing WHERE number > ?1 ORDER BY number LIMIT ?2"
        );
        self.rows((after, most), sql, |row| {
            Ok(RawViewing {
                number: row.get(0)?,
                at: row.get(1)?,
                client_root: row.get(2)?,
                client_extension: row.get(3)?,
                viewer: row.get(4)?,
                purpose: row.get(5)?,
                what: row.get(6)?,
            })
        })
    }

    fn rows<T>(
        &self,
        parameters: impl Params,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map(parameters, read).map_err(|source| self.error(source))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|source| self.error(source))
    }

    /// How many viewings are logged.
    pub(super) fn count_viewings(&self) -> Result<u64, StoreError> {
        let count = self.prepare("SELECT count(*) FROM viewing")?.query_row((), |row| row.get(0));
        count.map_err(|source| self.error(source))
    }

    /// Whether SQLite finds a fault in the file.
    pub(super) fn check_structure(&self) -> Result<(), StoreError> {
        let finding: String = self
            .prepare("PRAGMA integrity_check(1)")?
            .query_row((), |row| row.get(0))
            .map_err(|source| self.error(source))?;
        if finding == "ok" { Ok(()) } else { Err(connection::damaged(self.path, finding)) }
    }

    /// An error if the store ends before a revision.
    pub(super) fn reaches(&self, revision: Revision) -> Result<(), StoreError> {
        let last = self.last()?;
        if last < revision {
            return Err(StoreError::WentBack { store: self.path.into(), last, known: revision });
        }
        Ok(())
    }

    /// A client's declarations as they were at a revision.
    pub(super) fn history_of(&self, client: &ClientId, until: Revision) -> Result<ClientHistory, StoreError> {
        let mut history = ClientHistory::default();
        // Nothing is stored of a client that cannot be.
        let Ok((root, extension)) = row::client_columns(client) else { return Ok(history) };
        let mut statement = self.prepare(concat!(
            "SELECT ",
            columns!(),
            " FROM change WHERE client_extension = ?1 AND client_root = ?2 AND revision <= ?3 ORDER BY revision"
        ))?;
        let mut rows = statement.query((extension, root, until.0)).map_err(|source| self.error(source))?;
        while let Some(row) = rows.next().map_err(|source| self.error(source))? {
            history.apply(self.change(row)?);
        }
        Ok(history)
    }

    /// Whether there is a declaration with an id.
    fn has_declaration(&self, id: &OpaqueId<'_>) -> Result<bool, StoreError> {
        self.prepare("SELECT 1 FROM change WHERE what = 'declaration' AND declaration_id = ?1")?
            .query_row([id.as_str()], |_| Ok(()))
            .optional()
            .map(|found| found.is_some())
            .map_err(|source| self.error(source))
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.connection.prepare_cached(sql).map_err(|source| self.error(source))
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        connection::read_error(self.path, source)
    }

    fn unreadable(&self, revision: Revision, part: &'static str) -> StoreError {
        StoreError::Unreadable { store: self.path.into(), revision, part }
    }

    fn hole(&self, after: Revision) -> StoreError {
        StoreError::Hole { store: self.path.into(), after }
    }

    /// The columns of a row, if it is the one that follows.
    fn next_columns<'r>(&self, row: &'r Row<'_>, after: Revision) -> Result<Columns<'r>, StoreError> {
        let columns = columns_of(row).map_err(|source| self.error(source))?;
        if columns.revision != after.next() {
            return Err(self.hole(after));
        }
        Ok(columns)
    }

    /// What was answered to a key.
    fn answered(&self, key: &OpaqueId<'_>) -> Result<Option<Answered>, StoreError> {
        let mut statement = self.prepare(
            "SELECT revision, recorded_at, declaration_id, payload_digest, notices, replaced_id
             FROM change WHERE idempotency_key = ?1",
        )?;
        let columns = statement
            .query_row([key.as_str()], |row| {
                Ok(AnsweredColumns {
                    revision: Revision(row.get(0)?),
                    recorded_at: row.get(1)?,
                    declaration_id: row.get(2)?,
                    digest: row.get(3)?,
                    notices: row.get(4)?,
                    replaced_id: row.get(5)?,
                })
            })
            .optional()
            .map_err(|source| self.error(source))?;
        let Some(columns) = columns else { return Ok(None) };
        let revision = columns.revision;
        let answered = Answered::of(columns);
        answered.map(Some).map_err(|Unreadable| self.unreadable(revision, "answer"))
    }

    /// What jobs have to know, as it is up to a revision.
    pub(super) fn find(&self, wanted: &Wanted<'_>, until: Revision) -> Result<Found, StoreError> {
        let mut found = Found::none_of(wanted);
        for key in &wanted.keys {
            found.answered.extend(self.answered(key)?.map(|answered| ((*key).clone(), answered)));
        }
        for client in &wanted.clients {
            found.histories.insert((*client).clone(), self.history_of(client, until)?);
        }
        for id in &wanted.ids {
            if self.has_declaration(id)? {
                found.taken.insert((*id).clone());
            }
        }
        Ok(found)
    }

    fn change(&self, row: &Row<'_>) -> Result<Change, StoreError> {
        let columns = columns_of(row).map_err(|source| self.error(source))?;
        let revision = columns.revision;
        columns.change().map_err(|part| self.unreadable(revision, part))
    }
}

/// The columns of a row, in the order of [`columns`].
fn columns_of<'r>(row: &'r Row<'_>) -> rusqlite::Result<Columns<'r>> {
    let text = |at| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str()?);
    let text_or_null = |at| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str_or_null()?);
    Ok(Columns {
        revision: Revision(row.get(0)?),
        recorded_at: row.get(1)?,
        what: text(2)?,
        kind: text_or_null(3)?,
        client: text_or_null(4)?.zip(text_or_null(5)?),
        declaration_id: text_or_null(6)?,
        body: row.get_ref(7)?.as_bytes()?,
    })
}
