//! The keyed hash by which a client is found in the packed base.

use std::hash::{BuildHasher, RandomState};

use crate::policy::client_id::ClientId;

/// Number of slices of the base, each for a range of hashes.
pub(super) const SLICES: usize = 1 << SLICE_BITS;
const SLICE_BITS: u32 = 11;

/// The fractional part of the golden ratio: odd, with as many ones as zeros.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The secret key of client hashes: random, because callers choose the clients
/// and could otherwise force collisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(pub(super) [u64; 2]);

/// The hash of a client, which also gives the order of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClientHash(u64);

/// A client as it is hashed and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum HashedClient<'a> {
    /// The number of its identity code.
    National(u32),
    /// A client with another identifier.
    Other(&'a ClientId),
}

/// The owned form of [`HashedClient`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ClientKey {
    National(u32),
    Other(ClientId),
}

impl From<HashedClient<'_>> for ClientKey {
    fn from(client: HashedClient<'_>) -> Self {
        match client {
            HashedClient::National(number) => Self::National(number),
            HashedClient::Other(client) => Self::Other(client.clone()),
        }
    }
}

impl ClientKey {
    pub(super) fn borrowed(&self) -> HashedClient<'_> {
        match self {
            Self::National(number) => HashedClient::National(*number),
            Self::Other(client) => HashedClient::Other(client),
        }
    }
}

impl<'a> From<&'a ClientId> for HashedClient<'a> {
    fn from(client: &'a ClientId) -> Self {
        match client {
            ClientId::National(code) => Self::National(code.number()),
            ClientId::Other { .. } => Self::Other(client),
        }
    }
}

impl Seed {
    /// A new seed, from the system's random source.
    pub(super) fn random() -> Self {
        let random = RandomState::new();
        Self([random.hash_one(0_u8), random.hash_one(1_u8)])
    }

    /// The hash of a client.
    pub(super) fn hash(self, client: HashedClient<'_>) -> ClientHash {
        match client {
            HashedClient::National(number) => self.hash_number(number),
            HashedClient::Other(other) => {
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
                ClientHash(fold(state, GOLDEN))
            }
        }
    }

    fn hash_number(self, number: u32) -> ClientHash {
        let Self([start, factor]) = self;
        ClientHash(fold(fold(u64::from(number) ^ start, factor) ^ start, GOLDEN))
    }
}

impl ClientHash {
    /// The slice of the client.
    pub(super) fn slice(self) -> usize {
        (self.0 >> (u64::BITS - SLICE_BITS)) as usize
    }

    /// The home of the client among the places of its slice, where a probe starts.
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
