//! Imports history into the file, in one transaction.
//!
//! ```text
//!  no client yet:  drop the indices and triggers │ insert the rows │ build the indices and triggers
//!  otherwise:      drop the triggers │ look each id up, insert the rows that are new │ build the triggers
//! ```
//!
//! An index that is built after all rows takes less time than one that each row is added to. The triggers
//! check the density of revisions, which [`ImportRun`] gives; with them SQLite keeps an undo log of each
//! statement.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::bulk;
use super::connection::write_error;
use super::read::SqliteReader;
use super::writer::insert_change;
use crate::policy::day::Instant;
use crate::policy::history::HistoryEntry;
use crate::policy::oid::OpaqueId;
use crate::store::change::{Head, Revision};
use crate::store::error::{ReadError, WriteError};
use crate::store::import::{
    EncodedEntry, ImportOutcome, ImportRun, ImportSource, PersonSizes, Stored, stored_withdrawal,
};
use crate::store::table::stored_columns;

/// Imports what a source returns after the head of the file. Returns the new head if anything is stored.
pub(super) fn import(
    connection: &mut Connection,
    path: &Path,
    head: Head,
    now: Instant,
    source: &mut dyn ImportSource,
) -> Result<Option<Head>, WriteError> {
    let error = |source| write_error(path, source);
    bulk::sort_beside(connection, path).map_err(error)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(error)?;
    let reader = SqliteReader { connection: &transaction, path };
    let is_first = !reader.has_clients()?;
    let parts = if is_first { bulk::drop_indices(&transaction) } else { bulk::drop_triggers(&transaction) };
    let built_after = parts.map_err(error)?;
    let mut run = ImportRun::after(head, now);
    let mut outcomes = Vec::new();
    while let Some(entries) = source.next() {
        outcomes.clear();
        for entry in &entries {
            let outcome = match run.check.refuse(entry) {
                Some(refused) => refused,
                None if is_first => run.check.outcome_of_new(entry),
                None => match reader.outcome(entry, head.revision)? {
                    Some(stored) => stored,
                    None => {
                        reader.note_persons(entry, head.revision, &mut run.check.persons)?;
                        run.check.outcome_of_new(entry)
                    }
                },
            };
            if outcome == ImportOutcome::Added {
                run.add(entry, |row| insert_change(&transaction, &row)).map_err(error)?;
            }
            outcomes.push(outcome);
        }
        source.report(&outcomes);
    }
    let is_to_commit = source.is_to_commit();
    let Some((last, head)) = run.finish().filter(|_| is_to_commit) else { return Ok(None) };
    let finish = || -> rusqlite::Result<()> {
        insert_change(&transaction, &last)?;
        built_after.iter().try_for_each(|sql| transaction.execute_batch(sql))
    };
    finish().map_err(error)?;
    transaction.commit().map_err(error)?;
    // The log has every page of the import.
    connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())).map_err(error)?;
    Ok(Some(head))
}

impl SqliteReader<'_> {
    /// What becomes of an entry whose id was stored up to a revision; none if it is new.
    fn outcome(&self, entry: &EncodedEntry, until: Revision) -> Result<Option<ImportOutcome>, ReadError> {
        let Some(stored) = self.stored(entry, until)? else { return Ok(None) };
        let history = entry.needs_history(&stored);
        let history = history.map(|client| self.person(std::slice::from_ref(client), until)).transpose()?;
        Ok(Some(entry.compare(&stored, history.as_ref())))
    }

    /// Notes the persons that are stored of the codes of a link.
    fn note_persons(
        &self,
        entry: &EncodedEntry,
        until: Revision,
        persons: &mut PersonSizes,
    ) -> Result<(), ReadError> {
        while let Some(code) = persons.unread(entry.codes_in_force()) {
            let links = self.person(std::slice::from_ref(&code), until)?.links;
            persons.note(code, &links);
        }
        Ok(())
    }

    /// What is stored with the id of an entry.
    fn stored(&self, entry: &EncodedEntry, until: Revision) -> Result<Option<Stored>, ReadError> {
        let id = entry.id();
        match entry.entry() {
            HistoryEntry::Link(_) => {
                let link = self.first(
                    concat!(
                        "SELECT ",
                        stored_columns!(),
                        " FROM change WHERE what = 'link' AND declaration_id = ?1 LIMIT 1"
                    ),
                    id,
                )?;
                let Some(Stored::Link(link)) = link else { return Ok(None) };
                let person = self.person(&link.link.linked.codes, until)?;
                Ok(person.links.into_iter().find(|stored| stored.link.id == *id).map(Stored::Link))
            }
            HistoryEntry::Withdrawal { client, withdrawal, .. } => {
                let history = self.history_of(client, until)?;
                let is_stored = history.has_withdrawal(id, &stored_withdrawal(withdrawal));
                Ok(is_stored.then_some(Stored::Withdrawal))
            }
            HistoryEntry::Declaration(..) => self.first(
                concat!(
                    "SELECT ",
                    stored_columns!(),
                    " FROM change WHERE what = 'declaration' AND declaration_id = ?1"
                ),
                id,
            ),
        }
    }

    /// What the first row of a query for an id stored.
    fn first(&self, sql: &str, id: &OpaqueId<'_>) -> Result<Option<Stored>, ReadError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query([id.as_str()]).map_err(|source| self.error(source))?;
        match rows.next().map_err(|source| self.error(source))? {
            None => Ok(None),
            Some(row) => Ok(Stored::of(self.change(row)?)),
        }
    }

    /// Whether anything is recorded of any client.
    fn has_clients(&self) -> Result<bool, ReadError> {
        self.prepare("SELECT EXISTS (SELECT 1 FROM change WHERE client_extension IS NOT NULL)")?
            .query_row((), |row| row.get(0))
            .map_err(|source| self.error(source))
    }
}
