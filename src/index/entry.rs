//! A declaration in sixteen bytes.
//!
//! ```text
//!  bits  52           2     1     15        23         35
//!        recorded at  kind  more  given on  reference  revision
//! ```
//!
//! Times are in microseconds since 1970 and days are counted from 1990. The
//! reference is a position in the slice's table of contents of that kind. A
//! second entry, the continuation, follows if the declaration was withdrawn,
//! was not declared by the client in person or has an assigned id. A
//! declaration that does not fit is stored unpacked, in a table of its own.
//!
//! This file and the checkpoint's (`slice/bytes.rs`) are the only ones of the
//! index that list the fields of [`Facts`].

use crate::policy::day::{Day, Instant};
use crate::policy::declaration::{Kind, Role};
use crate::policy::facts::{ContentRef, Facts, WithdrawalFacts};
use crate::store::Revision;

/// A packed declaration, or one of the two entries of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedEntry(pub(super) [u64; 2]);

/// The contents of a declaration's first entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryHeader {
    pub(super) recorded_at: Instant,
    pub(super) given_on: Day,
    pub(super) revision: Revision,
    pub(super) content: ContentKind,
    pub(super) has_continuation: bool,
}

/// The kind of a declaration's content, and its position in the table of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentKind {
    Information(u32),
    Consent(u32),
    Denial(u32),
    /// It cannot be read; it is in no table.
    Unreadable(Kind),
    /// The declaration is stored unpacked; the position is that of the whole.
    Unpacked(u32),
}

/// The contents of a declaration's second entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Continuation {
    pub(super) withdrawal: Option<WithdrawalFacts>,
    pub(super) role: Option<Role>,
    /// Position of the assigned id; none = the id is derived.
    pub(super) assigned_id: Option<u32>,
}

/// Bits of an entry.
#[derive(Clone, Copy)]
struct BitField {
    from: u32,
    bits: u32,
}

const RECORDED_AT: BitField = BitField { from: 0, bits: 52 };
const KIND: BitField = BitField { from: 52, bits: 2 };
const HAS_CONTINUATION: BitField = BitField { from: 54, bits: 1 };
const GIVEN_ON: BitField = BitField { from: 55, bits: 15 };
const REFERENCE: BitField = BitField { from: 70, bits: 23 };
const REVISION: BitField = BitField { from: 93, bits: 35 };

const WITHDRAWN_AT: BitField = BitField { from: 0, bits: 52 };
const IS_WITHDRAWN: BitField = BitField { from: 52, bits: 1 };
const WITHDRAWN_BY: BitField = BitField { from: 53, bits: 3 };
const ROLE: BitField = BitField { from: 56, bits: 3 };
const HAS_ASSIGNED_ID: BitField = BitField { from: 59, bits: 1 };
const ASSIGNED_ID: BitField = BitField { from: 64, bits: 28 };
const WITHDRAWAL_GIVEN_ON: BitField = BitField { from: 92, bits: 15 };

/// References of kind 3: below this list's length the kind of an unreadable
/// declaration, from there on a position in the table of unpacked ones.
const UNREADABLE: [Kind; 3] = [Kind::Information, Kind::Consent, Kind::Denial];

impl BitField {
    const fn max(self) -> u64 {
        (1 << self.bits) - 1
    }

    fn of(self, entry: PackedEntry) -> u64 {
        ((entry.bits() >> self.from) as u64) & self.max()
    }

    /// The bits of a value, if it fits.
    fn with(self, value: u64) -> Option<u128> {
        (value <= self.max()).then_some(u128::from(value) << self.from)
    }
}

impl PackedEntry {
    fn bits(self) -> u128 {
        let Self([low, high]) = self;
        u128::from(low) | (u128::from(high) << u64::BITS)
    }

    fn of_bits(bits: u128) -> Self {
        Self([bits as u64, (bits >> u64::BITS) as u64])
    }

    pub(super) fn has_continuation(self) -> bool {
        HAS_CONTINUATION.of(self) == 1
    }

    /// Packs a declaration whose content and id are in tables; none if something does not fit.
    pub(super) fn pack(
        facts: &Facts<'_>,
        revision: Revision,
        content: ContentKind,
        assigned_id: Option<u32>,
    ) -> Option<(Self, Option<Self>)> {
        let Facts { place: _, content: _, given_on, recorded_at, role, withdrawal } = *facts;
        let continuation = Continuation { withdrawal, role, assigned_id };
        let has_continuation = continuation != Continuation::DEFAULT;
        Self::encode(
            &EntryHeader { recorded_at, given_on, revision, content, has_continuation },
            &continuation,
        )
    }

    /// One entry or two, by the header; none if something does not fit.
    pub(super) fn encode(header: &EntryHeader, continuation: &Continuation) -> Option<(Self, Option<Self>)> {
        let first = Self::header(header)?;
        Some((first, if header.has_continuation { Some(Self::continuation(continuation)?) } else { None }))
    }

    fn header(header: &EntryHeader) -> Option<Self> {
        let EntryHeader { recorded_at, given_on, revision, content, has_continuation } = *header;
        let (kind, reference) = match content {
            ContentKind::Information(place) => (0, place),
            ContentKind::Consent(place) => (1, place),
            ContentKind::Denial(place) => (2, place),
            ContentKind::Unreadable(Kind::Information) => (3, 0),
            ContentKind::Unreadable(Kind::Consent) => (3, 1),
            ContentKind::Unreadable(Kind::Denial) => (3, 2),
            ContentKind::Unpacked(place) => (3, place.checked_add(3)?),
        };
        let bits = RECORDED_AT.with(u64::try_from(recorded_at.timestamp_micros()).ok()?)?
            | KIND.with(kind)?
            | HAS_CONTINUATION.with(has_continuation.into())?
            | GIVEN_ON.with(given_on.since_1990()?.into())?
            | REFERENCE.with(reference.into())?
            | REVISION.with(revision.0)?;
        Some(Self::of_bits(bits))
    }

