//! What a row says.

use rusqlite::Row;

use super::change::{Change, Revision};
use super::row::{self, Unreadable, What};
use crate::policy::day::Instant;
use crate::policy::declaration::{Content, Declaration, Kind, Withdrawal};
use crate::policy::directory::Directory;
use crate::policy::oid::OpaqueId;

/// The columns that [`Columns`] are read from.
macro_rules! columns {
    () => {
        "revision, recorded_at, what, kind, client_root, client_extension, declaration_id, body"
    };
}
pub(super) use columns;

/// The columns of a row, not yet understood.
pub(super) struct Columns<'r> {
    pub(super) revision: Revision,
    recorded_at: i64,
    what: &'r str,
    kind: Option<&'r str>,
    client: Option<(&'r str, &'r str)>,
    declaration_id: Option<&'r str>,
    body: &'r [u8],
}

impl<'r> Columns<'r> {
    /// In the order of [`columns`].
    pub(super) fn of(row: &'r Row<'_>) -> rusqlite::Result<Self> {
        let text = |at| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str()?);
        let text_or_null = |at| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_str_or_null()?);
        Ok(Self {
            revision: Revision(row.get(0)?),
            recorded_at: row.get(1)?,
            what: text(2)?,
            kind: text_or_null(3)?,
            client: text_or_null(4)?.zip(text_or_null(5)?),
            declaration_id: text_or_null(6)?,
            body: row.get_ref(7)?.as_bytes()?,
        })
    }

    /// The change, or which part of it cannot be read.
    pub(super) fn change(self) -> Result<Change, &'static str> {
        let Self { revision, recorded_at, what, kind, client, declaration_id, body } = self;
        let recorded_at = row::instant(recorded_at).map_err(|Unreadable| "time")?;
        let what = What::parse(what, kind).map_err(|Unreadable| "kind")?;
        let client = || {
            let (root, extension) = client.ok_or("client")?;
            row::client(root, extension).map_err(|Unreadable| "client")
        };
        let declaration_id = || {
            let id = declaration_id.ok_or("declaration id")?;
            row::opaque_id(id.into()).map_err(|Unreadable| "declaration id")
        };
        match what {
            What::Declaration(kind) => Ok(Change::Declaration {
                revision,
                recorded_at,
                client: client()?,
                declaration: declaration(kind, body, declaration_id()?, revision, recorded_at),
            }),
            What::Withdrawal(kind) => match withdrawal(kind, body, revision, recorded_at) {
                Some(withdrawal) => Ok(Change::Withdrawal {
                    revision,
                    recorded_at,
                    client: client()?,
                    declaration_id: declaration_id()?,
                    withdrawal,
                }),
                None => Ok(Change::UnreadableWithdrawal { revision, recorded_at }),
            },
            What::Directory => {
                let directory = directory(body).map_err(|Unreadable| "directory")?;
                Ok(Change::Directory { revision, recorded_at, directory })
            }
        }
    }
}

/// The declaration that a body says, or one whose content is unreadable.
fn declaration(
    kind: Kind,
    body: &[u8],
    id: OpaqueId<'static>,
    revision: Revision,
    recorded_at: Instant,
) -> Declaration {
    let read = || -> Result<Declaration, Unreadable> {
        let declaration = row::declaration(body)?.into_policy(id.clone(), recorded_at)?;
        if declaration.content.kind() == kind { Ok(declaration) } else { Err(Unreadable) }
    };
    read().unwrap_or_else(|Unreadable| {
        tracing::warn!(%revision, ?kind, "a stored declaration cannot be read and restricts instead");
        Declaration {
            id: id.clone(),
            content: Content::Unreadable(kind),
            given_at: recorded_at,
            recorded_at,
            withdrawal: None,
            declarer: None,
            recorded_by: None,
        }
    })
}

/// The withdrawal that a body says. One of a consent ends it whoever made it,
/// so it does even if it cannot be read.
fn withdrawal(kind: Kind, body: &[u8], revision: Revision, recorded_at: Instant) -> Option<Withdrawal> {
    let read = || -> Result<Withdrawal, Unreadable> { row::withdrawal(body)?.into_policy(recorded_at) };
    match (read(), kind) {
        (Ok(withdrawal), _) => Some(withdrawal),
        (Err(Unreadable), Kind::Consent) => {
            tracing::warn!(%revision, ?kind, "a stored withdrawal cannot be read and ends the consent");
            Some(Withdrawal { recorded_at, by: None })
        }
        (Err(Unreadable), Kind::Denial | Kind::Information) => {
            tracing::warn!(%revision, ?kind, "a stored withdrawal cannot be read and ends nothing");
            None
        }
    }
}

fn directory(body: &[u8]) -> Result<Directory, Unreadable> {
    let body: row::Directory<'_> = serde_json::from_slice(body)?;
    body.try_into()
}
