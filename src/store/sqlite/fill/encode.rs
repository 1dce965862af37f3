//! A history as it is written in rows, many at a time.

use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use super::super::connection::write_error;
use super::{FillEntry, Filled};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Kind;
use crate::store::change::Revision;
use crate::store::error::FillError;
use crate::store::row;

/// Rows to be written, in order.
#[derive(Default)]
pub(super) struct Batch {
    rows: Vec<Row>,
    bodies: Vec<u8>,
}

/// A row but for its body, which is among those of its batch.
pub(super) struct Row {
    pub(super) revision: Revision,
    pub(super) recorded_at: Instant,
    pub(super) of: RowOf,
    body: Range<usize>,
}

/// What a row is of.
pub(super) enum RowOf {
    /// A declaration.
    Declaration(Kind, ClientId),
    /// The withdrawal of the declaration of a revision.
    Withdrawal(ClientId, Revision),
    /// A directory.
    Directory,
}

/// Encodes a history from its beginning.
pub(super) struct Encoder<'p> {
    path: &'p Path,
    /// The last change encoded.
    pub(super) last: Revision,
    recorded_at: Option<Instant>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows, each with its body.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Row, &[u8])> {
        self.rows.iter().map(|row| (row, self.bodies.get(row.body.clone()).unwrap_or_default()))
    }
}

impl<'p> Encoder<'p> {
    pub(super) fn new(path: &'p Path) -> Self {
        Self { path, last: Revision(0), recorded_at: None }
    }

    /// The next rows.
    pub(super) fn batch(&mut self, history: impl Iterator<Item = Filled>) -> Result<Batch, FillError> {
        let mut batch = Batch::default();
        for Filled { recorded_at, entry } in history {
            let recorded_at = row::whole_micros(recorded_at);
            let revision = self.last.next();
            if self.recorded_at.is_some_and(|before| recorded_at < before) {
                return Err(FillError::GoesBack { revision });
            }
            let begin = batch.bodies.len();
            let of = self.encode(entry, &mut batch.bodies)?;
            batch.rows.push(Row { revision, recorded_at, of, body: begin..batch.bodies.len() });
            (self.last, self.recorded_at) = (revision, Some(recorded_at));
        }
        Ok(batch)
    }

    fn encode(&self, entry: FillEntry, bodies: &mut Vec<u8>) -> Result<RowOf, FillError> {
        match entry {
            FillEntry::Directory(directory) => {
                self.write(&row::Directory::from(&directory), bodies)?;
                Ok(RowOf::Directory)
            }
            FillEntry::Declaration { client, content, given_at, declarer, recorded_by } => {
                row::client_columns(&client)?;
                let body = row::Declaration {
                    content: (&content).into(),
                    given_at: row::micros(given_at),
                    declarer: Some((&declarer).into()),
                    recorded_by: Some((&recorded_by).into()),
                    imported: None,
                    label: None,
                };
                self.write(&body, bodies)?;
                Ok(RowOf::Declaration(content.kind(), client))
            }
            FillEntry::Withdrawal { client, declaration, given_at, by, recorded_by } => {
                row::client_columns(&client)?;
                let body = row::Withdrawal {
                    given_at: row::micros(given_at),
                    by: (&by).into(),
                    recorded_by: (&recorded_by).into(),
                };
                self.write(&body, bodies)?;
                Ok(RowOf::Withdrawal(client, declaration))
            }
        }
    }

    fn write(&self, body: &impl Serialize, bodies: &mut Vec<u8>) -> Result<(), FillError> {
        serde_json::to_writer(bodies, body).map_err(|source| {
            write_error(self.path, rusqlite::Error::ToSqlConversionFailure(source.into()))
        })?;
        Ok(())
    }
}
