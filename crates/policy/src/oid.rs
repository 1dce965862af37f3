//! Object identifiers and other opaque identifiers.

use std::borrow::{Borrow, Cow};
use std::fmt;

/// The longest OID accepted, in characters.
pub const OID_CHARACTERS_MAX: usize = 64;

/// The longest opaque id accepted, in characters.
pub const OPAQUE_ID_CHARACTERS_MAX: usize = 128;

/// An object identifier of an organisation or a register, such as
/// `1.2.246.10.32213086.10.0`. Borrowed in requests, owned in stored values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid<'a>(Cow<'a, str>);

/// Text that is not an OID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an OID: write digits separated by dots, such as `1.2.246.10.1`, without leading zeros and in at most {OID_CHARACTERS_MAX} characters"
)]
pub struct InvalidOid;

impl<'a> Oid<'a> {
    /// Parses an OID of at least two arcs, without leading zeros.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, InvalidOid> {
        let text = text.into();
        if is_oid(text.as_bytes()) { Ok(Self(text)) } else { Err(InvalidOid) }
    }

    /// The OID as text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same OID, with its text borrowed from this one.
    #[inline]
    #[must_use]
    pub fn borrowed(&self) -> Oid<'_> {
        Oid(Cow::Borrowed(&self.0))
    }

    /// The same OID, with a text of its own.
    #[must_use]
    pub fn into_owned(self) -> Oid<'static> {
        Oid(Cow::Owned(self.0.into_owned()))
    }
}

fn is_oid(text: &[u8]) -> bool {
    let ([b'0'..=b'2', b'.', ..], [.., b'0'..=b'9']) = (text, text) else { return false };
    // Each byte is checked together with the two before it.
    let is_valid = |window: &[u8]| {
        let (Some(previous), Some(bytes)) = (window.get(1..), window.get(2..)) else { return false };
        window.iter().zip(previous).zip(bytes).fold(true, |is_valid, ((before, previous), byte)| {
            let is_digit = byte.is_ascii_digit();
            let follows_dot = *previous == b'.';
            let has_leading_zero = is_digit & (*previous == b'0') & (*before == b'.');
            is_valid & !has_leading_zero & (is_digit | ((*byte == b'.') & !follows_dot))
        })
    };
    text.len() <= OID_CHARACTERS_MAX && all_in_windows::<18, 16>(text, is_valid)
}

/// Whether a check holds in every one of the windows that cover a text. The
/// windows overlap where the text is not a multiple of the step. All have one
/// constant length, except the window of a short text, and a check does not stop
/// at the first fault, so that the compiler vectorizes it.
#[inline]
fn all_in_windows<const WINDOW: usize, const STEP: usize>(
    text: &[u8],
    holds: impl Fn(&[u8]) -> bool,
) -> bool {
    let Some(last) = text.last_chunk::<WINDOW>() else { return holds(text) };
    let whole = text.windows(WINDOW).step_by(STEP).filter_map(|window| window.first_chunk::<WINDOW>());
    whole.fold(holds(last), |all, window| all & holds(window))
}

impl Borrow<str> for Oid<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a document, service event, service transaction, prescription or
/// declaration, or the code of a service task: 1 to 128 printable ASCII
/// characters without a space at either end, compared as they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpaqueId<'a>(Cow<'a, str>);

/// Text that is not an opaque id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an id: write 1 to {OPAQUE_ID_CHARACTERS_MAX} printable ASCII characters, without a space at either end"
)]
pub struct InvalidOpaqueId;

impl<'a> OpaqueId<'a> {
    /// Parses an id.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, InvalidOpaqueId> {
        let text = text.into();
        if is_opaque_id(text.as_bytes()) { Ok(Self(text)) } else { Err(InvalidOpaqueId) }
    }

    /// A UUID as an id, in the usual form of a UUID.
    #[must_use]
    pub fn of_uuid(bits: u128) -> OpaqueId<'static> {
        let part = |at: u32, length: u32| (bits >> at) & ((1 << length) - 1);
        let (a, b, c, d, e) = (part(96, 32), part(80, 16), part(64, 16), part(48, 16), part(0, 48));
        OpaqueId(Cow::Owned(format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")))
    }

    /// The id as text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same id, with its text borrowed from this one.
    #[inline]
    #[must_use]
    pub fn borrowed(&self) -> OpaqueId<'_> {
        OpaqueId(Cow::Borrowed(&self.0))
    }

    /// The same id, with a text of its own.
    #[must_use]
    pub fn into_owned(self) -> OpaqueId<'static> {
        OpaqueId(Cow::Owned(self.0.into_owned()))
    }
}

