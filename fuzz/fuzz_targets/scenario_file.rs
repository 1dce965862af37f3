//! See the module it checks by, which the suite has too.

#![no_main]

#[path = "../../tests/suite/core/fuzzed/scenario_file.rs"]
mod scenario_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    scenario_file::check(bytes);
});
