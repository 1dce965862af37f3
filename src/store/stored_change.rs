//! A change as it is stored, and its two decoders: the whole change, and only the part that the index
//! needs.
//!
//! Fail-closed: a declaration that this version cannot read restricts, and a withdrawal that it cannot
//! read ends only a consent. Both decoders agree on what is unreadable.

use super::change::{Change, ChangeEffect, ImportBoundary, IndexChange, Revision};
use super::id::DeclarationIds;
use super::row::{self, ChangeKind, Unreadable};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Content, Declaration, Kind, Withdrawal};
use crate::policy::directory::Directory;
use crate::policy::facts::{OwnedFacts, WithdrawalFacts};
use crate::policy::link::{LinkEnd, RecordedLink};
use crate::policy::oid::OpaqueId;

/// The columns of a change, not decoded.
pub(super) struct StoredChange<'r> {
    pub(super) revision: Revision,
    pub(super) recorded_at: i64,
    pub(super) what: &'r str,
    pub(super) kind: Option<&'r str>,
    pub(super) client: Option<(&'r str, &'r str)>,
    pub(super) declaration_id: Option<&'r str>,
    pub(super) body: &'r [u8],
}

impl<'r> StoredChange<'r> {
    /// Columns that a fuzzer made up.
    #[cfg(any(test, fuzzing))]
    pub(super) fn of_parts(
        (what, kind): (&'r str, &'r str),
        recorded_at: i64,
        (root, extension): (&'r str, &'r str),
        declaration_id: &'r str,
        body: &'r [u8],
    ) -> Self {
        let (kind, client) = (Some(kind), Some((root, extension)));
        let declaration_id = Some(declaration_id);
        Self { revision: Revision(1), recorded_at, what, kind, client, declaration_id, body }
    }