    /// The entry of a declaration that is stored unpacked; none if there are too many.
    pub(super) fn unpacked(place: u32, revision: Revision) -> Option<Self> {
        let reference = REFERENCE.with(place.checked_add(3)?.into())?;
        // One that does not fit is read from the unpacked declaration.
        let revision = REVISION.with(revision.0).unwrap_or_default();
        Some(Self::of_bits(KIND.with(3)? | reference | revision))
    }

    /// Reads a first entry; none if [`Self::encode`] cannot have written it.
    #[inline]
    pub(super) fn read_header(self) -> Option<EntryHeader> {
        let place = REFERENCE.of(self) as u32;
        let content = match KIND.of(self) {
            0 => ContentKind::Information(place),
            1 => ContentKind::Consent(place),
            2 => ContentKind::Denial(place),
            _ => match UNREADABLE.get(place as usize) {
                Some(kind) => ContentKind::Unreadable(*kind),
                None => ContentKind::Unpacked(place - 3),
            },
        };
        Some(EntryHeader {
            recorded_at: instant(RECORDED_AT.of(self))?,
            given_on: Day::from_1990(GIVEN_ON.of(self) as u16)?,
            revision: Revision(REVISION.of(self)),
            content,
            has_continuation: self.has_continuation(),
        })
    }

    fn continuation(continuation: &Continuation) -> Option<Self> {
        let Continuation { withdrawal, role, assigned_id } = *continuation;
        let mut bits = ROLE.with(number_of(role))?;
        if let Some(WithdrawalFacts { recorded_at, given_on, role }) = withdrawal {
            bits |= WITHDRAWN_AT.with(u64::try_from(recorded_at.timestamp_micros()).ok()?)?
                | IS_WITHDRAWN.with(1)?
                | WITHDRAWAL_GIVEN_ON.with(given_on.since_1990()?.into())?
                | WITHDRAWN_BY.with(number_of(role))?;
        }
        if let Some(place) = assigned_id {
            bits |= HAS_ASSIGNED_ID.with(1)? | ASSIGNED_ID.with(place.into())?;
        }
        Some(Self::of_bits(bits))
    }

    /// Reads a second entry; none if [`Self::encode`] cannot have written it.
    #[inline]
    fn read_continuation(self) -> Option<Continuation> {
        let withdrawal = if IS_WITHDRAWN.of(self) == 1 {
            let role = role_of(WITHDRAWN_BY.of(self));
            let given_on = Day::from_1990(WITHDRAWAL_GIVEN_ON.of(self) as u16)?;
            Some(WithdrawalFacts { recorded_at: instant(WITHDRAWN_AT.of(self))?, given_on, role })
        } else {
            None
        };
        let assigned_id = (HAS_ASSIGNED_ID.of(self) == 1).then_some(ASSIGNED_ID.of(self) as u32);
        Some(Continuation { withdrawal, role: role_of(ROLE.of(self)), assigned_id })
    }
}

impl EntryHeader {
    /// The facts of a packed declaration.
    #[inline]
    pub(super) fn facts<'c>(
        self,
        place: u32,
        content: ContentRef<'c>,
        continuation: Continuation,
    ) -> Facts<'c> {
        let Self { recorded_at, given_on, revision: _, content: _, has_continuation: _ } = self;
        let Continuation { withdrawal, role, assigned_id: _ } = continuation;
        Facts { place, content, given_on, recorded_at, role, withdrawal }
    }
}

impl Continuation {
    /// A declaration with these values has no second entry.
    const DEFAULT: Self = Self { withdrawal: None, role: Some(Role::Client), assigned_id: None };

    /// Reads a second entry, if there is one.
    #[inline]
    pub(super) fn read(second: Option<PackedEntry>) -> Option<Self> {
        second.map_or(Some(Self::DEFAULT), PackedEntry::read_continuation)
    }
}

impl ContentKind {
    /// The kind alone, and the position, which a stage keeps outside the entry.
    pub(super) fn split(self) -> (Self, u32) {
        match self {
            Self::Information(place) => (Self::Information(0), place),
            Self::Consent(place) => (Self::Consent(0), place),
            Self::Denial(place) => (Self::Denial(0), place),
            Self::Unreadable(kind) => (Self::Unreadable(kind), 0),
            Self::Unpacked(place) => (Self::Unpacked(0), place),
        }
    }

    /// The same kind at a position.
    pub(super) fn at(self, place: u32) -> Self {
        match self {
            Self::Information(_) => Self::Information(place),
            Self::Consent(_) => Self::Consent(place),
            Self::Denial(_) => Self::Denial(place),
            Self::Unreadable(kind) => Self::Unreadable(kind),
            Self::Unpacked(_) => Self::Unpacked(place),
        }
    }
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

/// An unknown number is read as no role, which is the most restrictive reading.
pub(super) fn role_of(number: u64) -> Option<Role> {
    match number {
        1 => Some(Role::Client),
        2 => Some(Role::Guardian),
        3 => Some(Role::LegalRepresentative),
        4 => Some(Role::AuthorisedPerson),
        _ => None,
    }
}
