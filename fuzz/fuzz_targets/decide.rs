//! See the module it checks by, which the suite has too.

#![no_main]

#[path = "../../tests/suite/core/fuzzed/decide.rs"]
mod decide;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    decide::check(bytes);
});
