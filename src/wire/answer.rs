//! Writes the answer to `Decide` as protobuf bytes without building a
//! `DecideResponse`: byte for byte what prost encodes for the same message.
//! Each verdict is written as soon as it is decided, so that nothing is
//! allocated for a record.

use std::ops::Range;

use crate::policy::day::Instant;
use crate::policy::verdict::Verdict;

use super::framing::{PREFIX_BYTES, prefix_of};
use super::verdict::{DisclosedDetails, DisclosedVerdict, Disclosure};
use super::violation::to_timestamp;

/// Enough bytes for most verdicts without details.
const VERDICT_BYTES: usize = 8;

/// Enough bytes for most verdicts with details.
const DETAILED_VERDICT_BYTES: usize = 50;

/// The key and the length of a field, and a share of the instant.
const FIELD_BYTES: usize = 8;

/// Number of recent verdicts whose bytes are copied when the same one follows.
const CACHED: usize = 4;

/// The bytes of a `DecideResponse`, with those that gRPC sends before it.
pub struct Answer(Vec<u8>);

/// Writes one verdict after the other and then the [`AnswerTail`].
pub struct AnswerWriter<F> {
    message: Vec<u8>,
    disclosure: Disclosure,
    id_of: F,
    /// The last distinct verdicts with the place of their bytes: records of one
    /// client often get the same verdict.
    cached: [Option<(Verdict, Range<usize>)>; CACHED],
    /// The cached verdict that is replaced next.
    oldest: usize,
}

/// The fields of the answer that follow its verdicts.
pub struct AnswerTail<'a> {
    /// The decision's id.
    pub decision_id: &'a str,
    /// The revision at which the request was decided, as a token.
    pub token: &'a str,
    /// The instant at which the request was decided.
    pub decided_at: Instant,
    /// The version of the rule catalogue.
    pub catalogue_version: &'a str,
    /// As in the request.
    pub request_id: &'a str,
}

impl AnswerTail<'_> {
    /// Estimated length in bytes of an answer with this tail.
    #[must_use]
    pub fn bytes_with(&self, verdicts: usize, disclosure: Disclosure) -> usize {
        let verdict = match disclosure {
            Disclosure::Public => VERDICT_BYTES,
            Disclosure::Detailed => DETAILED_VERDICT_BYTES,
        };
        let Self { decision_id, token, decided_at: _, catalogue_version, request_id } = self;
        let texts = [decision_id, token, catalogue_version, request_id];
        let tail: usize = texts.iter().map(|text| text.len() + FIELD_BYTES).sum();
        verdicts.saturating_mul(verdict).saturating_add(tail)
    }
}

impl Answer {
    /// The message.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.0.get(PREFIX_BYTES..).unwrap_or_default()
    }

    /// The message with its prefix, as it is sent.
    #[must_use]
    pub fn into_framed(self) -> Vec<u8> {
        self.0
    }
}

impl<I: AsRef<str>, F: Fn(u32) -> Option<I>> AnswerWriter<F> {
    /// Starts an answer with an estimated length in bytes. `id_of` gives the id of
    /// the declaration at a place.
    #[must_use]
    pub fn new(bytes: usize, disclosure: Disclosure, id_of: F) -> Self {
        let cached = [const { None }; CACHED];
        let mut message = Vec::with_capacity(PREFIX_BYTES.saturating_add(bytes));
        message.extend_from_slice(&[0; PREFIX_BYTES]);
        Self { message, disclosure, id_of, cached, oldest: 0 }
    }

    /// Writes the verdict on the next record.
    #[inline]
    pub fn verdict(&mut self, verdict: &Verdict) {
        let same = self.cached.iter().flatten().find(|(cached, _)| are_alike(cached, verdict));
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
        const DETAILS: u8 = delimited_key(4);
        const INVALID_FIELD: u8 = delimited_key(5);
        let DisclosedVerdict { effect, reason, obligations, details, invalid_field } =
            DisclosedVerdict::of(verdict, self.disclosure);
        let starts_at = self.message.len();
        let message = self.start_message(VERDICTS);
        self.put_number(EFFECT, i32::from(effect).into());
        self.put_number(REASON, i32::from(reason).into());
        if !obligations.is_empty() {
            let numbers = self.start_message(OBLIGATIONS);
            for obligation in obligations.iter() {
                self.put_varint(i64::from(i32::from(obligation)).cast_unsigned());
            }
            self.end_message(numbers);
        }
        if let Some(details) = &details {
            let message = self.start_message(DETAILS);
            self.put_details(details);
            self.end_message(message);
        }
        self.put_text(INVALID_FIELD, invalid_field);
        self.end_message(message);
        if let Some(oldest) = self.cached.get_mut(self.oldest) {
            *oldest = Some((*verdict, starts_at..self.message.len()));
        }
        self.oldest = (self.oldest + 1) % CACHED;
    }

