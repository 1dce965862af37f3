//! Reads of revision ranges, and of clients' histories as of a revision.

use std::sync::Barrier;
use std::thread;

use lupa::policy::client_id::ClientId;
use lupa::store::{Change, ReadError, Revision, Store};

use super::fixture::*;

async fn store_with(home: &Shared, changes: usize) -> Store {
    let store = home.open();
    for n in 0..changes {
        append(&store, declare(client(), &format!("key {n}"), denial())).await;
    }
    store
}

/// The revisions of a range.
fn range(store: &Store, after: u64, until: u64) -> Result<Vec<u64>, ReadError> {
    let mut revisions = Vec::new();
    let last = store.load_range(Revision(after), Revision(until), &mut |loaded| {
        revisions.push(loaded.revision.0);
        true
    })?;
    assert_eq!(last.0, revisions.last().copied().unwrap_or(after));
    Ok(revisions)
}

async fn ranges_are_read_in_order_and_at_one_time(home: Shared) {
    let store = store_with(&home, 20).await;
    let parts: Vec<Vec<u64>> = thread::scope(|scope| {
        let parts: Vec<_> = [(0, 7), (7, 8), (8, 20)]
            .into_iter()
            .map(|(after, until)| {
                let store = &store;
                scope.spawn(move || range(store, after, until).unwrap())
            })
            .collect();
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    });
    assert_eq!(parts.concat(), (1..=20).collect::<Vec<_>>());
    assert!(range(&store, 20, 20).unwrap().is_empty());
    assert!(range(&store, 5, 3).unwrap().is_empty());
}

async fn range_read_stops_on_request(home: Shared) {
    let store = store_with(&home, 9).await;
    let mut seen = 0;
    let last = store.load_range(Revision(2), Revision(9), &mut |_| {
        seen += 1;
        seen < 3
    });
    assert_eq!((last.unwrap(), seen), (Revision(5), 3));
}

async fn range_with_a_gap_is_an_error(home: Shared) {
    let store = store_with(&home, 9).await;
    assert!(matches!(range(&store, 3, 10), Err(ReadError::Hole { after: Revision(9), .. })));
    home.unprotect().await;
    home.execute("DELETE FROM lupa.change WHERE revision IN (1, 5)").await;
    assert_eq!(range(&store, 1, 4).unwrap(), [2, 3, 4]);
    assert!(matches!(range(&store, 0, 4), Err(ReadError::Hole { after: Revision(0), .. })));
    assert!(matches!(range(&store, 3, 9), Err(ReadError::Hole { after: Revision(4), .. })));
    assert!(matches!(range(&store, 2, 5), Err(ReadError::Hole { after: Revision(4), .. })));
}

async fn history_is_read_as_of_a_revision(home: Shared) {
    let store = home.open();
    let first = append(&store, declare(client(), "first", denial())).await;
    let other = append(&store, declare(other_client(), "other", consent())).await;
    let second = append(&store, declare(client(), "second", consent())).await;
    let ended = append(&store, withdraw(client(), "end", first.id.clone())).await;
    let ids = |client: &ClientId, until: Revision| -> Vec<_> {
        let history =
            store.history_of(std::slice::from_ref(client), point(&store, until)).unwrap().declarations;
        history.into_iter().map(|one| (one.id, one.withdrawal.is_some())).collect()
    };
    let (first, second) = (first.id, second.id);
    assert!(ids(&client(), Revision(0)).is_empty());
    assert_eq!(ids(&client(), Revision(2)), [(first.clone(), false)]);
    assert_eq!(ids(&client(), Revision(3)), [(first.clone(), false), (second.clone(), false)]);
    assert_eq!(ids(&client(), ended.revision), [(first, true), (second, false)]);
    assert_eq!(ids(&other_client(), ended.revision), [(other.id, false)]);
    let strange = ClientId::Other { root: oid("1.2.246.21"), extension: id("010181-900C") };
    assert!(ids(&strange, ended.revision).is_empty());
    assert!(matches!(
        store.history_of(&[client()], point(&store, Revision(5))),
        Err(ReadError::WentBack { last: Revision(4), known: Revision(5), .. })
    ));
}

/// More reads than connections: each waits for a connection and is answered.
async fn many_histories_are_read_at_one_time(home: Shared) {
    let store = store_with(&home, 50).await;
    let together = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                together.wait();
                for until in 1..=50 {
                    let history =
                        store.history_of(&[client()], point(&store, Revision(until))).unwrap().declarations;
                    assert_eq!(history.len() as u64, until);
                }
            });
        }
    });
}

async fn loaded_changes_equal_followed_changes(home: Shared) {
    let store = store_with(&home, 10).await;
    let loaded: Vec<Revision> = load(&store).iter().map(Change::revision).collect();
    let followed: Vec<Revision> =
        store.changes_since(Revision(0), 100).unwrap().iter().map(Change::revision).collect();
    assert_eq!(loaded, followed);
}

on_both_stores!(
    ranges_are_read_in_order_and_at_one_time,
    range_read_stops_on_request,
    range_with_a_gap_is_an_error,
    history_is_read_as_of_a_revision,
    many_histories_are_read_at_one_time,
    loaded_changes_equal_followed_changes,
);