    /// Decodes the change. The error names the part that cannot be read.
    pub(super) fn decode(self) -> Result<Change, &'static str> {
        let (revision, recorded_at) = (self.revision, self.recorded_at()?);
        match self.what()? {
            ChangeKind::Declaration(kind) => Ok(Change::Declaration {
                revision,
                recorded_at,
                client: self.client()?,
                declaration: self.declaration(kind, recorded_at, self.declaration_id()?.into_owned()),
            }),
            ChangeKind::Withdrawal(kind) => match self.withdrawal(kind, recorded_at) {
                Some(withdrawal) => Ok(Change::Withdrawal {
                    revision,
                    recorded_at,
                    client: self.client()?,
                    kind,
                    declaration_id: self.declaration_id()?.into_owned(),
                    withdrawal,
                }),
                None => Ok(Change::UnreadableWithdrawal { revision, recorded_at }),
            },
            ChangeKind::Directory => {
                Ok(Change::Directory { revision, recorded_at, directory: self.directory()? })
            }
            ChangeKind::Link => Ok(Change::Link {
                revision,
                recorded_at,
                client: self.client()?,
                link: self.link(recorded_at)?,
            }),
            ChangeKind::LinkEnd => Ok(Change::LinkEnd {
                revision,
                recorded_at,
                client: self.client()?,
                link: self.declaration_id()?.into_owned(),
                end: self.link_end(recorded_at)?,
            }),
            ChangeKind::ImportBegin => {
                Ok(Change::Import { revision, recorded_at, boundary: ImportBoundary::Begin })
            }
            ChangeKind::ImportEnd => {
                Ok(Change::Import { revision, recorded_at, boundary: ImportBoundary::End })
            }
        }
    }

    /// Decodes only the part of the change that affects decisions. The error is that of [`Self::decode`].
    pub(super) fn decode_for_index(self, ids: DeclarationIds) -> Result<IndexChange, &'static str> {
        let (revision, recorded_at) = (self.revision, self.recorded_at()?);
        let effect = match self.what()? {
            ChangeKind::Declaration(kind) => {
                let client = self.client()?;
                let id = self.declaration_id()?;
                let facts = self.facts(kind, recorded_at);
                let is_derived = ids.is(&id, facts.recorded_at, revision);
                let assigned_id = (!is_derived).then(|| id.into_owned());
                ChangeEffect::Declaration { client, assigned_id, facts }
            }
            ChangeKind::Withdrawal(kind) => match self.withdrawal(kind, recorded_at) {
                Some(withdrawal) => ChangeEffect::Withdrawal {
                    client: self.client()?,
                    declaration_id: self.declaration_id()?.into_owned(),
                    withdrawal: WithdrawalFacts::of(&withdrawal),
                },
                None => ChangeEffect::Nothing,
            },
            ChangeKind::Directory => ChangeEffect::Directory(self.directory()?),
            ChangeKind::Link => {
                ChangeEffect::Link { client: self.client()?, link: self.link(recorded_at)?.link }
            }
            ChangeKind::LinkEnd => {
                self.link_end(recorded_at)?;
                ChangeEffect::LinkEnd { client: self.client()?, link: self.declaration_id()?.into_owned() }
            }
            ChangeKind::ImportBegin => ChangeEffect::Import(ImportBoundary::Begin),
            ChangeKind::ImportEnd => ChangeEffect::Import(ImportBoundary::End),
        };
        Ok(IndexChange { revision, recorded_at, effect })
    }

    fn recorded_at(&self) -> Result<Instant, &'static str> {
        row::instant(self.recorded_at).map_err(|Unreadable| "time")
    }

    fn what(&self) -> Result<ChangeKind, &'static str> {
        ChangeKind::parse(self.what, self.kind).map_err(|Unreadable| "kind")
    }

    fn client(&self) -> Result<ClientId, &'static str> {
        let (root, extension) = self.client.ok_or("client")?;
        row::client(root, extension).map_err(|Unreadable| "client")
    }

    fn declaration_id(&self) -> Result<OpaqueId<'r>, &'static str> {
        let id = self.declaration_id.ok_or("declaration id")?;
        OpaqueId::parse(id).map_err(|_| "declaration id")
    }

    /// The link. One that cannot be read is an error: without it, denials of the person's other codes
    /// would not count.
    fn link(&self, recorded_at: Instant) -> Result<RecordedLink, &'static str> {
        let id = self.declaration_id()?.into_owned();
        let link = row::link(self.body).and_then(|link| link.into_policy(id, recorded_at));
        link.map_err(|Unreadable| "link")
    }

    fn link_end(&self, recorded_at: Instant) -> Result<LinkEnd, &'static str> {
        let end = row::link_end(self.body).and_then(|end| end.into_policy(recorded_at));
        end.map_err(|Unreadable| "end of a link")
    }

    fn directory(&self) -> Result<Directory, &'static str> {
        let read = || -> Result<Directory, Unreadable> {
            let body: row::Directory<'_> = serde_json::from_slice(self.body)?;
            body.try_into()
        };
        read().map_err(|Unreadable| "directory")
    }

    /// The declaration; one with unreadable content if the body cannot be read.
    fn declaration(&self, kind: Kind, recorded_at: Instant, id: OpaqueId<'static>) -> Declaration {
        let read = || -> Result<Declaration, Unreadable> {
            let declaration = row::declaration(self.body)?.into_policy(id.clone(), recorded_at)?;
            if declaration.content.kind() == kind { Ok(declaration) } else { Err(Unreadable) }
        };
        read().unwrap_or_else(|Unreadable| {
            self.warn_that_it_restricts(kind);
            Declaration {
                id: id.clone(),
                content: Content::Unreadable(kind),
                given_at: recorded_at,
                recorded_at,
                withdrawal: None,
                declarer: None,
                recorded_by: None,
                label: None,
            }
        })
    }

    /// The facts of [`Self::declaration`].
    fn facts(&self, kind: Kind, recorded_at: Instant) -> OwnedFacts {
        let read = || -> Result<OwnedFacts, Unreadable> {
            let facts = row::declaration(self.body)?.into_facts(recorded_at)?;
            if facts.content.kind() == kind { Ok(facts) } else { Err(Unreadable) }
        };
        read().unwrap_or_else(|Unreadable| {
            self.warn_that_it_restricts(kind);
            OwnedFacts::unreadable(kind, recorded_at)
        })
    }

    fn warn_that_it_restricts(&self, kind: Kind) {
        tracing::warn!(revision = %self.revision, ?kind, "a stored declaration cannot be read and restricts instead");
    }

    /// The withdrawal. One of a consent ends it whatever the role of the declarer, so it does even if the
    /// body cannot be read.
    fn withdrawal(&self, kind: Kind, recorded_at: Instant) -> Option<Withdrawal> {
        let Self { revision, body, .. } = self;
        let read = || -> Result<Withdrawal, Unreadable> { row::withdrawal(body)?.into_policy(recorded_at) };
        match (read(), kind) {
            (Ok(withdrawal), _) => Some(withdrawal),
            (Err(Unreadable), Kind::Consent) => {
                tracing::warn!(%revision, ?kind, "a stored withdrawal cannot be read and ends the consent");
                Some(Withdrawal { recorded_at, given_at: recorded_at, by: None })
            }
            (Err(Unreadable), Kind::Denial | Kind::Information) => {
                tracing::warn!(%revision, ?kind, "a stored withdrawal cannot be read and ends nothing");
                None
            }
        }
    }
}
