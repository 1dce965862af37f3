//! Files that cannot be read to their end: nothing is stored, not even with --allow-refused.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::line::{day, declaration, file_of, other};
use super::place::{Place, added, with_each_store};

/// Number of lines: more than one chunk of an import.
const LINES: usize = 6_000;

fn lines() -> Vec<u8> {
    let content = "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }";
    let line = |number: usize| declaration(other(&number.to_string()), &number.to_string(), day(1), content);
    file_of(&(0..LINES).map(line).collect::<Vec<_>>())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 0).unwrap()
}

/// Imports good lines and then the file, and asserts that nothing is stored and why.
fn assert_unreadable(place: &Place, file: &Path, reason: &str) {
    let good = place.write("good.ndjson", lines());
    let before = place.verified_revision();
    for options in [&[][..], &["--allow-refused"]] {
        let ran = place.import(&[&good, file], options);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        let expected = format!("error: cannot read {}", file.display());
        assert!(ran.err.starts_with(&expected) && ran.err.contains(reason), "{reason}: {ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
        assert_eq!(place.verified_revision(), before);
    }
    let check = ["import", "--check"].map(Path::new).into_iter().chain([good.as_path(), file]);
    assert_eq!(place.run(check).code, Some(2));
}

async fn truncated_files_are_not_stored(place: Place) {
    drop(place.open());
    for (name, whole) in [("truncated.gz", gzip(&lines())), ("truncated.zst", zstd(&lines()))] {
        for cut in [whole.len() / 2, whole.len() - 1] {
            let file = place.write(name, &whole[..cut]);
            assert_unreadable(&place, &file, "to its end: ");
        }
        let mut damaged = whole.clone();
        damaged[whole.len() / 2..][..64].fill(0xaa);
        assert_unreadable(&place, &place.write(name, damaged), "to its end: ");
        let report = place.import_all(&[&place.write("whole", whole)]);
        assert_eq!(added(&report) + report["alreadyStored"].as_u64().unwrap(), LINES as u64);
    }
}

async fn folders_and_missing_files_are_not_stored(place: Place) {
    drop(place.open());
    let folder = place.file("folder");
    fs::create_dir(&folder).unwrap();
    assert_unreadable(&place, &folder, "directory");
    assert_unreadable(&place, &place.file("missing.ndjson"), "No such file");
}

/// A typo in the name of the file leaves no new store behind.
#[test]
fn missing_file_creates_no_store() {
    let place = Place::sqlite();
    let ran = place.import(&[&place.file("missing.ndjson")], &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(!Path::new(place.store()).exists());
}

#[test]
fn arguments_that_contradict_are_usage_errors() {
    let place = Place::sqlite();
    let file = place.write("lines.ndjson", lines());
    let file = file.to_str().unwrap();
    for arguments in [
        &["import"][..],
        &["import", "--check", "--store", "x", file],
        &["import", "--example", file],
        &["import", "--line-bytes-max", "much", file],
        &["import", "--unknown", file],
    ] {
        let ran = place.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
    }
    // An export does not overwrite a file, and reads no store that is not there.
    place.import_all(&[Path::new(file)]);
    let exists = place.run(["export", "--store", place.store(), file]);
    assert_eq!((exists.code, exists.err.contains(file)), (Some(2), true), "{exists:?}");
    let nothing = place.run(["export", "--store", "nothing.sqlite", "new.ndjson"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    let left: Vec<PathBuf> = ["nothing.sqlite", "new.ndjson"].map(|name| place.file(name)).into();
    assert!(left.iter().all(|file| !file.exists()));
}

with_each_store!(truncated_files_are_not_stored, folders_and_missing_files_are_not_stored);
