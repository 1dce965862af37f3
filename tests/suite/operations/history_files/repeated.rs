//! An import that is run again adds nothing, whatever became of its entries meanwhile.

use std::fs;

use super::everything::{everything, to_core};
use super::line::{day, declaration, file_of, link, other, withdrawal};
use super::place::{Place, added, with_each_store};
use super::recorded::{declare_stored, record, withdraw_stored};
use crate::fixtures::requests::aino;
use lupa::wire::v1;
use lupa::wire::v1::history_line::Entry;

const DENIAL: &str = "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }";

/// Imports a file that is stored already, and asserts that nothing is added.
fn assert_nothing_is_added(place: &Place, file: &std::path::Path) {
    let before = place.verified_revision();
    let report = place.import_all(&[file]);
    assert_eq!((added(&report), &report["alreadyStored"]), (0, &report["lines"]), "{report}");
    assert_eq!(report["stored"], false);
    assert_eq!(place.verified_revision(), before);
}

async fn second_import_adds_nothing(place: Place) {
    let source = place.write("source.ndjson", file_of(&everything(300).lines));
    place.import_all(&[&source]);
    assert_nothing_is_added(&place, &source);
    record(&place.open()).await;
    assert_nothing_is_added(&place, &source);
}

async fn import_of_an_export_adds_nothing(place: Place) {
    place.import_all(&[&place.write("source.ndjson", file_of(&everything(300).lines))]);
    record(&place.open()).await;
    let exported = place.export("exported.ndjson");
    assert_nothing_is_added(&place, &exported);
    assert_eq!(fs::read(place.export("again.ndjson")).unwrap(), fs::read(exported).unwrap());
}

/// What was imported is withdrawn, and withdrawn again after a withdrawal without effect.
async fn later_withdrawals_change_nothing(place: Place) {
    let mut lines = vec![
        declaration(aino(), "in force", day(1), DENIAL),
        declaration(aino(), "withdrawn without effect", day(2), DENIAL),
    ];
    if let Some(Entry::Declaration(stored)) = &mut lines[1].entry {
        (stored.withdrawn_at, stored.withdrawal_given_at) = (Some(day(3)), Some(day(3)));
    }
    let source = place.write("source.ndjson", file_of(&lines));
    place.import_all(&[&source]);
    let store = place.open();
    for id in ["in force", "withdrawn without effect"] {
        withdraw_stored(&store, &to_core(&aino()), id).await;
    }
    drop(store);
    assert_nothing_is_added(&place, &source);
    assert_nothing_is_added(&place, &place.export("exported.ndjson"));
}

/// A file may have the withdrawal of a client's own declaration as a line of its own, after
/// the declaration, twice, and when the declaration was recorded here.
async fn withdrawals_of_their_own_change_nothing(place: Place) {
    let store = place.open();
    let recorded = declare_stored(&store, &to_core(&aino()), DENIAL).await;
    drop(store);
    let lines = [
        declaration(aino(), "once", day(1), DENIAL),
        declaration(aino(), "twice", day(2), DENIAL),
        withdrawal(aino(), "once", v1::Kind::Denial, day(3)),
        withdrawal(aino(), "twice", v1::Kind::Denial, day(4)),
        withdrawal(aino(), "twice", v1::Kind::Denial, day(5)),
        withdrawal(aino(), &recorded, v1::Kind::Denial, day(6)),
        withdrawal(aino(), "nothing", v1::Kind::Consent, day(7)),
    ];
    let source = place.write("source.ndjson", file_of(&lines));
    assert_eq!(added(&place.import_all(&[&source])), lines.len() as u64);
    assert_nothing_is_added(&place, &source);
    let exported = place.export("exported.ndjson");
    assert_nothing_is_added(&place, &exported);
}

/// A link that was ended since, and links in another order of codes.
async fn links_are_recognized(place: Place) {
    let codes = ["a", "b", "c"].map(other);
    let mut lines = vec![link("one", &codes[..2], day(1)), link("two", &codes[1..], day(2))];
    let source = place.write("source.ndjson", file_of(&lines));
    place.import_all(&[&source]);
    assert_nothing_is_added(&place, &source);
    // The end is missing in the store: it is another content, and not an end.
    if let Some(Entry::Link(link)) = &mut lines[0].entry {
        link.end = Some(crate::fixtures::requests::message(
            "{ recorded_at: '2024-03-01T00:00:00Z', recorded_by: { population_register: {} } }",
        ));
    }
    // The same id for other codes.
    lines[1] = link("two", &[other("d"), other("e")], day(2));
    let changed = place.write("changed.ndjson", file_of(&lines));
    let ran = place.import(&[&changed], &[]);
    assert_eq!((ran.code, ran.json()["refused"].as_array().unwrap().len()), (Some(1), 2), "{ran:?}");
}

with_each_store!(
    second_import_adds_nothing,
    import_of_an_export_adds_nothing,
    later_withdrawals_change_nothing,
    withdrawals_of_their_own_change_nothing,
    links_are_recognized,
);
