//! What has changed for a client since the base was packed.

use std::sync::Arc;

use super::entry::Entry;
use super::kept::{Kept, Written};
use super::slice::{self, Slice};
use crate::policy::gist::{Ending, Gist};
use crate::store::DeclarationIds;

/// What has changed for a client since the base was packed.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    /// Declarations after those of the base, in revision order.
    pub(super) added: Vec<Arc<Kept>>,
    /// How declarations of the base have ended since, by where they begin.
    pub(super) endings: Vec<(u32, Ending)>,
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
        ending: Ending,
        ids: DeclarationIds,
        base: (&'e Slice, &[Entry]),
    ) -> Option<(Gist<'e>, Option<Ending>)> {
        let added = self.added.iter().rposition(|kept| kept.id().is(id, kept.recorded_at, ids));
        if let Some(place) = added {
            let kept = Arc::make_mut(self.added.get_mut(place)?);
            let before = kept.ending.replace(ending);
            return Some((kept.gist(0), before));
        }
        let (slice, entries) = base;
        let has_id = |entry: Entry, more: Option<Entry>| {
            let recorded_at = slice.gist(0, entry, more).recorded_at;
            slice.id(entry, more).is_some_and(|found| found.is(id, recorded_at, ids))
        };
        // The last of those with the id, as for one that is added.
        let found = slice::declarations(entries).filter(|(_, entry, more)| has_id(*entry, *more)).last();
        let (place, entry, more) = found?;
        let gist = slice.gist(place, entry, more);
        let before = self.ending(place).or(gist.ending);
        self.endings.retain(|(ended, _)| *ended != place);
        self.endings.push((place, ending));
        Some((Gist { ending: Some(ending), ..gist }, before))
    }

    /// How a declaration of the base has ended since.
    pub(super) fn ending(&self, place: u32) -> Option<Ending> {
        self.endings.iter().find(|(ended, _)| *ended == place).map(|(_, ending)| *ending)
    }
}
