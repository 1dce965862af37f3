//! The borrowing decoder compared with prost: on generated messages, on damaged ones, and
//! on the fuzzer's corpus. `fuzz/` runs the same comparison without a limit.

pub(crate) mod compare;
mod wire;

use std::fs;

use lupa::wire::v1;
use prost::Message;

use crate::core::evaluate::cases;
use crate::core::generator::case;
use crate::core::generator::rng::Rng;
use compare::{Outcome, compare};
use wire::{damaged, request};

/// Number of generated messages, each compared intact and damaged.
const MESSAGES: u64 = 60_000;

/// Number of messages that are truncated at every byte.
const CUT: u64 = 300;

#[test]
fn generated_messages_are_decoded_alike() {
    let (mut decoded, mut refused) = (0, 0);
    let messages = cases(MESSAGES);
    for seed in 0..messages {
        let rng = &mut Rng::new(seed);
        let message = request(rng);
        for bytes in [damaged(rng, message.clone()), message] {
            match compare(&bytes) {
                Outcome::Decoded => decoded += 1,
                Outcome::Refused => refused += 1,
            }
        }
    }
    // Both outcomes occur often.
    assert!(decoded > messages / 2 && refused > messages / 2, "{decoded} decoded, {refused} refused");
}

#[test]
fn truncated_messages_are_decoded_alike() {
    for seed in 0..CUT {
        let bytes = request(&mut Rng::new(seed));
        for end in 0..bytes.len().min(2_000) {
            compare(&bytes[..end]);
        }
    }
}

#[test]
fn requests_as_clients_write_them_are_decoded_alike() {
    for seed in 0..5_000 {
        let bytes = case(seed).request.encode_to_vec();
        assert_eq!(compare(&bytes), Outcome::Decoded, "seed {seed}");
    }
}

#[test]
fn text_of_every_boundary_length_is_decoded_alike() {
    for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
        for letter in ["x", "ä"] {
            let text = letter.repeat(length);
            let record = v1::Record {
                id: text.clone(),
                service_tasks: vec![text.clone(); 5],
                ..v1::Record::default()
            };
            let request =
                v1::DecideRequest { records: vec![record], request_id: text, ..v1::DecideRequest::default() };
            assert_eq!(compare(&request.encode_to_vec()), Outcome::Decoded, "{length}");
        }
    }
}

#[test]
fn groups_are_skipped_to_the_same_depth_as_prost() {
    // A group of an unknown field: at the top, in a record, in its outsourcing and in a claim.
    for wrap in [&[][..], &[7], &[7, 8], &[6], &[6, 1], &[1], &[2]] {
        for depth in 90..110 {
            let mut bytes = [[0x9B, 0x06].repeat(depth), [0x9C, 0x06].repeat(depth)].concat();
            for field in wrap.iter().rev() {
                bytes = wire::message_field(*field, &bytes);
            }
            compare(&bytes);
        }
    }
}

#[test]
fn the_fuzzers_corpus_is_decoded_alike() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/decide_request");
    let mut count = 0;
    for entry in fs::read_dir(corpus).expect("the corpus") {
        compare(&fs::read(entry.expect("an entry").path()).expect("a file"));
        count += 1;
    }
    assert!(count > 50, "{count} files");
}
