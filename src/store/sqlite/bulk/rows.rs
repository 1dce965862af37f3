//! Inserts the rows of a bulk load.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql};

use super::super::connection::write_error;
use super::BulkError;
use super::encode::{EncodedChange, Identified};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Kind;
use crate::store::change::Revision;
use crate::store::id::DeclarationIds;
use crate::store::row::{self, ChangeKind, Unreadable};
use crate::store::table::stored_columns;

/// The rows of a bulk load, inserted in the order of time. Revisions and the ids
/// of declarations are assigned here.
pub struct BulkRows<'c> {
    path: &'c Path,
    ids: DeclarationIds,
    insert: Statement<'c>,
    find_declaration: Statement<'c>,
    last: Revision,
    recorded_at: Option<Instant>,
}

/// The columns of a row except its revision, its time and its body.
struct Columns<'r> {
    what: ChangeKind,
    client: Option<&'r ClientId>,
    declaration_id: Option<Text<'r>>,
}

/// Bytes that are stored as a text without a check of their encoding.
struct Text<'t>(&'t [u8]);

/// A declaration that is withdrawn.
struct Withdrawn {
    kind: Kind,
    declaration_id: Box<str>,
}

impl<'c> BulkRows<'c> {
    pub(super) fn prepare(
        connection: &'c Connection,
        path: &'c Path,
        ids: DeclarationIds,
    ) -> rusqlite::Result<Self> {
        let insert = connection.prepare(concat!(
            "INSERT INTO change (",
            stored_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        ))?;
        let find_declaration = connection.prepare(
            "SELECT kind, declaration_id FROM change WHERE revision = ?1 AND what = 'declaration'
                 AND client_root = ?2 AND client_extension = ?3",
        )?;
        Ok(Self { path, ids, insert, find_declaration, last: Revision(0), recorded_at: None })
    }

    /// The revision of the last inserted change; 0 before the first.
    #[must_use]
    pub fn last(&self) -> Revision {
        self.last
    }

    /// Inserts the next change with its body, recorded at a time that is not
    /// before that of the change inserted before it.
    pub fn insert(
        &mut self,
        recorded_at: Instant,
        change: &EncodedChange,
        body: &[u8],
    ) -> Result<(), BulkError> {
        let (recorded_at, revision) = (row::whole_micros(recorded_at), self.last.next());
        if self.recorded_at.is_some_and(|before| recorded_at < before) {
            return Err(BulkError::OutOfOrder { revision });
        }
        (self.last, self.recorded_at) = (revision, Some(recorded_at));
        let path = self.path;
        match self.insert_row(recorded_at, &change.0, Text(body)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(BulkError::WithdrawsNothing { revision }),
            Err(source) => Err(write_error(path, source).into()),
        }
    }

    /// False if the change withdraws nothing.
    fn insert_row(
        &mut self,
        recorded_at: Instant,
        change: &Identified,
        body: Text<'_>,
    ) -> rusqlite::Result<bool> {
        let (found, id);
        let columns = match change {
            Identified::Directory => {
                Columns { what: ChangeKind::Directory, client: None, declaration_id: None }
            }
            Identified::Declaration(kind, client) => {
                id = self.ids.write(recorded_at, self.last);
                let what = ChangeKind::Declaration(*kind);
                Columns { what, client: Some(client), declaration_id: Some(Text(&id)) }
            }
            Identified::Withdrawal(client, declaration) => {
                let Some(withdrawn) = self.find_declaration(client, *declaration)? else { return Ok(false) };
                found = withdrawn;
                let declaration_id = Some(Text(found.declaration_id.as_bytes()));
                Columns { what: ChangeKind::Withdrawal(found.kind), client: Some(client), declaration_id }
            }
        };
        let Columns { what, client, declaration_id } = columns;
        let (what, kind) = what.columns();
        self.insert.execute((
            self.last.0,
            row::micros(recorded_at),
            what,
            kind,
            client.map(ClientId::root),
            client.map(ClientId::extension),
            declaration_id,
            body,
        ))?;
        Ok(true)
    }

    fn find_declaration(
        &mut self,
        client: &ClientId,
        declaration: Revision,
    ) -> rusqlite::Result<Option<Withdrawn>> {
        let read = |row: &Row<'_>| {
            let kind = row::parse_kind(row.get_ref(0)?.as_str()?);
            let declaration_id = row.get(1)?;
            Ok(kind.map(|kind| Withdrawn { kind, declaration_id }))
        };
        let key = (declaration.0, client.root(), client.extension());
        let found = self.find_declaration.query_row(key, read).optional()?;
        Ok(found.and_then(|read| read.map_err(|Unreadable| ()).ok()))
    }
}

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}
