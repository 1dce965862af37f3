//! Collects every field at fault of a request, so that all are reported at once.

use std::fmt::Display;
use std::ops::RangeInclusive;

use chrono::Datelike;

use crate::policy::day::{Day, Instant};
use crate::policy::oid::{Oid, OpaqueId};

use super::limits::TEXT_CHARACTERS_MAX;

/// The years of a timestamp in protobuf.
const TIMESTAMP_YEARS: RangeInclusive<i32> = 1..=9999;

/// A field at fault. It never repeats the value, which may be personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its path, such as `declaration.denial.sector`.
    pub field: String,
    /// What is wrong and what to write.
    pub description: String,
}

/// An invalid request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is invalid: {} of its fields must be corrected", violations.len())]
pub struct InvalidRequest {
    /// Every field at fault.
    pub violations: Vec<Violation>,
}

impl InvalidRequest {
    /// A request with one field at fault.
    #[must_use]
    pub fn one(field: impl Into<String>, description: impl Display) -> Self {
        Self { violations: vec![Violation { field: field.into(), description: description.to_string() }] }
    }

    /// The same faults, with the path of the message within another.
    #[must_use]
    pub fn within(mut self, field: &str) -> Self {
        for violation in &mut self.violations {
            violation.field = format!("{field}.{}", violation.field);
        }
        self
    }
}

/// Collects the violations of a request while it is read.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Adds one.
    pub fn add(&mut self, field: impl Into<String>, description: impl Display) {
        self.0.push(Violation { field: field.into(), description: description.to_string() });
    }

    /// The value of a part; its violations are added to the others.
    pub fn include<T>(&mut self, read: Result<T, InvalidRequest>) -> Option<T> {
        read.map_err(|InvalidRequest { violations }| self.0.extend(violations)).ok()
    }

    /// The value if there is no violation, otherwise every violation.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, InvalidRequest> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(InvalidRequest { violations: self.0 }),
        }
    }

    /// The value, or a violation in its place.
    pub(super) fn read<T, E: Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error)).ok()
    }

    /// A message or value that must be there.
    pub(super) fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(field, "required");
        }
        value
    }

    /// An enum value that this version knows; unknown numbers are not read as zero.
    pub(super) fn known<E: TryFrom<i32>>(&mut self, field: &str, number: i32) -> Option<E> {
        let value = E::try_from(number).ok();
        if value.is_none() {
            self.add(field, format_args!("unknown value {number}: use one that the interface names"));
        }
        value
    }

    /// An OID.
    pub(super) fn oid<'a>(&mut self, field: &str, text: &'a str) -> Option<Oid<'a>> {
        self.read(field, Oid::parse(text))
    }

    /// An OID, kept; empty = unset.
    pub(super) fn optional_oid(&mut self, field: &str, text: &str) -> Option<Option<Oid<'static>>> {
        if text.is_empty() { Some(None) } else { self.owned_oid(field, text).map(Some) }
    }

    /// An OID, kept.
    pub(super) fn owned_oid(&mut self, field: &str, text: &str) -> Option<Oid<'static>> {
        self.oid(field, text).map(Oid::into_owned)
    }

    /// An opaque id, kept.
    pub(super) fn owned_id(&mut self, field: &str, text: &str) -> Option<OpaqueId<'static>> {
        self.read(field, OpaqueId::parse(text)).map(OpaqueId::into_owned)
    }

    /// A date; empty = unset.
    pub(super) fn optional_day(&mut self, field: &str, text: &str) -> Option<Option<Day>> {
        if text.is_empty() { Some(None) } else { self.read(field, Day::parse(text)).map(Some) }
    }

    /// Free text, kept; may be empty.
    pub(super) fn text(&mut self, field: &str, text: &str) -> Option<Box<str>> {
        self.short(field, text, TEXT_CHARACTERS_MAX).map(Box::from)
    }

    /// Text of at most a number of characters.
    #[inline]
    pub(super) fn short<'a>(&mut self, field: &str, text: &'a str, most: usize) -> Option<&'a str> {
        // No text has more characters than bytes.
        if text.len() > most && text.chars().count() > most {
            self.add(field, format_args!("longer than {most} characters: shorten it"));
            return None;
        }
        Some(text)
    }

    /// A list of a bounded length.
    pub(super) fn bounded<'a, T>(&mut self, field: &str, list: &'a [T], most: usize) -> Option<&'a [T]> {
        if list.len() > most {
            self.add(field, format_args!("more than {most} entries: leave some out"));
            return None;
        }
        Some(list)
    }

    /// An instant.
    pub(super) fn instant(&mut self, field: &str, timestamp: &pbjson_types::Timestamp) -> Option<Instant> {
        let pbjson_types::Timestamp { seconds, nanos } = *timestamp;
        let instant = u32::try_from(nanos).ok().and_then(|nanos| Instant::from_timestamp(seconds, nanos));
        let instant = instant.filter(|instant| TIMESTAMP_YEARS.contains(&instant.year()));
        if instant.is_none() {
            self.add(field, "not an instant: write an existing time of the years 1 to 9999");
        }
        instant
    }

    /// An instant; unset = none.
    pub(super) fn optional_instant(
        &mut self,
        field: &str,
        timestamp: Option<&pbjson_types::Timestamp>,
    ) -> Option<Option<Instant>> {
        match timestamp {
            None => Some(None),
            Some(timestamp) => self.instant(field, timestamp).map(Some),
        }
    }
}

