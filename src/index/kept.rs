//! A declaration as it is kept until it is packed.

use crate::policy::day::{Day, Instant};
use crate::policy::declaration::{Content, Role};
use crate::policy::facts::{ContentRef, Facts, OwnedFacts, WithdrawalFacts};
use crate::policy::oid::OpaqueId;
use crate::store::{DeclarationIds, Revision};

/// A declaration as it is kept until it is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) id: KeptId,
    pub(super) content: Content,
    pub(super) given_on: Day,
    pub(super) recorded_at: Instant,
    pub(super) role: Option<Role>,
    pub(super) withdrawal: Option<WithdrawalFacts>,
}

/// The id of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeptId {
    /// It follows from the time and the revision.
    Derived(Revision),
    /// It was told.
    Told(Revision, String),
}

/// The id of a declaration, kept elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) enum Id<'a> {
    /// See [`KeptId::Derived`].
    Derived(Revision),
    /// See [`KeptId::Told`].
    Told(Revision, &'a str),
}

/// An id that someone wrote, to be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'i> {
    id: &'i OpaqueId<'i>,
    /// The revision that it tells, if it is derived.
    revision: Option<Revision>,
}

impl Kept {
    /// A declaration as it was loaded.
    pub(super) fn loaded(facts: OwnedFacts, told_id: Option<OpaqueId<'static>>, revision: Revision) -> Self {
        let OwnedFacts { content, given_on, recorded_at, role, withdrawal } = facts;
        let id = match told_id {
            None => KeptId::Derived(revision),
            Some(id) => KeptId::Told(revision, id.as_str().to_owned()),
        };
        Self { id, content, given_on, recorded_at, role, withdrawal }
    }

    /// What of it decides.
    pub(super) fn facts(&self, place: u32) -> Facts<'_> {
        let Self { id: _, content, given_on, recorded_at, role, withdrawal } = self;
        Facts {
            place,
            content: ContentRef::of(content),
            given_on: *given_on,
            recorded_at: *recorded_at,
            role: *role,
            withdrawal: *withdrawal,
        }
    }

    /// Its id.
    pub(super) fn id(&self) -> Id<'_> {
        match &self.id {
            KeptId::Derived(revision) => Id::Derived(*revision),
            KeptId::Told(revision, id) => Id::Told(*revision, id),
        }
    }
}

impl From<(&Facts<'_>, Id<'_>)> for Kept {
    fn from((facts, id): (&Facts<'_>, Id<'_>)) -> Self {
        let Facts { place: _, content, given_on, recorded_at, role, withdrawal } = *facts;
        let id = match id {
            Id::Derived(revision) => KeptId::Derived(revision),
            Id::Told(revision, id) => KeptId::Told(revision, id.to_owned()),
        };
        Self { id, content: content.to_content(), given_on, recorded_at, role, withdrawal }
    }
}

impl Id<'_> {
    /// As which change the declaration was stored.
    pub(super) fn revision(self) -> Revision {
        match self {
            Self::Derived(revision) | Self::Told(revision, _) => revision,
        }
    }

    /// Whether it is an id that someone wrote, of a declaration recorded at a time.
    pub(super) fn is(self, written: &Written<'_>, recorded_at: Instant, ids: DeclarationIds) -> bool {
        match self {
            Self::Derived(revision) => {
                written.revision == Some(revision) && ids.is(written.id, recorded_at, revision)
            }
            Self::Told(_, told) => told == written.id.as_str(),
        }
    }
}

impl<'i> Written<'i> {
    pub(super) fn new(id: &'i OpaqueId<'i>, ids: DeclarationIds) -> Self {
        Self { id, revision: ids.revision_in(id) }
    }
}
