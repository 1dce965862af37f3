//! See the module it checks by, which the suite has too.

#![no_main]

#[path = "../../tests/suite/core/fuzzed/directory_file.rs"]
mod directory_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    directory_file::check(bytes);
});
