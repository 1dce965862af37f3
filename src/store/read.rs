//! Committed changes, read from rows.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::change::{Change, Loaded, Revision};
use super::columns::{Columns, columns};
use super::error::StoreError;
use super::history::ClientHistory;
use super::id::DeclarationIds;
use super::row;
use super::sqlite;
use crate::policy::client_id::ClientId;
use crate::policy::oid::OpaqueId;

/// How many changes are loaded in one transaction.
const CHANGES_PER_TRANSACTION: u64 = 65_536;

/// Reads the store through one connection.
pub(super) struct Reader<'c> {
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
        each: &mut dyn FnMut(Loaded) -> bool,
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
    pub(super) fn changes_since(&self, revision: Revision, most: usize) -> Result<Vec<Change>, StoreError> {
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
            changes.push(self.change_in(columns)?);
        }
        drop(rows);
        drop(statement);
        transaction.finish().map_err(|source| self.error(source))?;
        Ok(changes)
    }

    /// The last committed revision, which by INVARIANT (dense) is also how many there are.
    pub(super) fn last(&self) -> Result<Revision, StoreError> {
        self.prepare("SELECT coalesce(max(revision), 0) FROM change")?
            .query_row((), |row| row.get(0))
            .map(Revision)
            .map_err(|source| self.error(source))
    }

    /// An error if the store ends before a revision.
    pub(super) fn reaches(&self, revision: Revision) -> Result<(), StoreError> {
        let last = self.last()?;
        if last < revision {
            return Err(StoreError::WentBack { path: self.path.to_owned(), last, known: revision });
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
            match self.change(row)? {
                Change::Declaration { revision: _, recorded_at: _, client: _, declaration } => {
                    history.declare(declaration);
                }
                Change::Withdrawal { revision: _, recorded_at: _, client: _, declaration_id, withdrawal } => {
                    history.withdraw(&declaration_id, withdrawal);
                }
                Change::UnreadableWithdrawal { .. } | Change::Directory { .. } => {}
            }
        }
        Ok(history)
    }

    /// Whether there is a declaration with an id.
    pub(super) fn has_declaration(&self, id: &OpaqueId<'_>) -> Result<bool, StoreError> {
        self.prepare("SELECT 1 FROM change WHERE what = 'declaration' AND declaration_id = ?1")?
            .query_row([id.as_str()], |_| Ok(()))
            .optional()
            .map(|found| found.is_some())
            .map_err(|source| self.error(source))
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.connection.prepare_cached(sql).map_err(|source| self.error(source))
    }

    pub(super) fn error(&self, source: rusqlite::Error) -> StoreError {
        sqlite::read_error(self.path, source)
    }

    pub(super) fn unreadable(&self, revision: Revision, part: &'static str) -> StoreError {
        StoreError::Unreadable { path: self.path.to_owned(), revision, part }
    }

    fn hole(&self, after: Revision) -> StoreError {
        StoreError::Hole { path: self.path.to_owned(), after }
    }

    /// The columns of a row, if it is the one that follows.
    fn next_columns<'r>(&self, row: &'r Row<'_>, after: Revision) -> Result<Columns<'r>, StoreError> {
        let columns = Columns::of(row).map_err(|source| self.error(source))?;
        if columns.revision != after.next() {
            return Err(self.hole(after));
        }
        Ok(columns)
    }

    fn change(&self, row: &Row<'_>) -> Result<Change, StoreError> {
        self.change_in(Columns::of(row).map_err(|source| self.error(source))?)
    }

    fn change_in(&self, columns: Columns<'_>) -> Result<Change, StoreError> {
        let revision = columns.revision;
        columns.change().map_err(|part| self.unreadable(revision, part))
    }
}
