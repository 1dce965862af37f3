//! An answer to `Decide`, written as protobuf at once: byte for byte what prost
//! writes for the same `DecideResponse`.

use std::ops::Range;

use crate::policy::day::Instant;
use crate::policy::verdict::Verdict;

use super::verdict::{Disclosure, Told};
use super::violation::to_timestamp;

/// Most verdicts have no more bytes where no details are told, and where they are.
const VERDICT_BYTES: usize = 8;
const DETAILED_VERDICT_BYTES: usize = 48;

/// The key and the length of a field, and the instant's share.
const FIELD_BYTES: usize = 8;

/// How many different verdicts are remembered.
const REMEMBERED: usize = 4;

/// An answer, written.
pub struct Answer(Vec<u8>);

/// Writes verdicts and then what is told once.
pub struct AnswerWriter<F> {
    message: Vec<u8>,
    disclosure: Disclosure,
    id_of: F,
    /// Some verdicts that were written, and where: records of one client often
    /// get the same.
    written: [Option<(Verdict, Range<usize>)>; REMEMBERED],
    /// Which of them is forgotten next.
    oldest: usize,
}

/// What is told once, after all verdicts.
pub struct Ending<'a> {
    /// The decision's id.
    pub decision_id: &'a str,
    /// The revision decided at.
    pub token: &'a str,
    /// The instant decided at.
    pub decided_at: Instant,
    /// The rule catalogue decided by.
    pub catalogue_version: &'a str,
    /// As in the request.
    pub request_id: &'a str,
}

impl Ending<'_> {
    /// About how many bytes the answer takes with so many verdicts.
    #[must_use]
    pub fn bytes_with(&self, verdicts: usize, disclosure: Disclosure) -> usize {
        let verdict = match disclosure {
            Disclosure::Public => VERDICT_BYTES,
            Disclosure::Detailed => DETAILED_VERDICT_BYTES,
        };
        let Self { decision_id, token, decided_at: _, catalogue_version, request_id } = self;
        let texts = [decision_id, token, catalogue_version, request_id];
        let ending: usize = texts.iter().map(|text| text.len() + FIELD_BYTES).sum();
        verdicts.saturating_mul(verdict).saturating_add(ending)
    }
}

impl Answer {
    /// The message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<I: AsRef<str>, F: Fn(u32) -> Option<I>> AnswerWriter<F> {
    /// Begins an answer of about so many bytes that tells as much as the caller
    /// may see. `id_of` gives the id of the declaration at a place.
    #[must_use]
    pub fn new(bytes: usize, disclosure: Disclosure, id_of: F) -> Self {
        let written = [const { None }; REMEMBERED];
        Self { message: Vec::with_capacity(bytes), disclosure, id_of, written, oldest: 0 }
    }

    /// Writes the verdict on the next record.
    #[inline]
    pub fn verdict(&mut self, verdict: &Verdict) {
        let same = self.written.iter().flatten().find(|(written, _)| are_alike(written, verdict));
        match same {
            Some((_, place)) => self.message.extend_from_within(place.clone()),
            None => self.new_verdict(verdict),
        }
    }

    fn new_verdict(&mut self, verdict: &Verdict) {
        const VERDICTS: u8 = delimited_key(1);
        const EFFECT: u8 = number_key(1);
        const REASON: u8 = number_key(2);
        const OBLIGATIONS: u8 = delimited_key(3);
        const DETAIL: u8 = number_key(4);
        const RULE: u8 = delimited_key(5);
        const DECLARATIONS: u8 = delimited_key(6);
        const MISSING_CONDITIONS: u8 = delimited_key(7);
        const INVALID_FIELD: u8 = delimited_key(8);
        let Told { effect, reason, obligations, detail, rule, declarations, missing, invalid_field } =
            Told::of(verdict, self.disclosure);
        let begins_at = self.message.len();
        let message = self.begin_message(VERDICTS);
        self.put_number(EFFECT, i32::from(effect).into());
        self.put_number(REASON, i32::from(reason).into());
        if !obligations.is_empty() {
            let numbers = self.begin_message(OBLIGATIONS);
            for obligation in obligations.iter() {
                self.put_varint(i64::from(i32::from(obligation)).cast_unsigned());
            }
            self.end_message(numbers);
        }
        self.put_number(DETAIL, i32::from(detail).into());
        self.put_text(RULE, rule);
        for place in declarations.iter() {
            if let Some(id) = (self.id_of)(place) {
                self.put_bytes(DECLARATIONS, id.as_ref().as_bytes());
            }
        }
        for condition in missing.iter() {
            self.put_bytes(MISSING_CONDITIONS, condition.name().as_bytes());
        }
        self.put_text(INVALID_FIELD, invalid_field);
        self.end_message(message);
        if let Some(oldest) = self.written.get_mut(self.oldest) {
            *oldest = Some((*verdict, begins_at..self.message.len()));
        }
        self.oldest = (self.oldest + 1) % REMEMBERED;
    }

