//! The index follows the store, and is stale while it cannot.

use std::time::Duration;

use lupa::index::{Index, IndexOptions, Reached, Unavailable};
use lupa::policy::declaration::Content;
use lupa::store::{Point, Revision, Store};

use super::fixture::*;

/// The row of a denial.
const DENIAL: Row<'_> = Row {
    revision: None,
    what: "declaration",
    kind: Some("denial"),
    client: Some(("1.2.246.21", "010181-900C")),
    declaration_id: Some("another"),
    body: r#"{"content":{"denial":{"sector":"healthcare","scope":"all_patient_data","allows_emergency":true}},"given_at":0}"#,
};

/// A short staleness bound and frequent polls.
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
    index.readiness().wait_for(|is_ready| *is_ready == ready).await.unwrap();
}

async fn stored_changes_are_loaded(home: Shared) {
    let store = home.open();
    append(&store, declare(client(), "a", denial())).await;
    let last = append(&store, declare(client(), "b", consent())).await;
    let (index, _follower) = start_index(&store);
    wait_until_ready(&index, true).await;
    assert_eq!(index.load_progress(), (2, 2));
    let snapshot = index.current().unwrap();
    assert_eq!((snapshot.revision(), snapshot.recorded_at()), (last.revision, Some(last.recorded_at)));
    assert_eq!((snapshot.clients(), snapshot.declaration_count()), (1, 2));
    assert_eq!(contents(&index).await, [denial(), consent()]);
    assert!(snapshot.declarations(&other_client()).is_empty());
    assert!(snapshot.directory().organisations().is_empty());
}

async fn an_empty_store_is_ready(home: Shared) {
    let store = home.open();
    let (index, _follower) = start_index(&store);
    wait_until_ready(&index, true).await;
    let snapshot = index.current().unwrap();
    assert_eq!((snapshot.revision(), snapshot.recorded_at(), snapshot.clients()), (Revision(0), None, 0));
}

async fn appended_changes_are_followed(home: Shared) {
    let store = home.open();
    // Polled so rarely that only the notification can bring the change.
    let rarely = IndexOptions { poll_interval: Duration::from_secs(3_600), ..index_options() };
    let (index, _follower) = Index::start(store.clone(), rarely).unwrap();
    wait_until_ready(&index, true).await;
    let before = index.current().unwrap();
    for n in 1..=50 {
        let appended = append(&store, declare(client(), &format!("key {n}"), denial())).await;
        reached(&index, &store, appended.revision).await;
        assert_eq!(contents(&index).await.len(), n);
    }
    let replaced = store.replace_directory(directory("HUS")).await.unwrap();
    reached(&index, &store, replaced.point.revision).await;
    assert_eq!(&*index.current().unwrap().directory().organisations()[0].name.fi, "HUS");
    // A snapshot that is held does not change.
    assert_eq!((before.revision(), before.declarations(&client()).is_empty()), (Revision(0), true));
}

async fn changes_of_other_writers_are_polled(home: Shared) {
    let store = home.open();
    let (index, _follower) = start_index(&store);
    append(&store, declare(client(), "key", denial())).await;
    home.write(DENIAL).await;
    reached(&index, &store, Revision(2)).await;
    assert_eq!(contents(&index).await, [denial(), denial()]);
}

async fn wait_for_a_revision_ends_with_it_or_at_the_deadline(home: Shared) {
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

async fn index_is_stale_while_the_store_is_unreadable(home: Shared) {
    let store = home.open();
    let (index, _follower) = Index::start(store.clone(), hasty()).unwrap();
    wait_until_ready(&index, true).await;
    home.execute("ALTER TABLE lupa.change RENAME TO elsewhere").await;
    wait_until_ready(&index, false).await;
    let Err(Unavailable::Stale { age }) = index.current() else { panic!("stale") };
    assert!(age >= hasty().max_staleness);
    home.execute("ALTER TABLE lupa.elsewhere RENAME TO change").await;
    wait_until_ready(&index, true).await;
    let appended = append(&store, declare(client(), "key", denial())).await;
    reached(&index, &store, appended.revision).await;
    assert_eq!(contents(&index).await, [denial()]);
}

async fn gap_in_revisions_is_not_skipped(home: Shared) {
    let store = home.open();
    append(&store, declare(client(), "key", denial())).await;
    let (index, _follower) = Index::start(store.clone(), hasty()).unwrap();
    wait_until_ready(&index, true).await;
    home.unprotect().await;
    home.write(Row { revision: Some(3), ..DENIAL }).await;
    wait_until_ready(&index, false).await;
    assert!(matches!(index.current(), Err(Unavailable::Stale { .. })));
    assert_eq!(index.reached(point(&store, 3), tokio::time::Instant::now()).await, Reached::NotYet);
    home.write(Row { revision: Some(2), declaration_id: Some("before"), ..DENIAL }).await;
    wait_until_ready(&index, true).await;
    assert_eq!(current(&index).await.revision(), Revision(3));
}

async fn store_with_lost_revisions_is_not_followed(home: Shared) {
    let store = home.open();
    append(&store, declare(client(), "a", denial())).await;
    append(&store, declare(client(), "b", denial())).await;
    let (index, _follower) = Index::start(store.clone(), hasty()).unwrap();
    wait_until_ready(&index, true).await;
    home.unprotect().await;
    home.execute("DELETE FROM lupa.change WHERE revision = 2").await;
    wait_until_ready(&index, false).await;
    assert!(index.current().is_err());
}

async fn nothing_is_decided_before_the_store_is_loaded(home: Shared) {
    let store = home.open();
    home.write(Row {
        what: "directory",
        kind: None,
        client: None,
        declaration_id: None,
        body: "{}",
        ..DENIAL
    })
    .await;
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
async fn stopped_follower_releases_the_store() {
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

async fn contents(index: &Index) -> Vec<Content> {
    let snapshot = current(index).await;
    snapshot.declarations(&client()).facts().map(|facts| facts.content.to_content()).collect()
}

on_both_stores!(
    stored_changes_are_loaded,
    an_empty_store_is_ready,
    appended_changes_are_followed,
    changes_of_other_writers_are_polled,
    wait_for_a_revision_ends_with_it_or_at_the_deadline,
    index_is_stale_while_the_store_is_unreadable,
    gap_in_revisions_is_not_skipped,
    store_with_lost_revisions_is_not_followed,
    nothing_is_decided_before_the_store_is_loaded,
);
