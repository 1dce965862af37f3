//! Ids of declarations, derived from the time and the revision at which they are stored.
//!
//! Such an id is a UUID of version 7 without random bits:
//!
//! ```text
//!  48 bits            12 bits                      62 bits
//!  milliseconds  │ 7 │ microseconds within, × 4 │ 2 │ tag (24) │ revision (38)
//! ```
//!
//! The index keeps the time and the revision of each declaration anyway, so it saves the 16 bytes of an
//! id for each of the millions of declarations of a country. The tag is a random number of the store: two
//! stores do not give the same id to declarations of the same moment. Within a store the revisions
//! differ, up to [`REVISION_MAX`]. Ids that were imported, or assigned before ids were derived, remain.

use uuid::Uuid;

use super::change::Revision;
use super::random::{NoRandomness, random};
use crate::policy::day::Instant;
use crate::policy::oid::OpaqueId;

/// The last revision that fits an id: 274,877,906,943, or a thousand changes a second for more than eight
/// years.
pub const REVISION_MAX: Revision = Revision((1 << REVISION_BITS) - 1);

const REVISION_BITS: u32 = 38;
const TAG_BITS: u32 = 24;
const MILLIS_BITS: u32 = 48;

/// The length of an id as text.
const ID_BYTES: usize = 36;

/// Derives the ids that a store gives to its declarations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclarationIds {
    tag: u32,
}

impl DeclarationIds {
    /// The ids of the store with this tag. Only its low 24 bits are used.
    pub(super) fn new(tag: u32) -> Self {
        Self { tag: tag & ((1 << TAG_BITS) - 1) }
    }

    /// The ids of a new store.
    pub(super) fn random() -> Result<Self, NoRandomness> {
        Ok(Self::new(u32::from_be_bytes(random()?)))
    }

    /// The tag of the store.
    pub(super) fn tag(self) -> u32 {
        self.tag
    }

    /// The id of the declaration recorded at a time, to the microsecond, as a revision.
    #[must_use]
    pub fn id(self, recorded_at: Instant, revision: Revision) -> OpaqueId<'static> {
        OpaqueId::of_uuid(self.uuid(recorded_at, revision).as_u128())
    }

    /// The same id as ASCII, without an allocation.
    #[must_use]
    pub fn write(self, recorded_at: Instant, revision: Revision) -> [u8; ID_BYTES] {
        let mut text = [0; ID_BYTES];
        self.uuid(recorded_at, revision).as_hyphenated().encode_lower(&mut text);
        text
    }

    /// Whether it is the derived id of the declaration that was recorded at this time with this revision.
    /// An imported id, or one older than derived ids, is not.
    #[must_use]
    pub fn is(self, id: &OpaqueId<'_>, recorded_at: Instant, revision: Revision) -> bool {
        id.as_str().as_bytes() == self.write(recorded_at, revision)
    }

    /// The revision that an id of this store contains. For any other id the result is meaningless: check
    /// with [`DeclarationIds::is`].
    #[must_use]
    pub fn revision_in(self, id: &OpaqueId<'_>) -> Option<Revision> {
        let (_, low) = Uuid::try_parse(id.as_str()).ok()?.as_u64_pair();
        let tag = (low >> REVISION_BITS) & ((1 << TAG_BITS) - 1);
        (tag == u64::from(self.tag)).then_some(Revision(low & REVISION_MAX.0))
    }

    fn uuid(self, recorded_at: Instant, revision: Revision) -> Uuid {
        let micros = recorded_at.timestamp_micros();
        // A time before 1970 wraps around: the id still follows from it.
        let millis = micros.div_euclid(1_000).cast_unsigned() & ((1 << MILLIS_BITS) - 1);
        let within = micros.rem_euclid(1_000).cast_unsigned() << 2;
        let low = (u64::from(self.tag) << REVISION_BITS) | (revision.0 & REVISION_MAX.0);
        Uuid::from_u64_pair((millis << 16) | (7 << 12) | within, (0b10 << 62) | low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Instant {
        Instant::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn the_bits_are_where_they_are_documented() {
        let ids = DeclarationIds::new(0xAB_CDEF);
        let text = ids.write(at(0x0123_4567_89AB * 1_000 + 999), Revision(5));
        assert_eq!(std::str::from_utf8(&text), Ok("01234567-89ab-7f9c-aaf3-7bc000000005"));
        let uuid = Uuid::try_parse_ascii(&text).unwrap();
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        let low = uuid.as_u64_pair().1 & !(0b11 << 62);
        assert_eq!((low >> 38, low & REVISION_MAX.0), (0xAB_CDEF, 5));
    }

    #[test]
    fn an_id_is_one_times_one_revisions_and_one_stores() {
        let ids = DeclarationIds::new(7);
        for micros in [0, 1, -1, 1_700_000_000_000_000, 1_700_000_000_000_999, i64::from(i32::MIN)] {
            for revision in [Revision(1), Revision(2), REVISION_MAX] {
                let id = ids.id(at(micros), revision);
                assert_eq!(ids.revision_in(&id), Some(revision));
                assert_eq!(DeclarationIds::new(8).revision_in(&id), None);
                assert_eq!(id.as_str().as_bytes(), ids.write(at(micros), revision));
                assert!(ids.is(&id, at(micros), revision));
                assert!(!ids.is(&id, at(micros + 1), revision));
                assert!(!ids.is(&id, at(micros), Revision(revision.0 - 1)));
                assert!(!DeclarationIds::new(8).is(&id, at(micros), revision));
            }
        }
        assert!(!ids.is(&OpaqueId::parse("x").unwrap(), at(0), Revision(1)));
    }

    #[test]
    fn ids_sort_by_time_and_then_by_revision() {
        let ids = DeclarationIds::new(0xFF_FFFF);
        let order = [(5, 1), (5, 2), (6, 3), (999, 4), (1_000, 5), (1_000, 6), (1_001, 1)];
        assert!(order.map(|(micros, revision)| ids.write(at(micros), Revision(revision))).is_sorted());
    }
}
