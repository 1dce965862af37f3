//! An answer to `Decide`, written as protobuf straight into a buffer: byte for
//! byte what prost writes for the same `DecideResponse`.

use prost::bytes::BufMut;
use smallvec::SmallVec;

use crate::policy::day::Instant;
use crate::policy::verdict::Verdict;

use super::verdict::{Disclosure, Told};
use super::violation::to_timestamp;

/// Most verdicts have no more bytes, where no details are told.
const VERDICT_BYTES: usize = 8;

/// The key and the length of a field, and the instant's share.
const FIELD_BYTES: usize = 8;

/// Writes verdicts and then what is told once.
pub struct AnswerWriter<'b, B> {
    to: &'b mut B,
    /// One message at a time, for its length comes before it.
    message: SmallVec<[u8; 256]>,
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
    /// About how many bytes the answer takes with so many verdicts, but for
    /// their details.
    #[must_use]
    pub fn bytes_with(&self, verdicts: usize) -> usize {
        let Self { decision_id, token, decided_at: _, catalogue_version, request_id } = self;
        let texts = [decision_id, token, catalogue_version, request_id];
        let ending: usize = texts.iter().map(|text| text.len() + FIELD_BYTES).sum();
        verdicts.saturating_mul(VERDICT_BYTES).saturating_add(ending)
    }
}

impl<'b, B: BufMut> AnswerWriter<'b, B> {
    /// Writes to a buffer that grows.
    pub fn new(to: &'b mut B) -> Self {
        Self { to, message: SmallVec::new() }
    }

    /// Writes the verdict on the next record, as much of it as the caller may see.
    pub fn verdict<I: AsRef<str>>(
        &mut self,
        verdict: &Verdict,
        disclosure: Disclosure,
        id_of: impl Fn(u32) -> Option<I>,
    ) {
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
            Told::of(verdict, disclosure);
        self.message.clear();
        self.put_number(EFFECT, i32::from(effect).into());
        self.put_number(REASON, i32::from(reason).into());
        if !obligations.is_empty() {
            let numbers: SmallVec<[u8; 8]> = obligations
                .iter()
                .flat_map(|obligation| varint(i64::from(i32::from(obligation)).cast_unsigned()))
                .collect();
            self.put_bytes(OBLIGATIONS, &numbers);
        }
        self.put_number(DETAIL, i32::from(detail).into());
        self.put_text(RULE, rule);
        for id in declarations.iter().filter_map(id_of) {
            self.put_bytes(DECLARATIONS, id.as_ref().as_bytes());
        }
        for condition in missing.iter() {
            self.put_bytes(MISSING_CONDITIONS, condition.name().as_bytes());
        }
        self.put_text(INVALID_FIELD, invalid_field);
        self.end_message(VERDICTS);
    }

    /// Writes what is told once.
    pub fn end(mut self, ending: &Ending<'_>) {
        const DECISION_ID: u8 = delimited_key(2);
        const TOKEN: u8 = delimited_key(3);
        const DECIDED_AT: u8 = delimited_key(4);
        const CATALOGUE_VERSION: u8 = delimited_key(5);
        const REQUEST_ID: u8 = delimited_key(6);
        const SECONDS: u8 = number_key(1);
        const NANOS: u8 = number_key(2);
        let Ending { decision_id, token, decided_at, catalogue_version, request_id } = ending;
        self.message.clear();
        self.put_text(DECISION_ID, decision_id);
        self.put_text(TOKEN, token);
        self.to.put_slice(&self.message);
        let pbjson_types::Timestamp { seconds, nanos } = to_timestamp(*decided_at);
        self.message.clear();
        self.put_number(SECONDS, seconds);
        self.put_number(NANOS, nanos.into());
        self.end_message(DECIDED_AT);
        self.message.clear();
        self.put_text(CATALOGUE_VERSION, catalogue_version);
        self.put_text(REQUEST_ID, request_id);
        self.to.put_slice(&self.message);
    }

    /// Writes a field with the message that was gathered.
    fn end_message(&mut self, key: u8) {
        self.to.put_u8(key);
        match u8::try_from(self.message.len()) {
            Ok(length @ ..0x80) => self.to.put_u8(length),
            _ => varint(self.message.len() as u64).for_each(|byte| self.to.put_u8(byte)),
        }
        self.to.put_slice(&self.message);
    }

    /// Zero is not written: it is what an unset field means.
    fn put_number(&mut self, key: u8, number: i64) {
        if number != 0 {
            self.message.push(key);
            self.message.extend(varint(number.cast_unsigned()));
        }
    }

    /// No text is not written.
    fn put_text(&mut self, key: u8, text: &str) {
        if !text.is_empty() {
            self.put_bytes(key, text.as_bytes());
        }
    }

    fn put_bytes(&mut self, key: u8, bytes: &[u8]) {
        self.message.push(key);
        self.message.extend(varint(bytes.len() as u64));
        self.message.extend_from_slice(bytes);
    }
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
