//! The borrowing decoder of `DecideRequest` beside prost's: both refuse the
//! bytes, or both read the same. What the two are compared by, and what the
//! mutator writes and damages, is shared with `tests/suite/core/decoder.rs`.

#![no_main]

#[path = "../../tests/suite/core/decoder/compare.rs"]
mod compare;
#[expect(dead_code, reason = "the suite needs more of it")]
#[path = "../../tests/suite/core/generator/rng.rs"]
mod rng;
#[expect(dead_code, reason = "the suite needs more of it")]
#[path = "../../tests/suite/core/decoder/wire.rs"]
mod wire;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rng::Rng;

fuzz_target!(|bytes: &[u8]| {
    compare::compare(bytes);
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, size_max: usize, seed: u32| {
    let rng = &mut Rng::new(u64::from(seed));
    let mutated = match rng.below(10) {
        0 => wire::request(rng),
        1..4 => wire::damaged(rng, bytes[..size].to_vec()),
        _ => return fuzzer_mutate(bytes, size, size_max),
    };
    let length = mutated.len().min(size_max);
    bytes[..length].copy_from_slice(&mutated[..length]);
    length
});