    /// Writes what is told once.
    pub fn end(mut self, ending: &Ending<'_>) -> Answer {
        const DECISION_ID: u8 = delimited_key(2);
        const TOKEN: u8 = delimited_key(3);
        const DECIDED_AT: u8 = delimited_key(4);
        const CATALOGUE_VERSION: u8 = delimited_key(5);
        const REQUEST_ID: u8 = delimited_key(6);
        const SECONDS: u8 = number_key(1);
        const NANOS: u8 = number_key(2);
        let Ending { decision_id, token, decided_at, catalogue_version, request_id } = ending;
        self.put_text(DECISION_ID, decision_id);
        self.put_text(TOKEN, token);
        let pbjson_types::Timestamp { seconds, nanos } = to_timestamp(*decided_at);
        let message = self.begin_message(DECIDED_AT);
        self.put_number(SECONDS, seconds);
        self.put_number(NANOS, nanos.into());
        self.end_message(message);
        self.put_text(CATALOGUE_VERSION, catalogue_version);
        self.put_text(REQUEST_ID, request_id);
        Answer(self.message)
    }

    /// Begins a field of which the length is not known yet; where its content begins.
    #[inline]
    fn begin_message(&mut self, key: u8) -> usize {
        self.message.extend_from_slice(&[key, 0]);
        self.message.len()
    }

    /// Puts the length in its place: most fit there, for the others the content moves up.
    #[inline]
    fn end_message(&mut self, begins_at: usize) {
        let length = self.message.len() - begins_at;
        match (u8::try_from(length), self.message.get_mut(begins_at - 1)) {
            (Ok(byte @ ..0x80), Some(place)) => *place = byte,
            _ => drop(self.message.splice(begins_at - 1..begins_at, varint(length as u64))),
        }
    }

    /// Zero is not written: it is what an unset field means.
    #[inline]
    fn put_number(&mut self, key: u8, number: i64) {
        if number != 0 {
            self.message.push(key);
            self.put_varint(number.cast_unsigned());
        }
    }

    /// No text is not written.
    #[inline]
    fn put_text(&mut self, key: u8, text: &str) {
        if !text.is_empty() {
            self.put_bytes(key, text.as_bytes());
        }
    }

    #[inline]
    fn put_bytes(&mut self, key: u8, bytes: &[u8]) {
        self.message.push(key);
        self.put_varint(bytes.len() as u64);
        self.message.extend_from_slice(bytes);
    }

    #[inline]
    fn put_varint(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(byte @ ..0x80) => self.message.push(byte),
            _ => self.message.extend(varint(number)),
        }
    }
}

/// Whether two verdicts are written alike.
fn are_alike(one: &Verdict, other: &Verdict) -> bool {
    let Verdict { reason, detail, rule, declarations, missing, obligations, invalid_field, holder: _ } = *one;
    // The rule last, because its id is a text and most other verdicts differ before.
    reason == other.reason
        && detail == other.detail
        && declarations == other.declarations
        && missing == other.missing
        && obligations == other.obligations
        && invalid_field == other.invalid_field
        && rule == other.rule
}

/// The key of a number. The answer has no field after the fifteenth, so that
/// every key is one byte.
const fn number_key(field: u8) -> u8 {
    field << 3
}

/// The key of text, of a message or of several numbers.
const fn delimited_key(field: u8) -> u8 {
    field << 3 | 2
}

/// The bytes of a number, the lowest seven bits first.
#[inline]
fn varint(number: u64) -> impl Iterator<Item = u8> {
    let mut left = Some(number);
    std::iter::from_fn(move || {
        let number = left?;
        let [low, ..] = number.to_le_bytes();
        let rest = number >> 7;
        left = (rest != 0).then_some(rest);
        Some(if rest == 0 { low } else { low | 0x80 })
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::policy::request::RecordField;

    /// A verdict by a declaration of the client's.
    fn by(place: u32) -> Verdict {
        Verdict { declarations: [place].into_iter().collect(), ..Verdict::invalid(RecordField::Kind) }
    }

    #[test]
    fn a_verdict_like_one_of_the_last_is_not_made_anew() {
        let made = Cell::new(0);
        let id_of = |place| {
            made.set(made.get() + 1);
            Some(format!("id-{place}"))
        };
        let mut writer = AnswerWriter::new(0, Disclosure::Detailed, id_of);
        let places = [0, 1, 2, 3];
        assert_eq!(places.len(), REMEMBERED);
        for place in [places, places].concat() {
            writer.verdict(&by(place as u32));
        }
        assert_eq!(made.get(), 4);
    }

    #[test]
    fn there_is_room_for_an_answer_before_it_is_written() {
        for (decision_id, token) in [("", ""), ("0199a5b0-5f3e-7cc0-8000-000000000001", "a token")] {
            let ending = Ending {
                decision_id,
                token,
                decided_at: Instant::MAX_UTC,
                catalogue_version: "",
                request_id: "",
            };
            for (verdicts, disclosure) in [(0, Disclosure::Public), (3, Disclosure::Detailed)] {
                let bytes = ending.bytes_with(verdicts, disclosure);
                let mut writer = AnswerWriter::new(bytes, disclosure, |_| Some("declaration-1"));
                (0..verdicts).for_each(|place| writer.verdict(&by(place as u32)));
                let written = writer.end(&ending);
                assert!(written.bytes().len() <= bytes, "{} of {bytes}", written.bytes().len());
                assert!(bytes < 300, "{bytes}");
            }
        }
    }
}
