//! The build script's digest of sources: prose and test code do not change it, code does.

#[path = "../../../build/source_digest.rs"]
mod digest;

use std::fs;

const SOURCE: &str = "//! A module.\n\n/// A rule.\npub fn f() -> u8 {\n    7 // seven\n}\n";

/// The digest of a folder with one source and one migration in it.
fn digest_of(source: &str, migration: &str) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.rs"), source).expect("written");
    fs::write(folder.path().join("1.sql"), migration).expect("written");
    fs::write(folder.path().join("tests.rs"), source.len().to_string()).expect("written");
    digest::of_folder(folder.path().to_str().expect("UTF-8")).expect("a digest")
}

#[test]
fn prose_and_tests_leave_the_digest_alone() {
    let same = [
        "/*! Another head. */\n/// Other words.\npub fn f() -> u8 { 7 }",
        "pub fn f() -> u8 { 7 }\n#[cfg(test)]\nmod tests { fn g() {} }",
        "#[cfg(test)]\nmod tests;\npub fn f() -> u8 { /* why */ 7 }",
        "#[doc = \"A rule.\"]\npub fn f() -> u8 { 7 }",
    ];
    for source in same {
        assert_eq!(digest_of(source, "create"), digest_of(SOURCE, "create"), "{source}");
    }
}

#[test]
fn code_and_migrations_change_the_digest() {
    let other = [
        "pub fn f() -> u8 { 8 }",
        "pub fn g() -> u8 { 7 }",
        "pub fn f() -> u8 { (7) }",
        "#[inline]\npub fn f() -> u8 { 7 }",
        "#[cfg(test)]\nmod tests {}\npub fn f() -> u8 { 7 }\nfn g() {}",
    ];
    for source in other {
        assert_ne!(digest_of(source, "create"), digest_of(SOURCE, "create"), "{source}");
    }
    assert_ne!(digest_of(SOURCE, "drop"), digest_of(SOURCE, "create"));
}
