//! Reads committed changes through one connection.

use std::borrow::Cow;
use std::path::Path;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::connection;
use crate::policy::client_id::ClientId;
use crate::policy::oid::OpaqueId;
use crate::store::change::{Change, ChangedClient, IndexChange, Point, Revision};
use crate::store::error::ReadError;
use crate::store::group::{AnswerColumns, BatchInputs, BatchRows, RecordedAnswer};
use crate::store::history::{ClientHistory, Histories, PersonHistory};
use crate::store::id::DeclarationIds;
use crate::store::row::{self, Unreadable};
use crate::store::stored_change::StoredChange;
use crate::store::table::{
    ChangeRow, ReadColumns, ViewingRow, change_columns, stored_columns, viewing_columns,
};

/// Number of changes that are loaded in one transaction.
const CHANGES_PER_TRANSACTION: u64 = 65_536;

/// Reads the store through one connection.
pub(in crate::store) struct SqliteReader<'c> {
    pub(super) connection: &'c Connection,
    pub(super) path: &'c Path,
}

impl<'c> SqliteReader<'c> {
    /// See [`crate::store::backend::Backend::load_range`].
    pub(super) fn load_range(
        &self,
        after: Revision,
        until: Revision,
        ids: DeclarationIds,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, ReadError> {
        let mut statement = self.prepare(concat!(
            "SELECT ",
            stored_columns!(),
            " FROM change WHERE revision > ?1 AND revision <= ?2 ORDER BY revision"
        ))?;
        let mut last = after;
        while last < until {
            // A long read transaction would keep the log from being reset, so a new one starts now and
            // then.
            let end = until.min(Revision(last.0 + CHANGES_PER_TRANSACTION));
            let mut rows = statement.query((last.0, end.0)).map_err(|source| self.error(source))?;
            while let Some(row) = rows.next().map_err(|source| self.error(source))? {
                let columns = self.next_columns(row, last)?;
                last = columns.revision;
                let change = columns.decode_for_index(ids).map_err(|part| self.unreadable(last, part))?;
                if !each(change) {
                    return Ok(last);
                }
            }
            if last != end {
                return Err(self.hole(last));
            }
        }
        Ok(last)
    }

    /// The next changes after a revision, in order.
    pub(in crate::store) fn changes_since(
        &self,
        revision: Revision,
        limit: usize,
    ) -> Result<Vec<Change>, ReadError> {
        self.since(revision, limit, |columns| columns.decode())
    }

    /// Their effects on decisions.
    pub(in crate::store) fn index_changes_since(
        &self,
        revision: Revision,
        limit: usize,
        ids: DeclarationIds,
    ) -> Result<Vec<IndexChange>, ReadError> {
        self.since(revision, limit, |columns| columns.decode_for_index(ids))
    }

    fn since<T>(
        &self,
        revision: Revision,
        limit: usize,
        read: impl Fn(StoredChange<'_>) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, ReadError> {
        // One transaction, so that both statements read the same snapshot.
        let transaction = self.connection.unchecked_transaction().map_err(|source| self.error(source))?;
        self.reaches(revision)?;
        let mut statement = self.prepare(concat!(
            "SELECT ",
            stored_columns!(),
            " FROM change WHERE revision > ?1 ORDER BY revision LIMIT ?2"
        ))?;
        let mut rows = statement.query((revision.0, limit)).map_err(|source| self.error(source))?;
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

    /// The clients whose declarations the changes concern.
    pub(super) fn clients_changed(
        &self,
        after: Revision,
        until: Revision,
        limit: usize,
    ) -> Result<Vec<ChangedClient>, ReadError> {
        let mut statement = self.prepare(
            "SELECT revision, client_root, client_extension FROM change
             WHERE revision > ?1 AND revision <= ?2 ORDER BY revision LIMIT ?3",
        )?;
        let mut rows = statement.query((after.0, until.0, limit)).map_err(|source| self.error(source))?;
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

    /// The last committed revision.
    pub(in crate::store) fn last(&self) -> Result<Revision, ReadError> {
        self.prepare("SELECT coalesce(max(revision), 0) FROM change")?
            .query_row((), |row| row.get(0))
            .map(Revision)
            .map_err(|source| self.error(source))
    }

    /// See [`crate::store::backend::Backend::change_rows`].
    pub(super) fn change_rows(
        &self,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<ChangeRow<'static>>, ReadError> {
        let sql = concat!(
            "SELECT ",
            change_columns!(),
            " FROM change WHERE revision > ?1 ORDER BY revision LIMIT ?2"
        );
        self.rows((after.0, limit), sql, |row| ChangeRow::read(row))
    }

    /// See [`crate::store::backend::Backend::viewing_rows`].
    pub(super) fn viewing_rows(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ViewingRow<'static>>, ReadError> {
        let sql = concat!(
            "SELECT ",
            viewing_columns!(),
            " FROM viewing WHERE number > ?1 ORDER BY number LIMIT ?2"
        );
        self.rows((after, limit), sql, |row| ViewingRow::read(row))
    }

    fn rows<T>(
        &self,
        parameters: impl Params,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ReadError> {
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map(parameters, read).map_err(|source| self.error(source))?;
        rows.collect::<rusqlite::Result<_>>().map_err(|source| self.error(source))
    }

    /// The number of logged viewings.
    pub(super) fn count_viewings(&self) -> Result<u64, ReadError> {
        let count =
            self.prepare("SELECT coalesce(sum(times), 0) FROM viewing")?.query_row((), |row| row.get(0));
        count.map_err(|source| self.error(source))
    }

    /// See [`crate::store::backend::Backend::checkpoint_digest`].
    pub(super) fn checkpoint_digest(&self, point: Point, build: &str) -> Result<Option<u64>, ReadError> {
        let Point { epoch, revision } = point;
        let digest = self
            .prepare("SELECT digest FROM checkpoint WHERE epoch = ?1 AND revision = ?2 AND build = ?3")?
            .query_row((epoch.to_string(), revision.0, build), |row| row.get::<_, i64>(0))
            .optional();
        Ok(digest.map_err(|source| self.error(source))?.map(i64::cast_unsigned))
    }

    /// Has SQLite check the structure of the file.
    pub(super) fn check_structure(&self) -> Result<(), ReadError> {
        let finding: String = self
            .prepare("PRAGMA integrity_check(1)")?
            .query_row((), |row| row.get(0))
            .map_err(|source| self.error(source))?;
        if finding == "ok" { Ok(()) } else { Err(connection::damaged(self.path, finding)) }
    }

    /// An error if the store ends before a revision.
    pub(super) fn reaches(&self, revision: Revision) -> Result<(), ReadError> {
        let last = self.last()?;
        if last < revision {
            return Err(ReadError::WentBack { store: self.path.into(), last, known: revision });
        }
        Ok(())
    }

    /// What is recorded under a code at a revision.
    pub(super) fn history_of(&self, client: &ClientId, until: Revision) -> Result<ClientHistory, ReadError> {
        let mut history = ClientHistory::default();
        // A client that cannot be stored has no rows.
        let Ok((root, extension)) = row::client_columns(client) else { return Ok(history) };
        let mut statement = self.prepare(concat!(
            "SELECT ",
            stored_columns!(),
            " FROM change WHERE client_extension = ?1 AND client_root = ?2 AND revision <= ?3 ORDER BY revision"
        ))?;
        let mut rows = statement.query((extension, root, until.0)).map_err(|source| self.error(source))?;
        while let Some(row) = rows.next().map_err(|source| self.error(source))? {
            history.apply(self.change(row)?);
        }
        Ok(history)
    }

    /// What is recorded under some codes at a revision, as that of one person.
    pub(super) fn person(&self, codes: &[ClientId], until: Revision) -> Result<PersonHistory, ReadError> {
        let mut histories = Histories::default();
        for code in codes {
            histories.insert(code.clone(), self.history_of(code, until)?);
        }
        Ok(histories.into_person())
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, ReadError> {
        self.connection.prepare_cached(sql).map_err(|source| self.error(source))
    }

    pub(super) fn error(&self, source: rusqlite::Error) -> ReadError {
        connection::read_error(self.path, source)
    }

    fn unreadable(&self, revision: Revision, part: &'static str) -> ReadError {
        ReadError::Unreadable { store: self.path.into(), revision, part }
    }

    fn hole(&self, after: Revision) -> ReadError {
        ReadError::Hole { store: self.path.into(), after }
    }

    /// The columns of a row; an error unless it is the next revision.
    fn next_columns<'r>(&self, row: &'r Row<'_>, after: Revision) -> Result<StoredChange<'r>, ReadError> {
        let columns = columns_of(row).map_err(|source| self.error(source))?;
        if columns.revision != after.next() {
            return Err(self.hole(after));
        }
        Ok(columns)
    }

    /// The answer that is recorded with an idempotency key.
    fn recorded_answer(&self, key: &OpaqueId<'_>) -> Result<Option<RecordedAnswer>, ReadError> {
        let mut statement = self.prepare(
            "SELECT revision, recorded_at, declaration_id, payload_digest, notices, replaced_id
             FROM change WHERE idempotency_key = ?1",
        )?;
        let columns = statement
            .query_row([key.as_str()], |row| {
                Ok(AnswerColumns {
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
        let answer = RecordedAnswer::of(columns);
        answer.map(Some).map_err(|Unreadable| self.unreadable(revision, "answer"))
    }

    /// The existing rows that a batch needs, up to a revision.
    pub(super) fn batch_rows(
        &self,
        inputs: &BatchInputs<'_>,
        until: Revision,
    ) -> Result<BatchRows, ReadError> {
        let mut rows = BatchRows::empty(inputs);
        for key in &inputs.keys {
            rows.answers.extend(self.recorded_answer(key)?.map(|answer| ((*key).clone(), answer)));
        }
        let mut missing: Vec<ClientId> = inputs.clients.iter().map(|client| (*client).clone()).collect();
        while !missing.is_empty() {
            for client in missing {
                let history = self.history_of(&client, until)?;
                rows.histories.insert(client, history);
            }
            missing = rows.histories.missing();
        }
        if let Some(after) = inputs.directory_after {
            rows.newest_directory = self.newest_directory(after)?;
        }
        Ok(rows)
    }

    /// The revision of the newest directory after a revision, if there is one.
    fn newest_directory(&self, after: Revision) -> Result<Option<Revision>, ReadError> {
        const SELECT: &str = "SELECT max(revision) FROM change WHERE revision > ?1 AND what = 'directory'";
        let newest = self.connection.prepare_cached(SELECT).and_then(|mut statement| {
            statement.query_row([after.0.cast_signed()], |row| row.get::<_, Option<i64>>(0))
        });
        let newest = newest.map_err(|source| self.error(source))?;
        Ok(newest.map(|revision| Revision(revision.cast_unsigned())))
    }

    pub(super) fn change(&self, row: &Row<'_>) -> Result<Change, ReadError> {
        let columns = columns_of(row).map_err(|source| self.error(source))?;
        let revision = columns.revision;
        columns.decode().map_err(|part| self.unreadable(revision, part))
    }
}

/// The columns of a row that was selected with [`stored_columns`].
fn columns_of<'r>(row: &'r Row<'_>) -> rusqlite::Result<StoredChange<'r>> {
    let text = |at| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str()?);
    let text_or_null = |at| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str_or_null()?);
    Ok(StoredChange {
        revision: Revision(row.get(0)?),
        recorded_at: row.get(1)?,
        what: text(2)?,
        kind: text_or_null(3)?,
        client: text_or_null(4)?.zip(text_or_null(5)?),
        declaration_id: text_or_null(6)?,
        body: row.get_ref(7)?.as_bytes()?,
    })
}

impl ReadColumns for Row<'_> {
    type Error = rusqlite::Error;

    fn integer(&self, at: usize) -> rusqlite::Result<i64> {
        self.get(at)
    }

    fn text(&self, at: usize) -> rusqlite::Result<Cow<'static, str>> {
        self.get::<_, String>(at).map(Cow::Owned)
    }

    fn nullable_text(&self, at: usize) -> rusqlite::Result<Option<Cow<'static, str>>> {
        Ok(self.get::<_, Option<String>>(at)?.map(Cow::Owned))
    }

    fn nullable_bytes(&self, at: usize) -> rusqlite::Result<Option<Cow<'static, [u8]>>> {
        Ok(self.get::<_, Option<Vec<u8>>>(at)?.map(Cow::Owned))
    }
}
