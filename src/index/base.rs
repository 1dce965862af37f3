//! The packed base: slices, each for a range of hashes. A merge replaces one
//! slice at a time.

use std::sync::Arc;

use super::entry::PackedEntry;
use super::key::{ClientHash, HashedClient, SLICES, Seed};
use super::slice::{BaseBytes, Slice};

/// The declarations up to the last merge of each slice. Immutable; a successor
/// shares the unchanged slices.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) seed: Seed,
    slices: Box<[Arc<Slice>]>,
}

impl Base {
    /// A base of these slices, in order; none unless there are [`SLICES`] of them.
    pub(super) fn of(seed: Seed, slices: Vec<Arc<Slice>>) -> Option<Self> {
        (slices.len() == SLICES).then(|| Self { seed, slices: slices.into() })
    }

    /// The slice of a client, the client's entries, and whether a link has ever
    /// named the client.
    #[inline]
    pub(super) fn find(
        &self,
        hash: ClientHash,
        client: HashedClient<'_>,
    ) -> (Option<&Slice>, &[PackedEntry], bool) {
        match self.slices.get(hash.slice()) {
            Some(slice) => {
                let (entries, is_linked) = slice.entries_of(hash, client);
                (Some(slice), entries, is_linked)
            }
            // Does not happen: every hash has a slice.
            None => (None, &[], false),
        }
    }

    /// Every slice, in the order of the hashes.
    pub(super) fn slices(&self) -> &[Arc<Slice>] {
        &self.slices
    }

    /// The same base with one slice replaced.
    pub(super) fn with(&self, place: usize, slice: Slice) -> Self {
        let mut slices = self.slices.clone();
        if let Some(at) = slices.get_mut(place) {
            *at = Arc::new(slice);
        }
        Self { seed: self.seed, slices }
    }

    /// Number of clients with declarations.
    pub(super) fn clients(&self) -> usize {
        self.slices.iter().map(|slice| slice.clients()).sum()
    }

    /// Number of declarations.
    pub(super) fn declarations(&self) -> usize {
        self.slices.iter().map(|slice| slice.declarations()).sum()
    }

    /// Sizes in bytes of its parts.
    pub(super) fn bytes(&self) -> BaseBytes {
        let mut bytes = BaseBytes::default();
        self.slices.iter().for_each(|slice| bytes += slice.bytes());
        bytes
    }
}
