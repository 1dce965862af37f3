//! Tables in `docs/` that are generated from the code.

use std::path::Path;

use lupa::config;
use lupa::policy::rules::sources;
use lupa::wire::{error, limits};

/// The page has this text after its marker, and nothing or an empty line follows.
fn assert_generated(page: &str, marker: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&path).expect(page);
    let (_, part) = text.split_once(&format!("{marker}\n\n")).expect("the marker of the generated part");
    let after = part.strip_prefix(expected);
    let is_current = after.is_some_and(|after| after.is_empty() || after.starts_with('\n'));
    assert!(is_current, "replace the table that follows the marker in {page} with:\n{expected}");
}

#[test]
fn sources_page_is_generated() {
    assert_generated(
        "docs/policy/sources.md",
        "<!-- generated: sources of the rules -->",
        &sources::markdown(),
    );
}

#[test]
fn configuration_page_is_generated() {
    assert_generated(
        "docs/configuration.md",
        "<!-- generated: lupa config --markdown -->",
        &config::markdown(),
    );
}

#[test]
fn errors_page_is_generated() {
    assert_generated("docs/errors.md", "<!-- generated: lupa errors --markdown -->", &error::markdown());
}

#[test]
fn limits_page_is_generated() {
    assert_generated(
        "docs/api.md",
        "<!-- generated: the limits of src/wire/limits.rs -->",
        &limits::markdown(),
    );
}
