//! The checks of the fuzzers, on their kept corpora. `scripts/fuzz` runs the fuzzers.

mod decide;
mod directory_file;
mod identity_code;
mod scenario_file;

use std::fs;
use std::path::Path;

/// Checks every input of a corpus. At least this many inputs must pass the first refusal
/// and reach the checked code.
fn replay(corpus: &str, least: usize, check: fn(&[u8]) -> usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let inputs = fs::read_dir(folder).expect("the corpus");
    let come_through = inputs
        .filter(|input| check(&fs::read(input.as_ref().expect("an entry").path()).expect("a file")) > 0);
    let come_through = come_through.count();
    assert!(come_through >= least, "{corpus}: {come_through} inputs reach the checked code");
}

#[test]
fn requests_are_decided() {
    replay("decide", 1, decide::check);
}

#[test]
fn scenario_files_are_run() {
    replay("scenario_file", 1, scenario_file::check);
}

#[test]
fn directory_files_are_built() {
    replay("directory_file", 1, directory_file::check);
}

#[test]
fn identity_codes_are_read() {
    replay("identity_code", 5, identity_code::check);
}
