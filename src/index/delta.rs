//! The overlay's part of one client: the changes since the last merge.

use std::sync::Arc;

use super::declaration_id::ParsedId;
use super::entry::PackedEntry;
use super::overlay_entry::OverlayEntry;
use super::slice::{self, Slice};
use crate::policy::facts::{Facts, WithdrawalFacts};
use crate::store::DeclarationIds;

/// The changes of one client since its slice of the base was last merged.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    /// Declarations after those of the base, in revision order.
    pub(super) added: Vec<Arc<OverlayEntry>>,
    /// Withdrawals of declarations of the base, by the place of the declaration.
    pub(super) withdrawals: Vec<(u32, WithdrawalFacts)>,
    /// A link has named the client since then.
    pub(super) is_linked: bool,
}

impl Delta {
    /// Adds a declaration.
    pub(super) fn declare(&mut self, entry: OverlayEntry) {
        self.added.push(Arc::new(entry));
    }

    /// Applies a withdrawal, in place of an earlier one. Returns the declaration
    /// as it is now, and its previous withdrawal; none if the client has no
    /// declaration with the id.
    pub(super) fn withdraw<'e>(
        &'e mut self,
        id: &ParsedId<'_>,
        withdrawal: WithdrawalFacts,
        ids: DeclarationIds,
        base: (&'e Slice, &[PackedEntry]),
    ) -> Option<(Facts<'e>, Option<WithdrawalFacts>)> {
        if let Some(at) = self.added.iter().rposition(|entry| entry.has_id(id, ids)) {
            let OverlayEntry { id: _, facts } = Arc::make_mut(self.added.get_mut(at)?);
            let before = facts.withdrawal.replace(withdrawal);
            return Some((facts.as_facts(0), before));
        }
        let (slice, entries) = base;
        let has_id = |entry: PackedEntry, second: Option<PackedEntry>| {
            let recorded_at = slice.facts(0, entry, second).recorded_at;
            slice.id(entry, second).is_some_and(|found| found.is(id, recorded_at, ids))
        };
        // The last one with the id, as among those added.
        let found = slice::declarations(entries).filter(|(_, entry, second)| has_id(*entry, *second)).last();
        let (place, entry, second) = found?;
        let facts = slice.facts(place, entry, second);
        let before = self.withdrawal(place).or(facts.withdrawal);
        self.withdrawals.retain(|(withdrawn, _)| *withdrawn != place);
        self.withdrawals.push((place, withdrawal));
        Some((Facts { withdrawal: Some(withdrawal), ..facts }, before))
    }

    /// The withdrawal of a declaration of the base since the last merge.
    pub(super) fn withdrawal(&self, place: u32) -> Option<WithdrawalFacts> {
        self.withdrawals.iter().find(|(withdrawn, _)| *withdrawn == place).map(|(_, withdrawal)| *withdrawal)
    }
}
