//! What is imported is exported byte by byte, and an export that is imported into an
//! empty store is exported again byte by byte.

use std::fs;

use super::everything::everything;
use super::line::file_of;
use super::place::{Place, added};
use super::recorded::record;

/// Number of generated clients.
const CLIENTS: usize = 3_000;

/// Everything that was imported, then recorded, moves through `others` and back.
async fn moves_through(original: Place, others: &[Place]) {
    let source = file_of(&everything(CLIENTS).lines);
    let file = original.write("source.ndjson", &source);
    let report = original.import_all(&[&file]);
    assert_eq!(report["lines"], added(&report));
    assert_same(&fs::read(original.export("imported.ndjson")).unwrap(), &source);

    record(&original.open()).await;
    let mut last = original.export("everything.ndjson");
    let exported = fs::read(&last).unwrap();
    assert!(exported.starts_with(&source));
    for place in others {
        place.import_all(&[&last]);
        last = place.export("again.ndjson.zst");
        assert_same(&zstd::decode_all(fs::File::open(&last).unwrap()).unwrap(), &exported);
    }
}

/// Compares line by line, because the whole files do not fit into a message.
fn assert_same(found: &[u8], expected: &[u8]) {
    let lines = |file: &[u8]| -> Vec<String> {
        String::from_utf8(file.to_vec()).unwrap().split('\n').map(str::to_owned).collect()
    };
    let (found_lines, expected_lines) = (lines(found), lines(expected));
    for (number, (found, expected)) in (1..).zip(found_lines.iter().zip(&expected_lines)) {
        assert_eq!(found, expected, "line {number}");
    }
    assert_eq!(found_lines.len(), expected_lines.len());
    assert!(found == expected);
}

#[tokio::test]
async fn exports_of_files_are_equal() {
    moves_through(Place::sqlite(), &[Place::sqlite()]).await;
}

#[tokio::test]
async fn exports_are_equal_through_postgres_and_back() {
    moves_through(Place::sqlite(), &[Place::postgres(), Place::sqlite()]).await;
}

#[tokio::test]
async fn exports_of_databases_are_equal() {
    moves_through(Place::postgres(), &[Place::postgres()]).await;
}

/// Standard output and standard input, as in a pipe; and every form of compression.
#[tokio::test]
async fn exports_are_equal_through_pipes_and_compressed() {
    let (original, copy) = (Place::sqlite(), Place::sqlite());
    let file = original.write("source.ndjson", file_of(&everything(50).lines));
    original.import_all(&[&file]);
    let exported = original.run(["export", "--store", original.store(), "-"]);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert_same(exported.out.as_bytes(), &fs::read(&file).unwrap());

    let piped = copy.write("piped.ndjson", &exported.out);
    let imported = copy
        .command(["import", "--store", copy.store(), "-"])
        .stdin(fs::File::open(piped).unwrap())
        .output()
        .unwrap();
    assert!(imported.status.success(), "{imported:?}");
    let compressed = zstd::encode_all(exported.out.as_bytes(), 0).unwrap();
    let report = copy.import_all(&[&copy.write("compressed", compressed)]);
    assert_eq!((added(&report), &report["alreadyStored"]), (0, &report["lines"]));
    assert_same(&fs::read(copy.export("again.ndjson")).unwrap(), exported.out.as_bytes());
}
