//! Files with lines at fault: each is reported with its number and the reason, without the
//! personal data of the line, and nothing is stored unless --allow-refused is given.

mod table;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::line::{day, declaration, file_of, link, other};
use super::place::{Place, Ran, added, snapshot, start_index, with_each_store};
use crate::fixtures::requests::aino;
use crate::operations::history_files::everything::to_core;
use table::{Case, SECRETS, table};

/// Of each refused line: the file, the number of the line, and a part of the reason.
type Refused = (usize, u64, &'static str);

fn assert_no_secret(ran: &Ran, name: &str) {
    for secret in SECRETS {
        let has_it = ran.out.contains(secret) || ran.err.contains(secret);
        assert!(!has_it, "{name}: {secret} is printed: {ran:?}");
    }
}

/// The lines on standard error are those that are refused, in order.
fn assert_printed(ran: &Ran, files: &[PathBuf], refused: &[Refused], name: &str) {
    let printed: Vec<&str> = ran.err.lines().collect();
    assert_eq!(printed.len(), refused.len(), "{name}: {ran:?}");
    for (line, (file, number, reason)) in printed.iter().zip(refused) {
        let start = format!("{}:{number}: ", files[*file].display());
        assert!(line.starts_with(&start) && line.contains(reason), "{name}: {line}: expected {reason}");
    }
}

/// The same in a report.
fn assert_reported(report: &Value, files: &[PathBuf], refused: &[Refused], name: &str) {
    let reported = report["refused"].as_array().unwrap();
    assert_eq!(reported.len(), refused.len(), "{name}: {report}");
    for (line, (file, number, reason)) in reported.iter().zip(refused) {
        assert_eq!((&line["file"], &line["line"]), (&json!(files[*file]), &json!(number)), "{name}");
        assert!(line["reason"].as_str().unwrap().contains(reason), "{name}: {line}: expected {reason}");
    }
}

fn check(case: &Case) {
    let Case { name, files, refused, accepted, options } = case;
    let place = Place::sqlite();
    let write = |(number, file)| place.write(&format!("{number}.ndjson"), file);
    let files: Vec<PathBuf> = files.iter().enumerate().map(write).collect();
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let refusal = Some(i32::from(!refused.is_empty()));

    let words = ["import", "--check"].map(Path::new);
    let more = options.iter().map(Path::new);
    let ran = place.run(words.into_iter().chain(more).chain(paths.iter().copied()));
    assert_eq!(ran.code, refusal, "{name}: {ran:?}");
    assert!(ran.out.ends_with("checked: nothing was stored\n"), "{name}: {ran:?}");
    assert_printed(&ran, &files, refused, name);
    assert_no_secret(&ran, name);
    assert!(!Path::new(place.store()).exists(), "{name}: --check opened a store");

    let ran = place.import(&paths, options);
    assert_eq!((ran.code, ran.err.as_str()), (refusal, ""), "{name}: {ran:?}");
    assert_reported(&ran.json(), &files, refused, name);
    assert_eq!(ran.json()["stored"], json!(refused.is_empty() && *accepted > 0), "{name}");
    assert_no_secret(&ran, name);
    if !refused.is_empty() {
        assert_eq!(place.verified_revision(), 0, "{name}: something is stored");
        let words = ["import", "--store", place.store()].map(Path::new);
        let more = options.iter().map(Path::new);
        let ran = place.run(words.into_iter().chain(more).chain(paths.iter().copied()));
        assert_eq!(ran.code, refusal, "{name}: {ran:?}");
        assert!(ran.out.contains("nothing was stored"), "{name}: {ran:?}");
        assert_printed(&ran, &files, refused, name);
        assert_no_secret(&ran, name);

        let allowing = [options.as_slice(), &["--allow-refused"]].concat();
        let ran = place.import(&paths, &allowing);
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
        assert_reported(&ran.json(), &files, refused, name);
        assert_eq!((added(&ran.json()), ran.json()["stored"] == true), (*accepted, *accepted > 0), "{name}");
        assert_no_secret(&ran, name);
    } else {
        assert_eq!(added(&ran.json()), *accepted, "{name}");
    }
    assert_eq!(place.verified_revision() > 0, *accepted > 0, "{name}");
}

#[test]
fn each_refused_line_is_reported_and_nothing_is_stored() {
    table().iter().for_each(check);
}

/// The summary, as a person at a terminal sees it.
#[test]
fn summary_says_what_became_of_the_lines() {
    let place = Place::sqlite();
    let one = declaration(aino(), "one", day(1), DENIAL);
    let lines = [one.clone(), link("link", &[aino(), other("another")], day(2)), one];
    let file = place.write("lines.ndjson", file_of(&lines));
    let import = |more: &[&str]| {
        let words = ["import", file.to_str().unwrap()].into_iter().chain(more.iter().copied());
        place.run(words).out
    };
    let counts = |[added, denials, links]: [&str; 3], stored: &str| {
        format!(
            "lines read                 3\n{added}\n  information              0\n  consents                 0\n  \
             denials                  {denials}\n  withdrawals              0\n  \
             links                    {links}\n{stored}refused                    1\n"
        )
    };
    let new = counts(["new                        2", "1", "1"], "");
    assert_eq!(import(&["--check"]), new + "checked: nothing was stored\n");
    let new = counts(["new                        2", "1", "1"], "already stored             0\n");
    let refused = "nothing was stored: correct the refused lines, or add --allow-refused\n";
    assert_eq!(import(&["--store", place.store()]), new + refused);
    let added = counts(["added                      2", "1", "1"], "already stored             0\n");
    let allowing = ["--store", place.store(), "--allow-refused"];
    assert_eq!(import(&allowing), added + "stored, without the refused lines\n");
    let again = counts(["new                        0", "0", "0"], "already stored             2\n");
    assert_eq!(import(&allowing), again + "nothing was stored: there was nothing new\n");
}

const DENIAL: &str = "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }";

/// The id of a line is stored with another content, client or kind; or occurs twice.
async fn ids_that_are_stored_with_other_content_are_refused(place: Place) {
    let one = declaration(aino(), "one", day(1), DENIAL);
    let two = declaration(aino(), "two", day(2), DENIAL);
    place.import_all(&[&place.write("stored.ndjson", file_of(&[one.clone(), two.clone()]))]);
    let before = place.verified_revision();
    let file = place.write(
        "lines.ndjson",
        file_of(&[
            one.clone(),
            declaration(other("another"), "two", day(2), DENIAL),
            declaration(aino(), "three", day(3), DENIAL),
            one,
            // Compared with what is stored, even as a repetition of a refused line.
            declaration(aino(), "three", day(4), DENIAL),
        ]),
    );
    let refused: [Refused; 3] = [(0, 2, "another content"), (0, 4, "earlier line"), (0, 5, "earlier line")];
    let ran = place.import(&[&file], &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let files = [file];
    assert_reported(&ran.json(), &files, &refused, "stored");
    assert_eq!(place.verified_revision(), before);

    let ran = place.import(&[&files[0]], &["--allow-refused"]);
    assert_eq!((ran.code, added(&ran.json())), (Some(0), 1), "{ran:?}");
    assert_eq!(ran.json()["alreadyStored"], 1);
    assert_no_secret(&ran, "stored");
    assert_eq!(place.verified_revision(), before + 3);
}

/// Links in a cycle are one person.
async fn links_in_a_cycle_are_one_person(place: Place) {
    let codes = ["a", "b", "c"].map(other);
    let [a, b, c] = codes.clone();
    let lines = [
        link("1", &[a.clone(), b.clone()], day(1)),
        link("2", &[b, c.clone()], day(2)),
        link("3", &[c, a.clone()], day(3)),
        declaration(a, "denial", day(4), DENIAL),
    ];
    place.import_all(&[&place.write("cycle.ndjson", file_of(&lines))]);
    let store = place.follow();
    let (index, _follower) = start_index(&store);
    let snapshot = snapshot(&index, &store).await;
    for code in codes.each_ref().map(to_core) {
        assert_eq!(snapshot.person(&code).unwrap().codes.len(), 3);
        assert_eq!(snapshot.declarations(&code).facts().count(), 1);
    }
}

with_each_store!(ids_that_are_stored_with_other_content_are_refused, links_in_a_cycle_are_one_person);
