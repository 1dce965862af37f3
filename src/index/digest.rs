//! A digest of all that decides: replicas that follow one store have the same
//! one at the same revision, or one of them decides by something else.
//!
//! It is the sum of the digests of every declaration and of the directory, so
//! that it does not depend on the order in which they are read or packed, and a
//! change costs no more than what it changes. It has a key of the store's: what
//! is exported tells nothing of anyone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::Sum;

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

use super::key::Client;
use super::slice::{self, Slice};
use crate::policy::day::{Day, Instant};
use crate::policy::declaration::Role;
use crate::policy::directory::Directory;
use crate::policy::facts::{ContentRef, Facts, WithdrawalFacts};
use crate::store::Revision;

/// What the key is for: another use has another key.
const PURPOSE: &[u8] = b"lupa: digests of the index";

/// What is said of a whole is summed up modulo this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateDigest(u64);

/// The state at the last change before a minute began, by the times at which
/// changes were recorded. All replicas mark the same revisions, whenever they
/// read them, so that their digests can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of the last change.
    pub revision: Revision,
    /// Of all that decided then.
    pub digest: StateDigest,
}

/// By what digests are made.
#[derive(Clone)]
pub(super) struct Key(SipHasher13);

/// What a digest is of.
#[derive(Hash)]
enum Part<'p> {
    Declaration(Client<'p>, Decides<'p>),
    Directory(&'p Directory),
}

/// A facts without its place, which is not the same everywhere.
#[derive(Hash)]
struct Decides<'p> {
    content: ContentRef<'p>,
    given_on: Day,
    recorded_at: Instant,
    role: Option<Role>,
    withdrawal: Option<WithdrawalFacts>,
}

impl<'p> From<Facts<'p>> for Decides<'p> {
    fn from(facts: Facts<'p>) -> Self {
        let Facts { place: _, content, given_on, recorded_at, role, withdrawal } = facts;
        Self { content, given_on, recorded_at, role, withdrawal }
    }
}

impl Key {
    pub(super) fn of(store_key: &[u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::new().chain_update(PURPOSE).chain_update(store_key).finalize().into();
        Self(SipHasher13::new_with_key(digest.first_chunk().unwrap_or(&[0; 16])))
    }

    /// Of a declaration of a client, by what of it decides.
    pub(super) fn declaration(&self, client: Client<'_>, facts: Facts<'_>) -> StateDigest {
        self.part(&Part::Declaration(client, facts.into()))
    }

    pub(super) fn directory(&self, directory: &Directory) -> StateDigest {
        self.part(&Part::Directory(directory))
    }

    /// Of every declaration in a slice.
    pub(super) fn slice(&self, slice: &Slice) -> StateDigest {
        let declared = slice.each().flat_map(|(client, entries)| {
            slice::declarations(entries)
                .map(move |(place, entry, more)| self.declaration(client, slice.facts(place, entry, more)))
        });
        declared.sum()
    }

    fn part(&self, part: &Part<'_>) -> StateDigest {
        let mut hasher = self.0;
        part.hash(&mut hasher);
        StateDigest(hasher.finish())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl StateDigest {
    /// As a number, such as to store it.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    pub(super) fn of_number(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

impl Sum for StateDigest {
    fn sum<I: Iterator<Item = Self>>(digests: I) -> Self {
        digests.fold(Self::default(), Self::plus)
    }
}

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
