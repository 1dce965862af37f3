//! The index follows the store, and says so when it cannot.

use std::time::Duration;

use lupa::index::{Index, IndexOptions, Reached, Unavailable};
use lupa::policy::declaration::Content;
use lupa::store::{Point, Revision, Store};

use super::fixture::*;

/// Soon stale; looks often.
fn hasty() -> IndexOptions {
    IndexOptions {
        poll_interval: Duration::from_millis(5),
        max_staleness: Duration::from_secs(1),
        retry_delay_max: Duration::from_millis(10),
        overlay_clients_max: 1_000,
        checkpoint: None,
    }
}

async fn wait_until_ready(index: &Index, ready: bool) {
    index.readiness().wait_for(|told| *told == ready).await.unwrap();
}

#[tokio::test]
async fn what_is_stored_is_loaded() {
    let home = Home::new();
    let store = home.open();
    append(&store, declare(client(), "a", denial())).await;
    let last = append(&store, declare(client(), "b", consent())).await;
    let (index, _follower) = start_index(&store);
    wait_until_ready(&index, true).await;
    assert_eq!(index.load_progress(), (2, 2));
    let snapshot = index.current().unwrap();
    assert_eq!((snapshot.revision(), snapshot.recorded_at()), (last.revision, Some(last.recorded_at)));
    assert_eq!((snapshot.clients(), snapshot.declaration_count()), (1, 2));
    assert_eq!(contents(&index), [denial(), consent()]);
    assert!(snapshot.declarations(&other_client()).is_empty());
    assert!(snapshot.directory().organisations().is_empty());
}

#[tokio::test]
async fn an_empty_store_is_ready() {
    let home = Home::new();
    let store = home.open();
    let (index, _follower) = start_index(&store);
    wait_until_ready(&index, true).await;
    let snapshot = index.current().unwrap();
    assert_eq!((snapshot.revision(), snapshot.recorded_at(), snapshot.clients()), (Revision(0), None, 0));
}

#[tokio::test]
async fn what_is_appended_is_followed() {
    let home = Home::new();
    let store = home.open();
    // Polled so rarely that only the hint can bring the news.
    let rarely = IndexOptions { poll_interval: Duration::from_secs(3_600), ..index_options() };
    let (index, _follower) = Index::start(store.clone(), rarely).unwrap();
    wait_until_ready(&index, true).await;
    let before = index.current().unwrap();
    for n in 1..=50 {
        let appended = append(&store, declare(client(), &format!("key {n}"), denial())).await;
        reached(&index, &store, appended.revision).await;
        assert_eq!(contents(&index).len(), n);
    }
    let point = store.replace_directory(directory("HUS")).await.unwrap();
    reached(&index, &store, point.revision).await;
    assert_eq!(&*index.current().unwrap().directory().organisations()[0].name, "HUS");
    // Who holds a snapshot keeps it.
    assert_eq!((before.revision(), before.declarations(&client()).is_empty()), (Revision(0), true));
}

#[tokio::test]
async fn what_comes_unannounced_is_polled() {
    let home = Home::new();
    let store = home.open();
    let (index, _follower) = start_index(&store);
    append(&store, declare(client(), "key", denial())).await;
    home.connect()
        .execute(
            "INSERT INTO change (revision, recorded_at, what, kind, client_root, client_extension,
                 declaration_id, body)
             SELECT 2, recorded_at, what, kind, client_root, client_extension, 'another', body FROM change",
            (),
        )
        .unwrap();
    reached(&index, &store, Revision(2)).await;
    assert_eq!(contents(&index), [denial(), denial()]);
}

