//! Replicas with equal state have equal digests; divergent replicas differ.

use std::collections::BTreeSet;

use lupa::index::{Index, IndexOptions};
use lupa::policy::declaration::Role;
use lupa::store::{Append, Revision, Store};

use super::fixture::*;

/// Number of changes that surely cross a minute: the clock of these tests advances a
/// second per change.
const MINUTE: u64 = 61;

async fn append_all(store: &Store, first: u64, count: u64) -> Revision {
    let mut last = Revision(0);
    for number in first..first + count {
        let client = if number % 3 == 0 { other_client() } else { client() };
        last = append(store, declare(client, &number.to_string(), denial())).await.revision;
    }
    last
}

/// Appends a minute's worth of declarations. A minute of recorded time ends meanwhile: by the clock of the
/// test on SQLite, and in the head of the database on PostgreSQL.
async fn append_over_a_minute(home: &Shared, store: &Store, first: u64) -> Revision {
    append_all(store, first, MINUTE / 2).await;
    if let Shared::Postgres { .. } = home {
        home.execute("UPDATE lupa.head SET recorded_at = recorded_at + 60000000").await;
    }
    append_all(store, first + MINUTE / 2, MINUTE - MINUTE / 2).await
}

async fn replicas_mark_the_same_states(home: Shared) {
    let store = home.open();
    let merging = IndexOptions { overlay_clients_max: 0, ..index_options() };
    let (one, _one_follower) = start_index(&store);
    let (other, _other_follower) = Index::start(store.clone(), merging).unwrap();
    let last = append_over_a_minute(&home, &store, 0).await;
    for index in [&one, &other] {
        reached(index, &store, last).await;
    }
    let (late, _late_follower) = start_index(&store);
    reached(&late, &store, last).await;
    let stats = || [&one, &other, &late].map(|index| index.stats().unwrap());
    let [of_one, of_other, of_late] = stats();
    assert!(of_one.minute_digest.is_some_and(|mark| mark.revision < last));
    assert_eq!(of_one.minute_digest, of_other.minute_digest);
    assert_eq!((of_late.minute_digest, of_late.digest), (None, of_one.digest));

    let last = append_over_a_minute(&home, &store, MINUTE).await;
    for index in [&one, &other, &late] {
        reached(index, &store, last).await;
    }
    let [of_one, of_other, of_late] = stats();
    assert_eq!((of_one.minute_digest, of_one.digest), (of_other.minute_digest, of_other.digest));
    assert_eq!((of_one.minute_digest, of_one.digest), (of_late.minute_digest, of_late.digest));
}

async fn digest_covers_everything_that_affects_decisions(home: Shared) {
    let store = home.open();
    let (index, _follower) = start_index(&store);
    index.readiness().wait_for(|is_ready| *is_ready).await.unwrap();
    let mut digests = BTreeSet::from([index.stats().unwrap().digest.number()]);
    let mut is_new = async |revision: Revision| {
        reached(&index, &store, revision).await;
        assert!(digests.insert(index.stats().unwrap().digest.number()), "at {revision}");
    };
    let mut ids = Vec::new();
    let of_another_role = |mut append: Append| {
        let lupa::store::Entry::Declaration(submission) = &mut append.entry else { panic!() };
        submission.declarer = declarer(Role::Guardian);
        append
    };
    for asked in [
        declare(client(), "1", denial()),
        declare(client(), "2", denial()),
        declare(other_client(), "3", denial()),
        declare(client(), "4", consent()),
        of_another_role(declare(client(), "5", consent())),
    ] {
        let appended = append(&store, asked).await;
        ids.push(appended.id);
        is_new(appended.revision).await;
    }
    is_new(append(&store, withdraw(client(), "6", ids[0].clone())).await.revision).await;
    for name in ["one", "other"] {
        is_new(store.replace_directory(directory(name)).await.unwrap().point.revision).await;
    }
}

/// The state of a replica that has read other changes, or whose store was tampered with.
async fn another_state_has_another_digest(home: Shared) {
    let store = home.open();
    let (index, _follower) = start_index(&store);
    let last = append_all(&store, 0, 5).await;
    reached(&index, &store, last).await;
    home.unprotect().await;
    home.execute("UPDATE lupa.change SET body = replace(body, 'denial', 'nothing') WHERE revision = 3").await;
    let (other, _other_follower) = start_index(&store);
    reached(&other, &store, last).await;
    let [held, found] = [&index, &other].map(|index| index.stats().unwrap());
    assert_eq!((held.revision, held.declarations), (found.revision, found.declarations));
    assert_ne!(held.digest, found.digest);
}

on_both_stores!(
    replicas_mark_the_same_states,
    digest_covers_everything_that_affects_decisions,
    another_state_has_another_digest,
);
