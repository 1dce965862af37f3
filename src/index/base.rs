//! The packed base: slices, each for a range of hashes.

use std::sync::Arc;

use super::entry::Entry;
use super::key::{Client, Hash, SLICES, Seed};
use super::slice::{BaseBytes, Slice};

/// What was declared until the base was packed. Immutable; a successor shares
/// the slices that did not change.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) seed: Seed,
    slices: Box<[Arc<Slice>]>,
}

impl Base {
    /// Of these slices, in order; none if they are not as many as there must be.
    pub(super) fn of(seed: Seed, slices: Vec<Arc<Slice>>) -> Option<Self> {
        (slices.len() == SLICES).then(|| Self { seed, slices: slices.into() })
    }

    /// The slice in which a client is, and its entries.
    pub(super) fn find(&self, hash: Hash, client: Client<'_>) -> (Option<&Slice>, &[Entry]) {
        match self.slices.get(hash.slice()) {
            Some(slice) => (Some(slice), slice.entries_of(hash, client)),
            // Does not happen: a hash has a slice.
            None => (None, &[]),
        }
    }

    /// Every slice, in the order of the hashes.
    pub(super) fn slices(&self) -> &[Arc<Slice>] {
        &self.slices
    }

    /// The same with another slice at a place.
    pub(super) fn with(&self, place: usize, slice: Slice) -> Self {
        let mut slices = self.slices.clone();
        if let Some(at) = slices.get_mut(place) {
            *at = Arc::new(slice);
        }
        Self { seed: self.seed, slices }
    }

    /// How many clients have declared something.
    pub(super) fn clients(&self) -> usize {
        self.slices.iter().map(|slice| slice.clients()).sum()
    }

    /// How many declarations there are.
    pub(super) fn declarations(&self) -> usize {
        self.slices.iter().map(|slice| slice.declarations()).sum()
    }

    /// How many bytes its parts take.
    pub(super) fn bytes(&self) -> BaseBytes {
        let mut bytes = BaseBytes::default();
        self.slices.iter().for_each(|slice| bytes += slice.bytes());
        bytes
    }
}
