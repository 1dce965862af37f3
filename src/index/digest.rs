//! A digest of the whole state, to detect replicas that have diverged: at one
//! revision all replicas of a store have the same digest, or one of them
//! decides by something else.
//!
//! It is the sum of the digests of each declaration, of each link and of the directory. So it
//! does not depend on the order in which they are read or packed, and a change
//! costs only the digests of what it changes. The key is derived from a secret
//! of the store: a digest that is published reveals nothing about anyone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::Sum;

use siphasher::sip::SipHasher13;

use super::key::HashedClient;
use super::links::WithdrawalElsewhere;
use super::slice::{self, Slice};
use crate::policy::directory::Directory;
use crate::policy::facts::{Facts, WithdrawalFacts};
use crate::policy::link::Link;
use crate::policy::oid::OpaqueId;
use crate::store::Revision;

/// The digest of a state: a sum modulo 2⁶⁴.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateDigest(u64);

/// The state at the last change before a minute started, by the times at which
/// changes were recorded. All replicas take it at the same revisions, whenever
/// they read them, so that their digests can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinuteDigest {
    /// Revision of that change.
    pub revision: Revision,
    /// Digest of the state at that revision.
    pub digest: StateDigest,
}

/// The secret key of digests.
#[derive(Clone)]
pub(super) struct DigestKey(SipHasher13);

/// A summand of a state's digest.
#[derive(Hash)]
enum Summand<'p> {
    Declaration(HashedClient<'p>, Facts<'p>),
    Directory(&'p Directory),
    Link(u64, &'p Link),
    WithdrawalElsewhere(HashedClient<'p>, &'p OpaqueId<'static>, &'p WithdrawalFacts),
}

impl DigestKey {
    /// The key of a store's digests.
    pub(super) fn of(key: &[u8; 32]) -> Self {
        Self(SipHasher13::new_with_key(key.first_chunk().unwrap_or(&[0; 16])))
    }

    /// The digest of a client's declaration.
    pub(super) fn declaration(&self, client: HashedClient<'_>, facts: Facts<'_>) -> StateDigest {
        self.summand(&Summand::Declaration(client, facts))
    }

    pub(super) fn directory(&self, directory: &Directory) -> StateDigest {
        self.summand(&Summand::Directory(directory))
    }

    /// The digest of a link in force, which depends on the order of links.
    pub(super) fn link(&self, revision: Revision, link: &Link) -> StateDigest {
        self.summand(&Summand::Link(revision.0, link))
    }

    /// The digest of a withdrawal under one code of a declaration under another.
    pub(super) fn withdrawal_elsewhere(
        &self,
        client: HashedClient<'_>,
        one: &WithdrawalElsewhere,
    ) -> StateDigest {
        let WithdrawalElsewhere { declaration, withdrawal, revision: _ } = one;
        self.summand(&Summand::WithdrawalElsewhere(client, declaration, withdrawal))
    }

    /// The sum over every declaration of a slice.
    pub(super) fn slice(&self, slice: &Slice) -> StateDigest {
        let declared = slice.each().flat_map(|(client, entries)| {
            slice::declarations(entries).map(move |(place, entry, second)| {
                self.declaration(client, slice.facts(place, entry, second))
            })
        });
        declared.sum()
    }

    fn summand(&self, summand: &Summand<'_>) -> StateDigest {
        let mut hasher = self.0;
        summand.hash(&mut hasher);
        StateDigest(hasher.finish())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

impl StateDigest {
    /// The digest as a number.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::day::{Day, Instant};
    use crate::policy::declaration::{Kind, Role};
    use crate::policy::facts::{ContentRef, WithdrawalFacts};

    /// Checkpoints and other replicas hold such sums: a change of the hashed
    /// bytes would be seen as a divergence.
    #[test]
    fn the_digest_covers_every_fact_but_the_place() {
        let key = DigestKey::of(&[7; 32]);
        let recorded_at = Instant::from_timestamp_micros(1_700_000_000_000_000).unwrap();
        let given_on = Day::of(recorded_at);
        let (content, role) = (ContentRef::Unreadable(Kind::Denial), Some(Role::Guardian));
        let withdrawal = Some(WithdrawalFacts { recorded_at, given_on, role: None });
        let facts = Facts { place: 3, content, given_on, recorded_at, role, withdrawal };
        let client = HashedClient::National(900_001);
        let expected = {
            // The derived hash of an enum starts with the number of the variant.
            let mut hasher = key.0;
            (0_isize, client, (content, given_on, recorded_at, role, withdrawal)).hash(&mut hasher);
            StateDigest(hasher.finish())
        };
        assert_eq!(key.declaration(client, facts), expected);
        assert_eq!(key.declaration(client, Facts { place: 4, ..facts }), expected);
        let role = Some(Role::Client);
        assert_ne!(key.declaration(client, Facts { role, ..facts }), expected);
    }
}