    fn put_details(&mut self, details: &DisclosedDetails) {
        const DETAIL: u8 = number_key(1);
        const RULE: u8 = delimited_key(2);
        const DECLARATIONS: u8 = delimited_key(3);
        const MISSING_CONDITIONS: u8 = delimited_key(4);
        let DisclosedDetails { detail, rule, declarations, missing } = details;
        self.put_number(DETAIL, i32::from(*detail).into());
        self.put_text(RULE, rule);
        for place in declarations.iter() {
            if let Some(id) = (self.id_of)(place) {
                self.put_bytes(DECLARATIONS, id.as_ref().as_bytes());
            }
        }
        for condition in missing.iter() {
            self.put_bytes(MISSING_CONDITIONS, condition.name().as_bytes());
        }
    }

    /// Writes the fields after the verdicts.
    pub fn finish(mut self, tail: &AnswerTail<'_>) -> Answer {
        const DECISION_ID: u8 = delimited_key(2);
        const TOKEN: u8 = delimited_key(3);
        const DECIDED_AT: u8 = delimited_key(4);
        const CATALOGUE_VERSION: u8 = delimited_key(5);
        const REQUEST_ID: u8 = delimited_key(6);
        const SECONDS: u8 = number_key(1);
        const NANOS: u8 = number_key(2);
        let AnswerTail { decision_id, token, decided_at, catalogue_version, request_id } = tail;
        self.put_text(DECISION_ID, decision_id);
        self.put_text(TOKEN, token);
        let pbjson_types::Timestamp { seconds, nanos } = to_timestamp(*decided_at);
        let message = self.start_message(DECIDED_AT);
        self.put_number(SECONDS, seconds);
        self.put_number(NANOS, nanos.into());
        self.end_message(message);
        self.put_text(CATALOGUE_VERSION, catalogue_version);
        self.put_text(REQUEST_ID, request_id);
        let prefix = prefix_of(self.message.len().saturating_sub(PREFIX_BYTES));
        if let Some(start) = self.message.first_chunk_mut() {
            *start = prefix;
        }
        Answer(self.message)
    }

    /// Starts a length-delimited field, with one byte left for its length.
    /// Returns where its content starts.
    #[inline]
    fn start_message(&mut self, key: u8) -> usize {
        self.message.extend_from_slice(&[key, 0]);
        self.message.len()
    }

    /// Writes the length of a field before its content. Most lengths fit into the
    /// one byte left for them; for a longer one the content is moved up.
    #[inline]
    fn end_message(&mut self, starts_at: usize) {
        let length = self.message.len() - starts_at;
        match (u8::try_from(length), self.message.get_mut(starts_at - 1)) {
            (Ok(byte @ ..0x80), Some(place)) => *place = byte,
            _ => drop(self.message.splice(starts_at - 1..starts_at, varint(length as u64))),
        }
    }

    /// Zero is not written: an unset field means zero.
    #[inline]
    fn put_number(&mut self, key: u8, number: i64) {
        if number != 0 {
            self.message.push(key);
            self.put_varint(number.cast_unsigned());
        }
    }

    /// Empty text is not written.
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

/// Whether two verdicts are written as the same bytes.
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

/// The key of a number. No message of the answer has a field after the
/// fifteenth, so every key is one byte.
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
    fn a_verdict_like_one_of_the_last_four_is_copied() {
        let made = Cell::new(0);
        let id_of = |place| {
            made.set(made.get() + 1);
            Some(format!("id-{place}"))
        };
        let mut writer = AnswerWriter::new(0, Disclosure::Detailed, id_of);
        let places = [0, 1, 2, 3];
        assert_eq!(places.len(), CACHED);
        for place in [places, places].concat() {
            writer.verdict(&by(place as u32));
        }
        assert_eq!(made.get(), 4);
    }

    #[test]
    fn an_answer_fits_into_the_estimated_length() {
        for (decision_id, token) in [("", ""), ("0199a5b0-5f3e-7cc0-8000-000000000001", "a token")] {
            let tail = AnswerTail {
                decision_id,
                token,
                decided_at: Instant::MAX_UTC,
                catalogue_version: "",
                request_id: "",
            };
            for (verdicts, disclosure) in [(0, Disclosure::Public), (3, Disclosure::Detailed)] {
                let bytes = tail.bytes_with(verdicts, disclosure);
                let mut writer = AnswerWriter::new(bytes, disclosure, |_| Some("declaration-1"));
                (0..verdicts).for_each(|place| writer.verdict(&by(place as u32)));
                let written = writer.finish(&tail);
                let length = written.message().len();
                assert!(length <= bytes, "{length} of {bytes}");
                assert!(bytes < 300, "{bytes}");
            }
        }
    }
}
