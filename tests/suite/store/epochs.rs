//! Epochs: a PostgreSQL store that has lost acknowledged commits starts a new epoch, and
//! one that has not keeps its epoch.

use std::path::PathBuf;
use std::time::Duration;

use lupa::index::{Follower, Index, IndexOptions, Reached};
use lupa::store::{AppendError, Appended, OpenError, Point, PostgresOptions, ReadError, Revision, Store};

use super::fixture::*;
use crate::fixtures::patience::{deadline, until, until_some};
use crate::fixtures::postgres::{self, Cluster, postgres_options};

fn connect(url: &str, settle_timeout: Duration) -> Result<Store, OpenError> {
    let postgres = PostgresOptions { settle_timeout, ..postgres_options(url) };
    Store::connect(&postgres, options())
}

/// Longer than a test takes.
const NEVER: Duration = Duration::from_secs(3_600);

fn follow(store: &Store) -> (Index, Follower) {
    let options = IndexOptions { max_staleness: Duration::from_secs(1), ..index_options() };
    Index::start(store.clone(), options).unwrap()
}

async fn append_denial(store: &Store, key: &str) -> Point {
    append(store, declare(client(), key, denial())).await.point()
}

/// Appends a denial with a key by a store with short timeouts, until it is acknowledged.
async fn append_until_acknowledged(store: &Store, key: &str) -> Appended {
    until_some("an acknowledgement", async || match store.append(declare(client(), key, denial())).await {
        Ok(appended) => Some(appended),
        Err(AppendError::Store(_) | AppendError::Unknown(_)) => None,
        Err(refused) => panic!("{refused:?}"),
    })
    .await
}

/// A change in a backup, the backup, and a later change.
async fn kept_and_lost(cluster: &Cluster, store: &Store) -> (Point, PathBuf, Point) {
    let kept = append_denial(store, "kept").await;
    let backup = cluster.back_up();
    (kept, backup, append_denial(store, "lost").await)
}

/// A store with one change, and an index that follows it.
async fn one_followed(url: &str) -> (Store, Point, Index, Follower) {
    let store = connect(url, NEVER).unwrap();
    let before = append_denial(&store, "before").await;
    let (index, follower) = follow(&store);
    assert_eq!(reached(&index, before).await, Reached::Yes);
    (store, before, index, follower)
}

async fn ready(index: &Index, ready: bool) {
    index.readiness().wait_for(|is_ready| *is_ready == ready).await.unwrap();
}

async fn reached(index: &Index, point: Point) -> Reached {
    index.reached(point, deadline()).await
}

/// The server has lost an acknowledged commit and has another at the same revision.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_commit_is_detected_and_starts_new_epoch() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let store = connect(&url, NEVER).unwrap();
    let another = connect(&url, NEVER).unwrap();
    let (kept, backup, lost) = kept_and_lost(&cluster, &store).await;
    let ((index, _follower), (other_index, _other_follower)) = (follow(&store), follow(&another));
    assert_eq!([reached(&index, lost).await, reached(&other_index, lost).await], [Reached::Yes; 2]);

    cluster.stop();
    ready(&index, false).await;
    cluster.restore(&backup);
    cluster.run();
    // Another replica, which never saw the lost commit, writes at its revision.
    let newcomer = connect(&url, NEVER).unwrap();
    append_denial(&newcomer, "in its place").await;

    ready(&index, true).await;
    ready(&other_index, true).await;
    assert_eq!([reached(&index, lost).await, reached(&other_index, lost).await], [Reached::OtherEpoch; 2]);
    let now = current(&index).await;
    assert_ne!(now.point().epoch, kept.epoch);
    assert_eq!((now.revision(), now.declarations(&client()).facts().count()), (Revision(2), 2));
    // All agree on the new epoch and continue in it.
    let next = append_denial(&store, "next").await;
    assert_eq!((next.epoch, next.revision), (now.point().epoch, Revision(3)));
    assert_eq!(append_denial(&another, "another").await.epoch, next.epoch);
    assert_eq!([reached(&index, next).await, reached(&other_index, next).await], [Reached::Yes; 2]);
    // The lost change can be recorded again.
    assert!(!append(&newcomer, declare(client(), "lost", denial())).await.is_replay);
}

