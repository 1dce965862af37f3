//! Unusual encodings of `DecideRequest`: fields in any order and repeated, unknown fields,
//! groups, wrong wire types, overlong varints.

use super::Rng;

const VARINT: u64 = 0;
const SIXTY_FOUR_BITS: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const GROUP_BEGINS: u64 = 3;
const GROUP_ENDS: u64 = 4;
const THIRTY_TWO_BITS: u64 = 5;

/// The type of a field.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Message(&'static [Kind]),
}

const CLIENT: &[Kind] = &[Kind::Text; 2];
const REQUESTER: &[Kind] = &[Kind::Text; 4];
const CLAIM: &[Kind] = &[
    Kind::Message(&[Kind::Text]),
    Kind::Message(&[Kind::Number; 2]),
    Kind::Message(&[Kind::Number; 4]),
    Kind::Message(&[Kind::Number; 3]),
    Kind::Message(&[Kind::Number]),
];
const RECORD: &[Kind] = &[
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Number,
    Kind::Text,
    Kind::Text,
    Kind::Message(&[Kind::Text; 2]),
];
const REQUEST: &[Kind] = &[
    Kind::Message(CLIENT),
    Kind::Message(REQUESTER),
    Kind::Number,
    Kind::Number,
    Kind::Number,
    Kind::Message(CLAIM),
    Kind::Message(RECORD),
    Kind::Text,
    Kind::Text,
];

const TEXTS: &[&str] = &[
    "",
    "x",
    "010181-900C",
    "1.2.246.10.99999999.5.1",
    "1.2.246.21",
    "2025-03-18",
    "Älä näytä",
    "\u{0}",
    "doc-1",
];

/// A message, mostly a decodable one.
pub(super) fn request(rng: &mut Rng) -> Vec<u8> {
    // Most messages have no fault at all, and the others about one.
    let faults = if rng.chance(70) { 0 } else { 3 };
    message(rng, REQUEST, faults)
}

/// A field with a message of fewer than 128 fields' bytes, or more.
pub(super) fn message_field(field: u32, bytes: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    varint(u64::from(field) << 3 | LENGTH_DELIMITED, 0, &mut written);
    varint(bytes.len() as u64, 0, &mut written);
    written.extend_from_slice(bytes);
    written
}

fn message(rng: &mut Rng, fields: &[Kind], faults: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..rng.below(2 * fields.len() + 2) {
        if rng.chance(12) {
            unknown_field(rng, fields.len(), &mut bytes);
        } else {
            let place = rng.below(fields.len());
            known_field(rng, place as u64 + 1, fields[place], faults, &mut bytes);
        }
    }
    bytes
}

fn known_field(rng: &mut Rng, field: u64, kind: Kind, faults: usize, to: &mut Vec<u8>) {
    if rng.chance(faults) {
        let wire_type = rng.below(8) as u64;
        return any_field(rng, field, wire_type, to);
    }
    match kind {
        Kind::Number => {
            key(rng, field, VARINT, to);
            number(rng, to);
        }
        Kind::Text => {
            key(rng, field, LENGTH_DELIMITED, to);
            let text = text(rng, faults);
            delimited(rng, &text, faults, to);
        }
        Kind::Message(fields) => {
            key(rng, field, LENGTH_DELIMITED, to);
            let inner = message(rng, fields, faults);
            delimited(rng, &inner, faults, to);
        }
    }
}

fn unknown_field(rng: &mut Rng, known: usize, to: &mut Vec<u8>) {
    let field = rng.pick(&[known as u64 + 1, 15, 16, 2047, 2048, (1 << 29) - 1]);
    let wire_type = rng.pick(&[VARINT, SIXTY_FOUR_BITS, LENGTH_DELIMITED, GROUP_BEGINS, THIRTY_TWO_BITS]);
    any_field(rng, field, wire_type, to);
}

fn any_field(rng: &mut Rng, field: u64, wire_type: u64, to: &mut Vec<u8>) {
    key(rng, field, wire_type, to);
    match wire_type {
        VARINT => number(rng, to),
        SIXTY_FOUR_BITS => to.extend_from_slice(&[0xFF; 8]),
        THIRTY_TWO_BITS => to.extend_from_slice(&[0x80; 4]),
        GROUP_BEGINS => {
            for _ in 0..rng.below(3) {
                unknown_field(rng, 0, to);
            }
            let ends = if rng.chance(2) { field + 1 } else { field };
            key(rng, ends, GROUP_ENDS, to);
        }
        _ => {
            // Bytes of an unknown field need not be text.
            let bytes = rng.pick(&[&b""[..], b"\xC3\x28", b"\x08\x01"]);
            delimited(rng, bytes, 0, to);
        }
    }
}

fn text(rng: &mut Rng, faults: usize) -> Vec<u8> {
    if rng.chance(faults) {
        return rng.pick(&[&b"\xC3\x28"[..], b"\xC3", b"\xED\xA0\x80", b"\xFF", b"ok\x80"]).to_vec();
    }
    match rng.below(40) {
        0 => vec![b'x'; rng.pick(&[126, 127, 128, 129])],
        1 if rng.chance(3) => vec![b'x'; rng.pick(&[16_383, 16_384])],
        _ => rng.pick(TEXTS).as_bytes().to_vec(),
    }
}

fn delimited(rng: &mut Rng, bytes: &[u8], faults: usize, to: &mut Vec<u8>) {
    let length = bytes.len() as u64;
    let told = if rng.chance(faults) { length.wrapping_add_signed(rng.between(-3, 3)) } else { length };
    let padding = padding(rng);
    varint(told, padding, to);
    to.extend_from_slice(bytes);
}

fn key(rng: &mut Rng, field: u64, wire_type: u64, to: &mut Vec<u8>) {
    let padding = padding(rng);
    varint(field << 3 | wire_type, padding, to);
}

fn number(rng: &mut Rng, to: &mut Vec<u8>) {
    let value = rng.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 127, 128, 300, (1 << 32) + 1, u64::MAX, i32::MAX as u64]);
    let padding = padding(rng);
    varint(value, padding, to);
}

/// Number of superfluous bytes of a varint.
fn padding(rng: &mut Rng) -> usize {
    if rng.chance(3) { rng.below(4) } else { 0 }
}

fn varint(mut value: u64, padding: usize, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    if padding == 0 {
        return to.push(value as u8);
    }
    to.push(value as u8 | 0x80);
    to.extend(std::iter::repeat_n(0x80, padding - 1));
    to.push(0);
}

/// The same with some bytes changed, cut, added or moved.
pub(super) fn damaged(rng: &mut Rng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..=rng.below(2) {
        if bytes.is_empty() {
            return bytes;
        }
        let place = rng.below(bytes.len());
        match rng.below(6) {
            0 => bytes[place] ^= 1 << rng.below(8),
            1 => bytes.truncate(place),
            2 => drop(bytes.remove(place)),
            3 => bytes.insert(place, rng.pick(&[0x00, 0x7F, 0x80, 0xFF, 0x0A, 0x3A])),
            4 => bytes[place] = rng.pick(&[0x00, 0x01, 0x7F, 0x80, 0xFF]),
            _ => {
                let end = place + rng.below(bytes.len() - place + 1);
                let copied = bytes[place..end].to_vec();
                bytes.extend(copied);
            }
        }
    }
    bytes
}
