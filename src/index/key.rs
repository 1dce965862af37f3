//! Where a client is in the packed base.

use std::hash::{BuildHasher, RandomState};

use crate::policy::client_id::ClientId;

/// The base is in so many slices, each for a range of hashes.
pub(super) const SLICES: usize = 1 << SLICE_BITS;
const SLICE_BITS: u32 = 11;

/// The fraction of the golden ratio: odd, with as many ones as zeros.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// By what clients are hashed. It is random and stays secret, because whoever
/// asks chooses the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(pub(super) [u64; 2]);

/// A client's hash, by which all clients are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Hash(u64);

/// A client as it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client<'a> {
    /// By the number of the identity code.
    National(u32),
    /// Of another system.
    Other(&'a ClientId),
}

impl<'a> From<&'a ClientId> for Client<'a> {
    fn from(client: &'a ClientId) -> Self {
        match client {
            ClientId::National(code) => Self::National(code.number()),
            ClientId::Other { .. } => Self::Other(client),
        }
    }
}

impl Seed {
    /// Another one each time, from the system's random source.
    pub(super) fn random() -> Self {
        let random = RandomState::new();
        Self([random.hash_one(0_u8), random.hash_one(1_u8)])
    }

    /// The hash of a client.
    pub(super) fn hash(self, client: Client<'_>) -> Hash {
        match client {
            Client::National(number) => self.hash_number(number),
            Client::Other(other) => {
                let Self([start, factor]) = self;
                let mut state = start;
                for text in [other.root(), other.extension()] {
                    let (words, rest) = text.as_bytes().as_chunks();
                    for word in words {
                        state = fold(state ^ u64::from_le_bytes(*word), factor);
                    }
                    let last = rest.iter().fold(0, |last, byte| (last << 8) | u64::from(*byte));
                    state = fold(state ^ last ^ (text.len() as u64).rotate_left(56), factor);
                }
                Hash(fold(state, GOLDEN))
            }
        }
    }

    fn hash_number(self, number: u32) -> Hash {
        let Self([start, factor]) = self;
        Hash(fold(fold(u64::from(number) ^ start, factor) ^ start, GOLDEN))
    }
}

impl Hash {
    /// The slice in which a client is.
    pub(super) fn slice(self) -> usize {
        (self.0 >> (u64::BITS - SLICE_BITS)) as usize
    }

    /// Where in its slice a client is at best, of so many places.
    pub(super) fn home(self, places: usize) -> usize {
        let within = u128::from(self.0 << SLICE_BITS);
        ((within * places as u128) >> u64::BITS) as usize
    }
}

/// Multiplies by an odd number and folds both halves of the product.
fn fold(word: u64, factor: u64) -> u64 {
    let product = u128::from(word) * u128::from(factor | 1);
    (product as u64) ^ ((product >> u64::BITS) as u64)
}
