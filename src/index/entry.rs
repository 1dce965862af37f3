//! A declaration in sixteen bytes.
//!
//! ```text
//!  bits  52           2     1     15        23         35
//!        recorded at  kind  more  given on  reference  revision
//! ```
//!
//! Times are in microseconds since 1970, days are counted from 1990, and the
//! reference is a place in the slice's table of what declarations of the kind
//! say. A declaration that was ended, was not declared by the client
//! themselves or has an id that was told has a second entry with what is more
//! to say; one that does not fit is kept whole in a table of its own.

use crate::policy::day::{Day, Instant};
use crate::policy::declaration::{Kind, Role};
use crate::policy::facts::WithdrawalFacts;
use crate::store::Revision;

/// Half of a declaration or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(pub(super) [u64; 2]);

/// What the first entry of a declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    pub(super) recorded_at: Instant,
    pub(super) given_on: Day,
    pub(super) revision: Revision,
    pub(super) says: Says,
    pub(super) has_more: bool,
}

/// Where to find what a declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Information(u32),
    Consent(u32),
    Denial(u32),
    Unreadable(Kind),
    /// The whole declaration.
    Kept(u32),
}

/// What the second entry of a declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct More {
    pub(super) withdrawal: Option<WithdrawalFacts>,
    pub(super) role: Option<Role>,
    /// Where its id is; none = it follows from the time and the revision.
    pub(super) told_id: Option<u32>,
}

/// Bits of an entry.
#[derive(Clone, Copy)]
struct Field {
    from: u32,
    bits: u32,
}

const RECORDED_AT: Field = Field { from: 0, bits: 52 };
const KIND: Field = Field { from: 52, bits: 2 };
const HAS_MORE: Field = Field { from: 54, bits: 1 };
const GIVEN_ON: Field = Field { from: 55, bits: 15 };
const REFERENCE: Field = Field { from: 70, bits: 23 };
const REVISION: Field = Field { from: 93, bits: 35 };

const ENDED_AT: Field = Field { from: 0, bits: 52 };
const IS_ENDED: Field = Field { from: 52, bits: 1 };
const ENDED_BY: Field = Field { from: 53, bits: 3 };
const ROLE: Field = Field { from: 56, bits: 3 };
const HAS_TOLD_ID: Field = Field { from: 59, bits: 1 };
const TOLD_ID: Field = Field { from: 64, bits: 28 };
const END_GIVEN_ON: Field = Field { from: 92, bits: 15 };

/// Of kind 3 a reference is one of these, or, from the last on, a place among what is kept whole.
const UNREADABLE: [Kind; 3] = [Kind::Information, Kind::Consent, Kind::Denial];

impl Field {
    const fn max(self) -> u64 {
        (1 << self.bits) - 1
    }

    fn of(self, entry: Entry) -> u64 {
        ((entry.bits() >> self.from) as u64) & self.max()
    }

    /// The bits with a value, if it fits.
    fn with(self, value: u64) -> Option<u128> {
        (value <= self.max()).then_some(u128::from(value) << self.from)
    }
}

impl Entry {
    fn bits(self) -> u128 {
        let Self([low, high]) = self;
        u128::from(low) | (u128::from(high) << u64::BITS)
    }

    fn of_bits(bits: u128) -> Self {
        Self([bits as u64, (bits >> u64::BITS) as u64])
    }

    pub(super) fn has_more(self) -> bool {
        HAS_MORE.of(self) == 1
    }

    pub(super) fn revision(self) -> Revision {
        Revision(REVISION.of(self))
    }

