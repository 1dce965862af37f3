//! The page of sources has the table of sources that the rules cite.

use std::path::Path;

use lupa::policy::rules::sources;

const PAGE: &str = "docs/policy/sources.md";
const MARKER: &str = "<!-- generated: sources of the rules -->\n\n";

#[test]
fn sources_page_is_generated() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).expect(PAGE);
    let (_, table) = page.split_once(MARKER).expect("the marker of the table");
    let expected = sources::markdown();
    let after = table.strip_prefix(&expected);
    let is_current = after.is_some_and(|after| after.is_empty() || after.starts_with('\n'));
    assert!(is_current, "replace the table that follows the marker in {PAGE} with:\n{expected}");
}