/// Reads an instant of a request.
pub fn instant(field: &str, timestamp: &pbjson_types::Timestamp) -> Result<Instant, InvalidRequest> {
    let mut violations = Violations::default();
    let instant = violations.instant(field, timestamp);
    violations.finish(instant)
}

/// An instant on the wire.
#[must_use]
pub fn to_timestamp(instant: Instant) -> pbjson_types::Timestamp {
    let nanos = i32::try_from(instant.timestamp_subsec_nanos()).unwrap_or_default();
    pbjson_types::Timestamp { seconds: instant.timestamp(), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(violations: &Violations) -> Vec<&str> {
        violations.0.iter().map(|violation| violation.field.as_str()).collect()
    }

    #[test]
    fn what_is_read_of_a_part_is_kept_or_its_violations_are() {
        let mut violations = Violations::default();
        assert_eq!(violations.include(Ok(7)), Some(7));
        assert_eq!(violations.include::<u32>(Err(InvalidRequest::one("part", "wrong"))), None);
        assert_eq!(fields(&violations), ["part"]);
    }

    #[test]
    fn texts_and_lists_may_be_as_long_as_is_told() {
        let mut violations = Violations::default();
        for characters in [0, 1, TEXT_CHARACTERS_MAX] {
            let text = "ä".repeat(characters);
            assert_eq!(violations.text("name", &text).as_deref(), Some(text.as_str()));
        }
        assert_eq!(violations.text("long", &"ä".repeat(TEXT_CHARACTERS_MAX + 1)), None);
        for list in [&[][..], &[1], &[1, 2]] {
            assert_eq!(violations.bounded("list", list, 2), Some(list));
        }
        for list in [&[1, 2, 3][..], &[1, 2, 3, 4]] {
            assert_eq!(violations.bounded("longer", list, 2), None);
        }
        assert_eq!(fields(&violations), ["long", "longer", "longer"]);
    }

    #[test]
    fn an_instant_is_read_as_it_is_written() {
        let at = Instant::from_timestamp(1_800_000_000, 7).expect("an instant");
        assert_eq!(instant("at", &to_timestamp(at)), Ok(at));
        for (seconds, nanos) in [(0, -1), (253_402_300_800, 0), (-62_135_596_801, 0)] {
            assert!(instant("at", &pbjson_types::Timestamp { seconds, nanos }).is_err(), "{seconds} {nanos}");
        }
    }
}
