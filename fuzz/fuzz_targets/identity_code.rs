//! See the module it checks by, which the suite has too.

#![no_main]

#[path = "../../tests/suite/core/fuzzed/identity_code.rs"]
mod identity_code;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    identity_code::check(bytes);
});
