//! A new store with a history in it is as if it had been recorded.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lupa::policy::client_id::ClientId;
use lupa::policy::declaration::{Content, RecordedBy, Role, Withdrawal};
use lupa::store::{Change, FillEntry, FillError, FillPhase, Filled, OpenError, Revision, Store};
use rusqlite::Connection;

use super::fixture::*;

fn declared(micros: i64, client: ClientId, content: Content) -> Filled {
    let entry = FillEntry::Declaration {
        client,
        content,
        given_at: at(micros - 5),
        declarer: declarer(Role::Guardian),
        recorded_by: RecordedBy::MyKanta,
    };
    Filled { recorded_at: at(micros), entry }
}

fn withdrawn(micros: i64, client: ClientId, declaration: u64) -> Filled {
    let entry = FillEntry::Withdrawal {
        client,
        declaration: Revision(declaration),
        given_at: at(micros),
        by: declarer(Role::Client),
        recorded_by: RecordedBy::MyKanta,
    };
    Filled { recorded_at: at(micros), entry }
}

fn history() -> Vec<Filled> {
    vec![
        Filled { recorded_at: at(10), entry: FillEntry::Directory(directory("filled")) },
        declared(20, client(), consent()),
        declared(20, other_client(), denial()),
        withdrawn(30, client(), 2),
        declared(31, client(), information()),
    ]
}

fn go_on(_: lupa::store::FillProgress) -> bool {
    true
}

/// The SQL of all that a store is made of.
fn schema(home: &Home) -> Vec<(String, Option<String>)> {
    let connection = home.connect();
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").unwrap();
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_filled_store_is_as_if_it_had_been_recorded() {
    let home = Home::new();
    let last = Store::fill(&home.store(), history(), &mut go_on).unwrap();
    assert_eq!(last, Revision(5));
    let store = home.open();
    assert_eq!(*store.committed().borrow(), last);
    let ids = store.declaration_ids();
    let changes = load(&store);
    let times: Vec<_> = changes.iter().map(Change::recorded_at).collect();
    assert_eq!(times, [10, 20, 20, 30, 31].map(at));
    let [
        Change::Directory { directory: whole, .. },
        Change::Declaration { client: whose, declaration, .. },
        _,
        Change::Withdrawal { client: who, declaration_id, withdrawal, .. },
        _,
    ] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!(whole.organisations(), directory("filled").organisations());
    assert_eq!((whose, who), (&client(), &client()));
    assert_eq!(declaration.id, ids.id(at(20), Revision(2)));
    assert_eq!((declaration.content.clone(), declaration.given_at), (consent(), at(15)));
    assert_eq!(declaration.declarer, Some(declarer(Role::Guardian)));
    assert_eq!(declaration.recorded_by, Some(RecordedBy::MyKanta));
    assert_eq!(*declaration_id, declaration.id);
    let by = Some(declarer(Role::Client));
    assert_eq!(*withdrawal, Withdrawal { given_at: at(30), recorded_at: at(30), by });
    assert_eq!(store.history_of(&client(), point(&store, last)).unwrap().len(), 2);
    // It is recorded in as in any other.
    let other_id = ids.id(at(20), Revision(3));
    let next = append(&store, withdraw(other_client(), "key", other_id)).await;
    assert_eq!(next.revision, Revision(6));
}

#[test]
fn a_filled_store_has_all_that_guards_a_store() {
    let (filled, plain) = (Home::new(), Home::new());
    Store::fill(&filled.store(), history(), &mut go_on).unwrap();
    drop(plain.open());
    assert_eq!(schema(&filled), schema(&plain));
    let connection: Connection = filled.connect();
    connection.execute("DELETE FROM change WHERE revision = 5", ()).unwrap_err();
    let check: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let mode = fs::metadata(filled.store()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_faulty_history_makes_no_store() {
    for (faulty, expected) in [
        (
            declared(29, client(), denial()),
            "change 6 of the history was recorded before the one before it: \
             put them in the order of time; no store was made",
        ),
        (withdrawn(40, client(), 3), "of another client"),
        (withdrawn(40, client(), 1), "a directory"),
        (withdrawn(40, client(), 4), "a withdrawal"),
        (withdrawn(40, client(), 6), "itself"),
    ] {
        let home = Home::new();
        let error =
            Store::fill(&home.store(), history().into_iter().chain([faulty]), &mut go_on).unwrap_err();
        match &error {
            FillError::GoesBack { .. } => assert_eq!(error.to_string(), expected),
            error => assert!(
                matches!(error, FillError::WithdrawsNothing { revision: Revision(6) }),
                "{expected}: {error}"
            ),
        }
        assert!(!home.store().exists() && !home.file("lupa.db.new").exists(), "{expected}");
    }
}

#[test]
fn a_fill_can_be_stopped_in_every_phase() {
    for phase in [FillPhase::Writing, FillPhase::Indexing, FillPhase::Syncing] {
        let home = Home::new();
        let stopped = Store::fill(&home.store(), history(), &mut |progress| progress.phase != phase);
        assert!(matches!(stopped, Err(FillError::Stopped)), "{phase:?}");
        assert!(!home.store().exists() && !home.file("lupa.db.new").exists(), "{phase:?}");
        Store::fill(&home.store(), history(), &mut go_on).unwrap();
        assert_eq!(load(&home.open()).len(), 5);
    }
}

#[test]
fn a_store_that_is_there_is_not_filled() {
    let home = Home::new();
    let store = home.open();
    let refused = Store::fill(&home.store(), history(), &mut go_on);
    assert!(matches!(refused, Err(FillError::Open(OpenError::InUse { .. }))));
    drop(store);
    let error = Store::fill(&home.store(), history(), &mut go_on).unwrap_err();
    assert_eq!(
        message(&error),
        "there is a file at PATH already: give another path for the new store, or move the file away"
    );
    assert!(load(&home.open()).is_empty());
}
