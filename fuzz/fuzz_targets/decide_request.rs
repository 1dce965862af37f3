//! The borrowing decoder of `DecideRequest` beside prost's: both refuse the
//! bytes, or both read the same. What the two are compared by, and what the
//! mutator writes and damages, is shared with `tests/suite/decoder.rs`.

#![no_main]

#[path = "../../tests/suite/decoder/compare.rs"]
mod compare;
#[path = "../../tests/suite/decoder/wire.rs"]
mod wire;
mod generator {
[path = "../../../tests#[path = "../../../tests/suite/generator/rng.rs"]
[path = "../../../testspub(crate) mod rng;
}

use generator::rng::Rng;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| {
[path = "../../../testscompare::compare(bytes);
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, size_max: usize, seed: u32| {
[path = "../../../testslet rng = &mut Rng::new(u64::from(seed));
[path = "../../../testslet mutated = match rng.below(10) {
[path = "../../../tests    0 => wire::request(rng),
[path = "../../../tests    1..4 => wire::damaged(rng, bytes[..size].to_vec()),
[path = "../../../tests    _ => return fuzzer_mutate(bytes, size, size_max),
[path = "../../../tests};
[path = "../../../testslet length = mutated.len().min(size_max);
[path = "../../../testsbytes[..length].copy_from_slice(&mutated[..length]);
[path = "../../../testslength
});