#[tokio::test]
async fn waiting_for_a_revision_ends_with_it_or_at_the_deadline() {
    let home = Home::new();
    let store = home.open();
    let (index, follower) = start_index(&store);
    let waiting = tokio::spawn({
        let (index, store) = (index.clone(), store.clone());
        async move {
            reached(&index, &store, Revision(1)).await;
            index.current().unwrap().revision()
        }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    append(&store, declare(client(), "key", denial())).await;
    assert_eq!(waiting.await.unwrap(), Revision(1));

    let now = tokio::time::Instant::now();
    assert_eq!(index.reached(point(&store, 1), now).await, Reached::Yes);
    assert_eq!(index.reached(point(&store, 2), now + Duration::from_millis(10)).await, Reached::NotYet);
    follower.stop();
    append(&store, declare(client(), "unseen", denial())).await;
    let soon = tokio::time::Instant::now() + Duration::from_millis(10);
    assert_eq!(index.reached(point(&store, 2), soon).await, Reached::NotYet);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_makes_it_stale_until_it_can() {
    let home = Home::new();
    let store = home.open();
    let (index, _follower) = Index::start(store.clone(), hasty()).unwrap();
    wait_until_ready(&index, true).await;
    home.connect().execute_batch("ALTER TABLE change RENAME TO elsewhere").unwrap();
    wait_until_ready(&index, false).await;
    let Err(Unavailable::Stale { age }) = index.current() else { panic!("stale") };
    assert!(age >= hasty().max_staleness);
    home.connect().execute_batch("ALTER TABLE elsewhere RENAME TO change").unwrap();
    wait_until_ready(&index, true).await;
    let appended = append(&store, declare(client(), "key", denial())).await;
    reached(&index, &store, appended.revision).await;
    assert_eq!(contents(&index), [denial()]);
}

#[tokio::test]
async fn a_hole_is_not_skipped() {
    let home = Home::new();
    let store = home.open();
    append(&store, declare(client(), "key", denial())).await;
    let (index, _follower) = Index::start(store.clone(), hasty()).unwrap();
    wait_until_ready(&index, true).await;
    let insert = "INSERT INTO change (revision, recorded_at, what, kind, client_root, client_extension,
             declaration_id, body)
         SELECT ?1, recorded_at, what, kind, client_root, client_extension, ?1, body
         FROM change WHERE revision = 1";
    let connection = home.connect();
    connection.execute_batch("DROP TRIGGER change_is_dense").unwrap();
    connection.execute(insert, [3]).unwrap();
    wait_until_ready(&index, false).await;
    assert!(matches!(index.current(), Err(Unavailable::Stale { .. })));
    assert_eq!(index.reached(point(&store, 3), tokio::time::Instant::now()).await, Reached::NotYet);
    connection.execute(insert, [2]).unwrap();
    wait_until_ready(&index, true).await;
    assert_eq!(index.current().unwrap().revision(), Revision(3));
}

#[tokio::test]
async fn a_store_that_went_back_is_not_followed() {
    let home = Home::new();
    let store = home.open();
    append(&store, declare(client(), "a", denial())).await;
    append(&store, declare(client(), "b", denial())).await;
    let (index, _follower) = Index::start(store.clone(), hasty()).unwrap();
    wait_until_ready(&index, true).await;
    home.connect()
        .execute_batch("DROP TRIGGER change_is_never_deleted; DELETE FROM change WHERE revision = 2")
        .unwrap();
    wait_until_ready(&index, false).await;
    assert!(matches!(index.current(), Err(Unavailable::Stale { .. })));
}

#[tokio::test]
async fn nothing_is_decided_before_the_store_is_loaded() {
    let home = Home::new();
    let store = home.open();
    home.connect()
        .execute(
            "INSERT INTO change (revision, recorded_at, what, body) VALUES (1, 0, 'directory', '{}')",
            (),
        )
        .unwrap();
    let (index, follower) = Index::start(store.clone(), hasty()).unwrap();
    assert_eq!(index.current().unwrap_err(), Unavailable::NotLoaded);
    assert_eq!(
        index.reached(point(&store, 1), tokio::time::Instant::now() + Duration::from_millis(50)).await,
        Reached::NotYet
    );
    assert_eq!(index.current().unwrap_err(), Unavailable::NotLoaded);
    follower.stop();
}

#[tokio::test]
async fn a_stopped_follower_lets_go_of_the_store() {
    let home = Home::new();
    let store = home.open();
    let (index, follower) = Index::start(store.clone(), hasty()).unwrap();
    wait_until_ready(&index, true).await;
    drop(store);
    assert!(refusal(&home.store()).contains("is in use"));
    follower.stop();
    drop(home.open());
}

fn point(store: &Store, revision: u64) -> Point {
    Point { epoch: store.epoch(), revision: Revision(revision) }
}

fn contents(index: &Index) -> Vec<Content> {
    let snapshot = index.current().unwrap();
    snapshot.declarations(&client()).gists().map(|gist| gist.content.to_content()).collect()
}
