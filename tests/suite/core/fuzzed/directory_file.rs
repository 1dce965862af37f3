//! A directory file, parsed and built.

use lupa::cli::document::Document;
use lupa::wire::directory::directory;
use lupa::wire::v1;

/// Returns the number of its registers, 0 if it is refused. Nothing panics, and an
/// accepted directory is complete.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(bytes) else { return 0 };
    let Ok(document) = Document::read(text) else { return 0 };
    let Ok(given) = document.parse::<v1::Directory>() else { return 0 };
    let Ok(built) = directory(&given) else { return 0 };
    assert_eq!(built.registers().len(), given.registers.len());
    assert_eq!(built.organisations().len(), given.organisations.len());
    given.registers.len()
}
