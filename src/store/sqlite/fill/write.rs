//! The thread that writes the rows of a new store.

use std::path::Path;
use std::sync::mpsc::Receiver;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, Statement, ToSql};

use super::super::connection::write_error;
use super::encode::{Batch, Row, RowOf};
use crate::policy::client_id::ClientId;
use crate::policy::declaration::Kind;
use crate::store::change::Revision;
use crate::store::error::FillError;
use crate::store::id::DeclarationIds;
use crate::store::row::{self, Unreadable, What};

/// Text that is written as it is.
struct Text<'t>(&'t [u8]);

/// A declaration that is withdrawn.
struct Withdrawn {
    kind: Kind,
    declaration_id: Box<str>,
}

/// The statements.
struct Statements<'c> {
    insert: Statement<'c>,
    withdrawn: Statement<'c>,
}

/// Writes batches in one transaction until there are no more.
pub(super) fn run(
    connection: &mut Connection,
    path: &Path,
    ids: DeclarationIds,
    batches: &Receiver<Batch>,
) -> Result<(), FillError> {
    let error = |source| write_error(path, source);
    let transaction = connection.transaction().map_err(error)?;
    let mut statements = Statements::prepare(&transaction).map_err(error)?;
    for batch in batches {
        for (row, body) in batch.rows() {
            let is_written = statements.write(ids, row, Text(body)).map_err(error)?;
            if !is_written {
                return Err(FillError::WithdrawsNothing { revision: row.revision });
            }
        }
    }
    drop(statements);
    Ok(transaction.commit().map_err(error)?)
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        let insert = connection.prepare(
            "INSERT INTO change
                 (revision, recorded_at, what, kind, client_root, client_extension, declaration_id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let withdrawn = connection.prepare(
            "SELECT kind, declaration_id FROM change WHERE revision = ?1 AND what = 'declaration'
                 AND client_root = ?2 AND client_extension = ?3",
        )?;
        Ok(Self { insert, withdrawn })
    }

    /// Writes a row, unless it withdraws nothing.
    fn write(&mut self, ids: DeclarationIds, row: &Row, body: Text<'_>) -> rusqlite::Result<bool> {
        match &row.of {
            RowOf::Directory => self.insert(row, What::Directory, None, None, body)?,
            RowOf::Declaration(kind, client) => {
                let id = ids.write(row.recorded_at, row.revision);
                self.insert(row, What::Declaration(*kind), Some(client), Some(Text(&id)), body)?;
            }
            RowOf::Withdrawal(client, declaration) => {
                let Some(Withdrawn { kind, declaration_id }) = self.withdrawn(client, *declaration)? else {
                    return Ok(false);
                };
                let id = Some(Text(declaration_id.as_bytes()));
                self.insert(row, What::Withdrawal(kind), Some(client), id, body)?;
            }
        }
        Ok(true)
    }

    fn insert(
        &mut self,
        row: &Row,
        what: What,
        client: Option<&ClientId>,
        declaration_id: Option<Text<'_>>,
        body: Text<'_>,
    ) -> rusqlite::Result<()> {
        let (what, kind) = what.columns();
        let columns = (
            row.revision.0,
            row::micros(row.recorded_at),
            what,
            kind,
            client.map(ClientId::root),
            client.map(ClientId::extension),
            declaration_id,
            body,
        );
        self.insert.execute(columns).map(|_| ())
    }

    fn withdrawn(&mut self, client: &ClientId, declaration: Revision) -> rusqlite::Result<Option<Withdrawn>> {
        let read = |row: &SqlRow<'_>| {
            let kind = row::parse_kind(row.get_ref(0)?.as_str()?);
            let declaration_id = row.get(1)?;
            Ok(kind.map(|kind| Withdrawn { kind, declaration_id }))
        };
        let found =
            self.withdrawn.query_row((declaration.0, client.root(), client.extension()), read).optional()?;
        Ok(found.and_then(|read| read.map_err(|Unreadable| ()).ok()))
    }
}

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}