    /// The entry, if all of it fits.
    pub(super) fn first(first: &First) -> Option<Self> {
        let First { recorded_at, given_on, revision, says, has_more } = *first;
        let (kind, reference) = match says {
            Says::Information(place) => (0, place),
            Says::Consent(place) => (1, place),
            Says::Denial(place) => (2, place),
            Says::Unreadable(Kind::Information) => (3, 0),
            Says::Unreadable(Kind::Consent) => (3, 1),
            Says::Unreadable(Kind::Denial) => (3, 2),
            Says::Kept(place) => (3, place.checked_add(3)?),
        };
        let bits = RECORDED_AT.with(u64::try_from(recorded_at.timestamp_micros()).ok()?)?
            | KIND.with(kind)?
            | HAS_MORE.with(has_more.into())?
            | GIVEN_ON.with(given_on.since_1990()?.into())?
            | REFERENCE.with(reference.into())?
            | REVISION.with(revision.0)?;
        Some(Self::of_bits(bits))
    }

    /// The entry of a declaration that is kept whole; none if there are too many.
    pub(super) fn kept(place: u32, revision: Revision) -> Option<Self> {
        let reference = REFERENCE.with(place.checked_add(3)?.into())?;
        // What does not fit is in what is kept.
        let revision = REVISION.with(revision.0).unwrap_or_default();
        Some(Self::of_bits(KIND.with(3)? | reference | revision))
    }

    /// What a first entry says; none if no entry can say it.
    pub(super) fn read_first(self) -> Option<First> {
        let place = REFERENCE.of(self) as u32;
        let says = match KIND.of(self) {
            0 => Says::Information(place),
            1 => Says::Consent(place),
            2 => Says::Denial(place),
            _ => match UNREADABLE.get(place as usize) {
                Some(kind) => Says::Unreadable(*kind),
                None => Says::Kept(place - 3),
            },
        };
        Some(First {
            recorded_at: instant(RECORDED_AT.of(self))?,
            given_on: Day::from_1990(GIVEN_ON.of(self) as u16)?,
            revision: self.revision(),
            says,
            has_more: self.has_more(),
        })
    }

    /// The second entry, if all of it fits.
    pub(super) fn more(more: &More) -> Option<Self> {
        let More { withdrawal, role, told_id } = *more;
        let mut bits = ROLE.with(number_of(role))?;
        if let Some(WithdrawalFacts { recorded_at, given_on, role }) = withdrawal {
            bits |= ENDED_AT.with(u64::try_from(recorded_at.timestamp_micros()).ok()?)?
                | IS_ENDED.with(1)?
                | END_GIVEN_ON.with(given_on.since_1990()?.into())?
                | ENDED_BY.with(number_of(role))?;
        }
        if let Some(place) = told_id {
            bits |= HAS_TOLD_ID.with(1)? | TOLD_ID.with(place.into())?;
        }
        Some(Self::of_bits(bits))
    }

    /// What a second entry says; none if no entry can say it.
    pub(super) fn read_more(self) -> Option<More> {
        let withdrawal = if IS_ENDED.of(self) == 1 {
            let role = role_of(ENDED_BY.of(self));
            let given_on = Day::from_1990(END_GIVEN_ON.of(self) as u16)?;
            Some(WithdrawalFacts { recorded_at: instant(ENDED_AT.of(self))?, given_on, role })
        } else {
            None
        };
        let told_id = (HAS_TOLD_ID.of(self) == 1).then_some(TOLD_ID.of(self) as u32);
        Some(More { withdrawal, role: role_of(ROLE.of(self)), told_id })
    }
}

impl More {
    /// What need not be said.
    pub(super) const NOTHING: Self = Self { withdrawal: None, role: Some(Role::Client), told_id: None };
}

fn instant(micros: u64) -> Option<Instant> {
    Instant::from_timestamp_micros(i64::try_from(micros).ok()?)
}

pub(super) fn number_of(role: Option<Role>) -> u64 {
    match role {
        None => 0,
        Some(Role::Client) => 1,
        Some(Role::Guardian) => 2,
        Some(Role::LegalRepresentative) => 3,
        Some(Role::AuthorisedPerson) => 4,
    }
}

/// A number that no role has is read as none: no role told may nothing.
pub(super) fn role_of(number: u64) -> Option<Role> {
    match number {
        1 => Some(Role::Client),
        2 => Some(Role::Guardian),
        3 => Some(Role::LegalRepresentative),
        4 => Some(Role::AuthorisedPerson),
        _ => None,
    }
}
