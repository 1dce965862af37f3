//! A declaration that is not packed into sixteen bytes: one recorded since the
//! last merge, or one that does not fit.

use super::declaration_id::{OwnedDeclarationId, ParsedId};
use crate::policy::facts::OwnedFacts;
use crate::policy::oid::OpaqueId;
use crate::store::{DeclarationIds, Revision};

/// A declaration of the overlay: its facts, whole, and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OverlayEntry {
    pub(super) id: OwnedDeclarationId,
    pub(super) facts: OwnedFacts,
}

impl OverlayEntry {
    /// A declaration as a change of the store brings it.
    pub(super) fn new(revision: Revision, assigned_id: Option<&OpaqueId<'_>>, facts: OwnedFacts) -> Self {
        Self { id: OwnedDeclarationId::new(revision, assigned_id), facts }
    }

    /// Whether it has the id named.
    pub(super) fn has_id(&self, named: &ParsedId<'_>, ids: DeclarationIds) -> bool {
        self.id.borrowed().is(named, self.facts.recorded_at, ids)
    }
}