/// History is read only in the epoch of the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_of_another_epoch_is_not_read() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let store = connect(&url, NEVER).unwrap();
    let (kept, backup, lost) = kept_and_lost(&cluster, &store).await;
    assert_eq!(store.clients_changed(kept.revision, lost, 10).unwrap().len(), 1);
    assert_eq!(store.history_of(&[client()], lost).unwrap().declarations.len(), 2);
    cluster.stop();
    cluster.restore(&backup);
    cluster.run();
    // In the same epoch, and at the same revision.
    let in_its_place = append_denial(&connect(&url, NEVER).unwrap(), "in its place").await;
    assert_eq!(in_its_place, lost);
    let in_vain = async |read: &dyn Fn() -> Option<ReadError>| {
        until_some("an answer of the server", async || match read().expect("nothing is read") {
            // The earlier connections are closed.
            ReadError::Unreachable { .. } => None,
            error => Some(error),
        })
        .await
    };
    let watched = in_vain(&|| store.clients_changed(kept.revision, lost, 10).err()).await;
    let shown = in_vain(&|| store.history_of(&[client()], lost).err()).await;
    assert!(matches!(watched, ReadError::OtherEpoch { .. }), "{watched:?}");
    assert!(matches!(shown, ReadError::OtherEpoch { .. }), "{shown:?}");
}

/// The backup does not contain the epoch that followed, but the replicas of that epoch know it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_epoch_does_not_return_with_a_backup() {
    let cluster = Cluster::start(&[]);
    let store = connect(&cluster.database(), NEVER).unwrap();
    let (kept, backup, lost) = kept_and_lost(&cluster, &store).await;
    let (index, _follower) = follow(&store);
    assert_eq!(reached(&index, lost).await, Reached::Yes);

    let mut epochs = vec![kept.epoch];
    for _ in 0..3 {
        cluster.stop();
        ready(&index, false).await;
        cluster.restore(&backup);
        cluster.run();
        ready(&index, true).await;
        let now = current(&index).await.point();
        assert_eq!(now.revision, kept.revision);
        assert!(!epochs.contains(&now.epoch), "an epoch is there again");
        assert_eq!(reached(&index, kept).await, Reached::OtherEpoch);
        epochs.push(now.epoch);
    }
    assert_eq!(append_denial(&store, "next").await.epoch, epochs[3]);
}

/// As after a failover without loss: a replica that saw the last commit verifies it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_timeline_without_loss_keeps_the_epoch() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let (_store, before, index, _follower) = one_followed(&url).await;
    cluster.stop();
    cluster.promote_at_start();
    cluster.run();
    // A new replica waits for one that can verify.
    let newcomer = connect(&url, NEVER).unwrap();
    let (new_index, _new_follower) = follow(&newcomer);
    assert_eq!(reached(&new_index, before).await, Reached::Yes);
    let after = append_denial(&newcomer, "after").await;
    assert_eq!((after.epoch, after.revision), (before.epoch, Revision(2)));
    assert_eq!(reached(&index, after).await, Reached::Yes);
}

/// As after a restore while nothing runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unverifiable_timeline_starts_new_epoch() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let before = append_denial(&connect(&url, NEVER).unwrap(), "before").await;
    cluster.stop();
    cluster.promote_at_start();
    cluster.run();
    let waiting = connect(&url, NEVER).unwrap();
    let (index, _follower) = follow(&waiting);
    let soon = tokio::time::Instant::now() + Duration::from_millis(500);
    assert_eq!(index.reached(before, soon).await, Reached::NotYet);
    assert!(index.current().is_err(), "nothing is known yet");

    let decided = connect(&url, Duration::ZERO).unwrap();
    let after = append_denial(&decided, "after").await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.revision, Revision(2));
    assert_eq!(reached(&index, after).await, Reached::Yes);
    assert_eq!(reached(&index, before).await, Reached::OtherEpoch);
}

