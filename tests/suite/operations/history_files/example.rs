//! The example file: `lupa import --example` is accepted as a whole, and has a line of every
//! kind.

use std::collections::BTreeSet;

use lupa::wire::v1;
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::history_line::Entry;

use super::place::{Place, added, with_each_store};

#[test]
fn every_kind_of_line_occurs() {
    let ran = Place::sqlite().run(["import", "--example"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let mut kinds = BTreeSet::new();
    for line in ran.out.lines() {
        let line: v1::HistoryLine = serde_json::from_str(line).unwrap();
        // Without wildcards, so that a new kind of line does not compile here.
        match line.entry.unwrap() {
            Entry::Declaration(v1::StoredDeclaration { declaration, withdrawn_at, .. }) => {
                kinds.extend(withdrawn_at.map(|_| "withdrawn"));
                kinds.insert(match declaration.unwrap().content.unwrap() {
                    Content::Information(_) => "information",
                    Content::Consent(_) => "consent",
                    Content::Denial(_) => "denial",
                });
            }
            Entry::Link(link) => {
                kinds.insert(if link.end.is_some() { "ended link" } else { "link" });
            }
            Entry::Withdrawal(_) => {
                kinds.insert("withdrawal");
            }
        }
    }
    let every = ["consent", "denial", "ended link", "information", "link", "withdrawal", "withdrawn"];
    assert_eq!(kinds, BTreeSet::from(every));
}

#[test]
fn check_accepts_it_and_opens_no_store() {
    let place = Place::sqlite();
    let example = place.run(["import", "--example"]).out;
    place.write("example.ndjson", &example);
    let ran = place.run(["import", "--check", "--json", "example.ndjson"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let report = ran.json();
    assert_eq!((added(&report), &report["stored"]), (example.lines().count() as u64, &false.into()));
    // Nothing but the file: the configured store is `lupa.sqlite` in this folder.
    let files: Vec<_> =
        std::fs::read_dir(place.file("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["example.ndjson"]);
}

async fn example_is_stored_and_exported(place: Place) {
    let file = place.write("example.ndjson", place.run(["import", "--example"]).out);
    let report = place.import_all(&[&file]);
    assert_eq!(report["lines"], added(&report));
    let exported = place.export("exported.ndjson");
    let report = place.import_all(&[&exported]);
    assert_eq!((added(&report), &report["alreadyStored"]), (0, &report["lines"]));
}

with_each_store!(example_is_stored_and_exported);
