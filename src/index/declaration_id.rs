//! The ids of declarations. Nearly all are derived from the time and the
//! revision of their change (`store::DeclarationIds`) and take no memory.
//! Imported declarations have assigned ids, which are stored as text.

use crate::policy::day::Instant;
use crate::policy::oid::OpaqueId;
use crate::store::{DeclarationIds, Revision};

/// The id of a declaration, and the revision of the change that stored it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeclarationId<'a> {
    /// Derived from the time and the revision of the change.
    Derived(Revision),
    /// Assigned by another system, before the declaration was imported.
    Assigned(Revision, &'a str),
}

/// The owned form of [`DeclarationId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OwnedDeclarationId {
    Derived(Revision),
    Assigned(Revision, String),
}

/// An id as a withdrawal names it, parsed once and compared with many.
#[derive(Clone, Copy, Debug)]
pub(super) struct ParsedId<'i> {
    text: &'i OpaqueId<'i>,
    /// The revision inside the id, if it may be a derived one.
    revision: Option<Revision>,
}

impl DeclarationId<'_> {
    /// The revision of the change that stored the declaration.
    pub(super) fn revision(self) -> Revision {
        match self {
            Self::Derived(revision) | Self::Assigned(revision, _) => revision,
        }
    }

    /// Whether it is the id named, for a declaration recorded at this time.
    pub(super) fn is(self, named: &ParsedId<'_>, recorded_at: Instant, ids: DeclarationIds) -> bool {
        match self {
            Self::Derived(revision) => {
                named.revision == Some(revision) && ids.is(named.text, recorded_at, revision)
            }
            Self::Assigned(_, text) => text == named.text.as_str(),
        }
    }

    pub(super) fn to_owned_id(self) -> OwnedDeclarationId {
        match self {
            Self::Derived(revision) => OwnedDeclarationId::Derived(revision),
            Self::Assigned(revision, text) => OwnedDeclarationId::Assigned(revision, text.to_owned()),
        }
    }
}

impl OwnedDeclarationId {
    /// The id of the declaration that a change stored; it is derived if none was assigned.
    pub(super) fn new(revision: Revision, assigned: Option<&OpaqueId<'_>>) -> Self {
        match assigned {
            None => Self::Derived(revision),
            Some(id) => Self::Assigned(revision, id.as_str().to_owned()),
        }
    }

    pub(super) fn borrowed(&self) -> DeclarationId<'_> {
        match self {
            Self::Derived(revision) => DeclarationId::Derived(*revision),
            Self::Assigned(revision, text) => DeclarationId::Assigned(*revision, text),
        }
    }
}

impl<'i> ParsedId<'i> {
    pub(super) fn new(text: &'i OpaqueId<'i>, ids: DeclarationIds) -> Self {
        Self { text, revision: ids.revision_in(text) }
    }
}
