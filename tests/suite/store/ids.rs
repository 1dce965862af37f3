//! Ids of declarations: derived from the time and the revision of their recording, or
//! assigned by an import.

use lupa::policy::declaration::Declaration;
use lupa::policy::oid::OpaqueId;
use lupa::store::{Change, DeclarationIds, Store};
use rusqlite::Connection;

use super::fixture::*;
use crate::fixtures::importing::import_new;

/// The schema of the first version of Lupa.
const SCHEMA_1: &str = include_str!("../../../src/store/migrations/sqlite/0001_changes.sql");

/// The ids of the declarations of a store, and whether each is derived.
fn ids(store: &Store) -> Vec<(OpaqueId<'static>, bool)> {
    let derived = store.declaration_ids();
    let id = |change: Change| match change {
        Change::Declaration { revision, recorded_at, declaration, .. } => {
            let is_derived = derived.is(&declaration.id, recorded_at, revision);
            assert_eq!(derived.id(recorded_at, revision) == declaration.id, is_derived);
            Some((declaration.id, is_derived))
        }
        Change::Withdrawal { .. }
        | Change::UnreadableWithdrawal { .. }
        | Change::Directory { .. }
        | Change::Link { .. }
        | Change::LinkEnd { .. }
        | Change::Import { .. } => None,
    };
    load(store).into_iter().filter_map(id).collect()
}

async fn new_ids_are_derived_and_imported_ones_stay(home: Shared) {
    let store = home.open();
    store.replace_directory(directory("first")).await.unwrap();
    let first = append(&store, declare(client(), "first", denial())).await;
    let imported = Declaration {
        id: id("imported"),
        content: consent(),
        given_at: at(1),
        recorded_at: at(2),
        withdrawal: None,
        declarer: None,
        recorded_by: None,
        label: None,
    };
    import_new(&store, vec![(client(), imported)]).await;
    drop(store);
    let store = home.open();
    let second = append(&store, declare(other_client(), "second", consent())).await;
    let expected = [(first.id, true), (id("imported"), false), (second.id, true)];
    assert_eq!(ids(&store), expected);
}

#[tokio::test]
async fn a_store_keeps_its_tag_and_another_has_its_own() {
    let home = Home::new();
    let tag = home.open().declaration_ids();
    assert_eq!(home.open().declaration_ids(), tag);
    // Tags have 24 bits: three equal ones have a probability of 2^-48.
    let others: Vec<DeclarationIds> = (0..3).map(|_| Home::new().open().declaration_ids()).collect();
    assert!(others.iter().any(|other| *other != tag));
}

#[tokio::test]
async fn store_of_the_first_schema_is_migrated() {
    let home = Home::new();
    let made = Connection::open(home.store()).unwrap();
    made.execute_batch(SCHEMA_1).unwrap();
    made.execute_batch(
        r#"INSERT INTO meta VALUES (1, 1, '7d7ee9f6-0d8b-4f0e-b7a9-a5c3f2b1d001', zeroblob(32));
           INSERT INTO change
               (revision, recorded_at, what, kind, client_root, client_extension, declaration_id, body)
           VALUES (1, 1700000000000000, 'declaration', 'consent', '1.2.246.21', '010181-900C',
                   '018bcfe5-6800-7b01-a1b2-c3d4e5f60718',
                   '{"content":{"consent":{"kind":"healthcare"}},"given_at":1700000000000000}');
           PRAGMA user_version = 1;"#,
    )
    .unwrap();
    drop(made);
    let store = home.open();
    let old = (id("018bcfe5-6800-7b01-a1b2-c3d4e5f60718"), false);
    assert_eq!(ids(&store), std::slice::from_ref(&old));
    assert_eq!(store.epoch().to_string(), "7d7ee9f6-0d8b-4f0e-b7a9-a5c3f2b1d001");
    let new = append(&store, declare(client(), "key", consent())).await;
    let tag = store.declaration_ids();
    drop(store);
    let store = home.open();
    assert_eq!(ids(&store), [old, (new.id, true)]);
    assert_eq!(store.declaration_ids(), tag);
}

on_both_stores!(new_ids_are_derived_and_imported_ones_stay,);
