//! What has changed for a client since the base was packed.

use std::sync::Arc;

use super::entry::Entry;
use super::kept::{Kept, Written};
use super::slice::{self, Slice};
use crate::policy::facts::{Facts, WithdrawalFacts};
use crate::store::DeclarationIds;

/// What has changed for a client since the base was packed.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    /// Declarations after those of the base, in revision order.
    pub(super) added: Vec<Arc<Kept>>,
    /// How declarations of the base have ended since, by where they begin.
    pub(super) endings: Vec<(u32, WithdrawalFacts)>,
}

impl Delta {
    /// Adds a declaration.
    pub(super) fn declare(&mut self, kept: Kept) {
        self.added.push(Arc::new(kept));
    }

    /// Notes the end of a declaration; a later one stands. Tells what is ended,
    /// and how it was before. There is nothing to end if the client has no such
    /// declaration.
    pub(super) fn end<'e>(
        &'e mut self,
        id: &Written<'_>,
        withdrawal: WithdrawalFacts,
        ids: DeclarationIds,
        base: (&'e Slice, &[Entry]),
    ) -> Option<(Facts<'e>, Option<WithdrawalFacts>)> {
        let added = self.added.iter().rposition(|kept| kept.id().is(id, kept.recorded_at, ids));
        if let Some(place) = added {
            let kept = Arc::make_mut(self.added.get_mut(place)?);
            let before = kept.withdrawal.replace(withdrawal);
            return Some((kept.facts(0), before));
        }
        let (slice, entries) = base;
        let has_id = |entry: Entry, more: Option<Entry>| {
            let recorded_at = slice.facts(0, entry, more).recorded_at;
            slice.id(entry, more).is_some_and(|found| found.is(id, recorded_at, ids))
        };
        // The last of those with the id, as for one that is added.
        let found = slice::declarations(entries).filter(|(_, entry, more)| has_id(*entry, *more)).last();
        let (place, entry, more) = found?;
        let facts = slice.facts(place, entry, more);
        let before = self.withdrawal(place).or(facts.withdrawal);
        self.endings.retain(|(ended, _)| *ended != place);
        self.endings.push((place, withdrawal));
        Some((Facts { withdrawal: Some(withdrawal), ..facts }, before))
    }

    /// How a declaration of the base has ended since.
    pub(super) fn withdrawal(&self, place: u32) -> Option<WithdrawalFacts> {
        self.endings.iter().find(|(ended, _)| *ended == place).map(|(_, withdrawal)| *withdrawal)
    }
}
