//! Rows of the store, read in full and as they are loaded.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _is_read = lupa::store::fuzzed::check(bytes);
});
