//! Encodes the body of a change as its row stores it.

use serde::Serialize;

use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Content, Declarer, Kind, RecordedBy};
use crate::policy::directory::Directory;
use crate::store::change::Revision;
use crate::store::error::WriteError;
use crate::store::row;

/// One change of a history. Times are stored to the microsecond.
#[derive(Clone, Debug)]
pub enum BulkChange {
    /// The whole directory is replaced.
    Directory(Directory),
    /// A client declares.
    Declaration {
        /// The client.
        client: ClientId,
        /// The declared content.
        content: Content,
        /// When the client declared it.
        given_at: Instant,
        /// The person who declares.
        declarer: Declarer,
        /// The recorder.
        recorded_by: RecordedBy,
    },
    /// A client withdraws.
    Withdrawal {
        /// The client.
        client: ClientId,
        /// The withdrawn declaration, by its place in the history, counted from 1.
        declaration: Revision,
        /// When the client withdrew it.
        given_at: Instant,
        /// The person who withdraws.
        by: Declarer,
        /// The recorder.
        recorded_by: RecordedBy,
    },
}

/// The columns of an encoded change that identify it. Its body is kept by the caller.
#[derive(Clone, Debug)]
pub struct EncodedChange(pub(super) Identified);

#[derive(Clone, Debug)]
pub(super) enum Identified {
    Directory,
    Declaration(Kind, ClientId),
    /// The withdrawal of the declaration with this revision.
    Withdrawal(ClientId, Revision),
}

impl BulkChange {
    /// Encodes the change and appends its body to `bodies`. Needs no store, so
    /// one thread can encode while another inserts.
    pub fn encode(self, bodies: &mut Vec<u8>) -> Result<EncodedChange, WriteError> {
        let identified = match self {
            Self::Directory(directory) => {
                append(&row::Directory::from(&directory), bodies)?;
                Identified::Directory
            }
            Self::Declaration { client, content, given_at, declarer, recorded_by } => {
                row::client_columns(&client)?;
                let body = row::Declaration {
                    content: (&content).into(),
                    given_at: row::micros(given_at),
                    declarer: Some((&declarer).into()),
                    recorded_by: Some((&recorded_by).into()),
                    imported: None,
                    label: None,
                };
                append(&body, bodies)?;
                Identified::Declaration(content.kind(), client)
            }
            Self::Withdrawal { client, declaration, given_at, by, recorded_by } => {
                row::client_columns(&client)?;
                let body = row::Withdrawal {
                    given_at: row::micros(given_at),
                    by: Some((&by).into()),
                    recorded_by: Some((&recorded_by).into()),
                    imported_recorded_at: None,
                };
                append(&body, bodies)?;
                Identified::Withdrawal(client, declaration)
            }
        };
        Ok(EncodedChange(identified))
    }
}

fn append(body: &impl Serialize, bodies: &mut Vec<u8>) -> Result<(), WriteError> {
    serde_json::to_writer(bodies, body).map_err(WriteError::Encode)
}