fn is_opaque_id(text: &[u8]) -> bool {
    // A space at either end is a typing error: such an id would match nothing.
    let ([first, ..], [.., last]) = (text, text) else { return false };
    let is_printable =
        |window: &[u8]| window.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    *first != b' '
        && *last != b' '
        && text.len() <= OPAQUE_ID_CHARACTERS_MAX
        && all_in_windows::<16, 16>(text, is_printable)
}

/// Prints no id, because the id of a document identifies a person.
impl fmt::Debug for OpaqueId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oids_are_parsed_as_written() {
        for text in ["1.2", "0.0", "2.999.1", "1.2.246.10.32213086.10.0"] {
            assert_eq!(Oid::parse(text).as_ref().map(Oid::as_str), Ok(text));
        }
    }

    #[test]
    fn other_texts_are_no_oids() {
        let long = format!("1.{}", "1".repeat(OID_CHARACTERS_MAX - 1));
        for text in ["", "1", "1.", ".1", "1..2", "3.1", "1.02", "1.2a", "1.2 ", "1.-2", "12.1", &long] {
            assert_eq!(Oid::parse(text), Err(InvalidOid), "{text}");
        }
    }

    /// The definition of an OID, arc by arc.
    fn is_oid_by_arcs(text: &str) -> bool {
        let arcs: Vec<&str> = text.split('.').collect();
        let is_number = |arc: &&str| {
            !arc.is_empty()
                && arc.bytes().all(|byte| byte.is_ascii_digit())
                && (*arc == "0" || !arc.starts_with('0'))
        };
        let first_is_known = matches!(arcs.first(), Some(&("0" | "1" | "2")));
        first_is_known && arcs.len() > 1 && arcs.iter().all(is_number) && text.len() <= OID_CHARACTERS_MAX
    }

    #[test]
    fn every_short_text_is_parsed_by_the_definition() {
        let letters = ["0", "1", "3", ".", "x", "ä"];
        let mut texts = vec![String::new()];
        for _ in 0..6 {
            texts = texts
                .iter()
                .flat_map(|text| letters.iter().map(move |letter| format!("{text}{letter}")))
                .collect();
            for text in &texts {
                assert_eq!(Oid::parse(text.as_str()).is_ok(), is_oid_by_arcs(text), "{text}");
            }
        }
    }

    #[test]
    fn a_fault_at_any_place_of_a_long_text_is_found() {
        let whole = "1.2.246.10.32213086.14.2025.0.70000.1.22.333.4444.55555.666666.7";
        assert_eq!(whole.len(), OID_CHARACTERS_MAX);
        for length in 1..=whole.len() {
            let (text, _) = whole.split_at(length);
            assert_eq!(Oid::parse(text).is_ok(), is_oid_by_arcs(text), "{text}");
            assert!(OpaqueId::parse(text).is_ok(), "{text}");
            for at in 0..length {
                for letter in ["0", ".", "x", ".0", "..", "\n", "\u{7f}"] {
                    let (before, after) = text.split_at(at);
                    let text = format!("{before}{letter}{}", after.split_at(1).1);
                    assert_eq!(Oid::parse(text.as_str()).is_ok(), is_oid_by_arcs(&text), "{text}");
                    let is_printable = letter.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                    assert_eq!(OpaqueId::parse(text.as_str()).is_ok(), is_printable, "{text}");
                }
            }
        }
    }

    #[test]
    fn opaque_ids_have_a_length_and_printable_characters() {
        assert!(OpaqueId::parse("x".repeat(OPAQUE_ID_CHARACTERS_MAX)).is_ok());
        for text in ["", "a\n", "ä", " a", "a ", " ", &"x".repeat(OPAQUE_ID_CHARACTERS_MAX + 1)] {
            assert_eq!(OpaqueId::parse(text), Err(InvalidOpaqueId));
        }
    }

    #[test]
    fn a_uuid_is_written_in_its_usual_form() {
        let id = OpaqueId::of_uuid(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
        assert_eq!(id.as_str(), "01234567-89ab-cdef-fedc-ba9876543210");
    }

    #[test]
    fn debug_prints_no_id() {
        let id = OpaqueId::parse("document-1").expect("an id");
        assert_eq!(format!("{id:?}"), "OpaqueId(…)");
    }
}
