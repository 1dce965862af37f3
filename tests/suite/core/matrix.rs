//! The decision matrix, for review: a change of the law is a diff of it.

use std::process::Command;

use crate::fixtures::process::LUPA;

/// Before sharing across sectors starts, and when all of it has.
const DAYS: [&str; 2] = ["2026-06-01", "2027-11-01"];

#[test]
fn the_matrix_is_the_one_that_was_reviewed() {
    for day in DAYS {
        let printed = Command::new(LUPA).args(["rules", "--matrix", "--on", day]).env_clear().output();
        let printed = String::from_utf8(printed.expect("lupa").stdout).expect("text");
        let path = format!("tests/expected/matrix-{day}.txt");
        let expected = std::fs::read_to_string(&path).expect("the expected matrix");
        let differences: Vec<_> =
            expected.lines().zip(printed.lines()).filter(|(expected, printed)| expected != printed).collect();
        assert!(
            printed == expected,
            "{path} differs in {} lines, the first: {:#?}; if the law has changed, renew it by \
             `cargo run -- rules --matrix --on {day} > {path}` and have the diff read",
            differences.len(),
            differences.first(),
        );
    }
}