/// Restored by point-in-time recovery, as documented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_backup_is_restored_into_a_new_epoch() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let store = connect(&url, NEVER).unwrap();
    let kept = append_denial(&store, "kept").await;
    let backup = cluster.back_up_online();
    append_denial(&store, "lost").await;
    drop(store);
    cluster.stop();
    cluster.restore(&backup);
    cluster.promote_at_start();
    cluster.run();
    let restored = connect(&url, Duration::ZERO).unwrap();
    let after = append_denial(&restored, "after").await;
    assert_ne!(after.epoch, kept.epoch);
    assert_eq!((after.revision, load(&restored).len()), (Revision(2), 2));
}

/// A copy on the same timeline cannot be detected: the operator starts a new epoch, as
/// documented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_can_start_a_new_epoch() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let (store, before, index, _follower) = one_followed(&url).await;
    let operator = postgres::connect(&url).await;
    operator.batch_execute("UPDATE lupa.head SET epoch = gen_random_uuid()").await.unwrap();
    until("the new epoch", async || reached(&index, before).await == Reached::OtherEpoch).await;
    let after = append_denial(&store, "after").await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!((after.revision, reached(&index, after).await), (Revision(2), Reached::Yes));
}

/// An unknown outcome is not reported as a failure, and is resolved by the idempotency key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcome_of_an_interrupted_commit_is_resolved() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let postgres = PostgresOptions { write_timeout: Duration::from_secs(2), ..postgres_options(&url) };
    let store = Store::connect(&postgres, options()).unwrap();
    append_until_acknowledged(&store, "before").await;
    cluster.stop();
    let gone = store.append(declare(client(), "gone", denial())).await;
    assert!(matches!(gone, Err(AppendError::Store(_) | AppendError::Unknown(_))), "{gone:?}");
    cluster.run();
    // Many concurrent appends during each stop of the server.
    for round in 0..5 {
        let calls: Vec<_> = (0..20)
            .map(|n| {
                let (store, key) = (store.clone(), format!("{round} {n}"));
                tokio::spawn(
                    async move { (key.clone(), store.append(declare(client(), &key, denial())).await) },
                )
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(3 * round)).await;
        cluster.stop();
        cluster.run();
        for call in calls {
            let (key, answer) = call.await.unwrap();
            // Repeated, it is stored once, as it was acknowledged.
            let again = append_until_acknowledged(&store, &key).await;
            if let Ok(first) = answer {
                assert_eq!((again.revision, again.is_replay), (first.revision, true), "{key}");
            }
        }
    }
    assert_eq!(load(&store).len(), 1 + 5 * 20);
}

/// A deposed primary: it still answers and accepts writes, but has no synchronous standby
/// any more, so it cannot commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deposed_primary_proves_and_acknowledges_nothing() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let postgres = PostgresOptions {
        read_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_secs(2),
        ..postgres_options(&url)
    };
    let store = Store::connect(&postgres, options()).unwrap();
    let before = append_until_acknowledged(&store, "before").await.point();
    let (index, _follower) = follow(&store);
    assert_eq!(reached(&index, before).await, Reached::Yes);
    cluster.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster.execute("SELECT pg_reload_conf()");
    ready(&index, false).await;
    let (during, canceller) = (store.clone(), &cluster);
    let appending = tokio::spawn(async move { during.append(declare(client(), "during", denial())).await });
    let cancelled = loop {
        // The server then reports the commit with a warning.
        let waiting =
            "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        match appending.is_finished() {
            true => break appending.await.unwrap(),
            false => canceller.execute(waiting),
        }
    };
    assert!(matches!(cancelled, Err(AppendError::Unknown(_))), "{cancelled:?}");
    assert!(index.current().is_err());
    cluster.execute("ALTER SYSTEM RESET synchronous_standby_names");
    cluster.execute("SELECT pg_reload_conf()");
    ready(&index, true).await;
    let again = append_until_acknowledged(&store, "during").await;
    assert_eq!((again.revision, again.is_replay), (Revision(2), true));
}
