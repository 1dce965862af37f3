//! Epochs: each restart, promotion or restore of a PostgreSQL server starts one, which honours the tokens of
//! the epochs before it through the revision that the server is proven to have.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lupa::index::{CheckpointOptions, Follower, Index, IndexOptions, Reached};
use lupa::store::{AppendError, Appended, Point, PostgresOptions, ReadError, Revision, Store};

use super::fixture::*;
use crate::fixtures::patience::{deadline, until, until_some};
use crate::fixtures::postgres::{self, Cluster, postgres_options};

fn connect(url: &str) -> Store {
    Store::connect(&postgres_options(url), options()).unwrap()
}

fn connect_to_read(url: &str) -> Store {
    let read_only = PostgresOptions { read_only: true, ..postgres_options(url) };
    Store::connect(&read_only, options()).unwrap()
}

/// The same database on two servers. One of them is the primary.
fn on_either(one: &Cluster, other: &Cluster, url: &str) -> String {
    let (_, database) = url.rsplit_once('/').unwrap();
    format!("postgres://lupa@127.0.0.1:{},127.0.0.1:{}/{database}", one.port(), other.port())
}

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
    let store = connect(url);
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

fn lost_revisions(store: &Store) -> u64 {
    store.lost_revisions().load(Ordering::Relaxed)
}

/// The server has lost an acknowledged commit and has another at the same revision.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_commit_is_found_by_all_who_saw_it() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let (store, another) = (connect(&url), connect(&url));
    let (kept, backup, lost) = kept_and_lost(&cluster, &store).await;
    let ((index, _follower), (other_index, _other_follower)) = (follow(&store), follow(&another));
    assert_eq!([reached(&index, lost).await, reached(&other_index, lost).await], [Reached::Yes; 2]);

    cluster.stop();
    ready(&index, false).await;
    cluster.restore(&backup);
    cluster.run();
    // Another replica, which never saw the lost commit, writes at its revision.
    let newcomer = connect(&url);
    append_denial(&newcomer, "in its place").await;

    ready(&index, true).await;
    ready(&other_index, true).await;
    assert_eq!([reached(&index, lost).await, reached(&other_index, lost).await], [Reached::OtherEpoch; 2]);
    assert_eq!([reached(&index, kept).await, reached(&other_index, kept).await], [Reached::Yes; 2]);
    assert_eq!([&store, &another, &newcomer].map(lost_revisions), [1, 1, 0]);
    assert_eq!([index.loads(), other_index.loads()], [2; 2]);
    let now = current(&index).await;
    assert_ne!(now.point().epoch, lost.epoch);
    assert_eq!((now.revision(), now.declarations(&client()).facts().count()), (Revision(2), 2));
    // All agree on the new epoch and continue in it.
    let next = append_denial(&store, "next").await;
    assert_eq!((next.epoch, next.revision), (now.point().epoch, Revision(3)));
    assert_eq!(append_denial(&another, "another").await.epoch, next.epoch);
    assert_eq!([reached(&index, next).await, reached(&other_index, next).await], [Reached::Yes; 2]);
    // The lost change can be recorded again.
    assert!(!append(&newcomer, declare(client(), "lost", denial())).await.is_replay);
}

/// A replica that is cut off does not see the last commit. That it finds the last one that it did see proves
/// nothing of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_knows_some_commit_does_not_vouch_for_the_last() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let (cut_off, seen, index, follower) = one_followed(&url).await;
    follower.stop();
    let backup = cluster.back_up_online();
    let lost = append_denial(&connect(&url), "lost").await;
    cluster.stop();
    cluster.restore(&backup);
    cluster.promote_at_start();
    cluster.run();

    let in_its_place = append_denial(&cut_off, "in its place").await;
    assert_eq!(in_its_place.revision, lost.revision);
    assert_ne!(in_its_place.epoch, lost.epoch);
    drop(index);
    let (index, _follower) = follow(&cut_off);
    assert_eq!(reached(&index, in_its_place).await, Reached::Yes);
    assert_eq!(
        [reached(&index, seen).await, reached(&index, lost).await],
        [Reached::Yes, Reached::OtherEpoch]
    );
    // It saw nothing of what is lost.
    assert_eq!(lost_revisions(&cut_off), 0);
}

/// An index at or below the revision that is continued goes on without a load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_that_saw_nothing_of_the_loss_is_not_loaded_again() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let store = connect(&url);
    let (kept, backup, _) = kept_and_lost(&cluster, &store).await;
    drop(store);
    cluster.stop();
    cluster.restore(&backup);
    cluster.run();
    let (store, index, _follower) = {
        let store = connect(&url);
        let (index, follower) = follow(&store);
        (store, index, follower)
    };
    assert_eq!(reached(&index, kept).await, Reached::Yes);
    let mut epochs = vec![store.epoch()];
    for _ in 0..3 {
        // The backup has none of the epochs that started after it.
        cluster.stop();
        ready(&index, false).await;
        cluster.restore(&backup);
        cluster.run();
        ready(&index, true).await;
        let now = current(&index).await.point();
        assert_eq!(now.revision, kept.revision);
        assert!(!epochs.contains(&now.epoch), "an epoch is there again");
        assert_eq!(reached(&index, kept).await, Reached::Yes);
        epochs.push(now.epoch);
    }
    assert_eq!((index.loads(), lost_revisions(&store)), (1, 0));
    assert_eq!(append_denial(&store, "next").await.epoch, epochs[3]);
}

/// A process that starts remembers by its checkpoint.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoint_above_the_continued_revision_reports_the_loss() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = CheckpointOptions {
        path: folder.path().join("index"),
        interval: Duration::from_nanos(1),
        changes_min: 0,
    };
    let options = || IndexOptions { checkpoint: Some(checkpoint.clone()), ..index_options() };
    let store = connect(&url);
    let (kept, backup, lost) = kept_and_lost(&cluster, &store).await;
    let (index, follower) = Index::start(store.clone(), options()).unwrap();
    until("a checkpoint of the last change", async || {
        let checkpoint = index.stats().and_then(|stats| stats.checkpoint);
        checkpoint.is_some_and(|checkpoint| checkpoint.revision == lost.revision)
    })
    .await;
    follower.stop();
    drop((index, store));
    cluster.stop();
    cluster.restore(&backup);
    cluster.run();

    let restarted = connect(&url);
    // It starts the epoch.
    assert_eq!(restarted.head().unwrap().1, kept.revision);
    let (index, _follower) = Index::start(restarted.clone(), options()).unwrap();
    assert_eq!(reached(&index, kept).await, Reached::Yes);
    assert_eq!((index.loads(), lost_revisions(&restarted)), (1, 1));
}

/// History is read only in an epoch that has what the answer is about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_of_another_epoch_is_not_read() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let store = connect(&url);
    let (kept, backup, lost) = kept_and_lost(&cluster, &store).await;
    assert_eq!(store.clients_changed(kept.revision, lost, 10).unwrap().len(), 1);
    assert_eq!(store.history_of(&[client()], lost).unwrap().declarations.len(), 2);
    cluster.stop();
    cluster.restore(&backup);
    cluster.run();
    let in_its_place = append_denial(&connect(&url), "in its place").await;
    assert_eq!(in_its_place.revision, lost.revision);
    let until_answered = async |read: &dyn Fn() -> Result<usize, ReadError>| {
        until_some("an answer of the server", async || match read() {
            // The earlier connections are closed.
            Err(ReadError::Unreachable { .. }) => None,
            answer => Some(answer),
        })
        .await
    };
    let watched = until_answered(&|| Ok(store.clients_changed(kept.revision, lost, 10)?.len())).await;
    let shown = until_answered(&|| Ok(store.history_of(&[client()], lost)?.declarations.len())).await;
    assert!(matches!(watched, Err(ReadError::OtherEpoch { .. })), "{watched:?}");
    assert!(matches!(shown, Err(ReadError::OtherEpoch { .. })), "{shown:?}");
    // What both epochs have is read.
    let shown = until_answered(&|| Ok(store.history_of(&[client()], kept)?.declarations.len())).await;
    assert_eq!(shown.unwrap(), 1);
}

/// A restart loses nothing, and no index is loaded again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restart_without_loss_is_continued() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let (store, before, index, _follower) = one_followed(&url).await;
    for is_promotion in [false, true] {
        cluster.stop();
        if is_promotion {
            cluster.promote_at_start();
        }
        cluster.run();
        // Also in a replica that has just started.
        let newcomer = connect(&url);
        let (new_index, _new_follower) = follow(&newcomer);
        assert_eq!(reached(&new_index, before).await, Reached::Yes);
        let after = append_denial(&newcomer, &format!("after, {is_promotion}")).await;
        assert_ne!(after.epoch, before.epoch);
        assert_eq!([reached(&index, before).await, reached(&index, after).await], [Reached::Yes; 2]);
    }
    assert_eq!((index.loads(), lost_revisions(&store)), (1, 0));
}

/// A replica that may not write starts no epoch: it serves nothing until another has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replica_that_only_reads_waits_for_one_that_writes() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let before = append_denial(&connect(&url), "before").await;
    let reading = connect_to_read(&url);
    let (index, _follower) = follow(&reading);
    assert_eq!(reached(&index, before).await, Reached::Yes);
    cluster.stop();
    cluster.run();
    ready(&index, false).await;
    until("the read-only replica finds the move", async || {
        matches!(reading.changes_since(Revision(0), 1), Err(ReadError::Moved { .. }))
    })
    .await;
    assert!(index.current().is_err());
    let after = append_denial(&connect(&url), "after").await;
    assert_eq!([reached(&index, before).await, reached(&index, after).await], [Reached::Yes; 2]);
    assert_eq!(index.loads(), 1);
}

/// Restored by point-in-time recovery, as documented, while no replica runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn base_backup_is_restored_into_a_new_epoch() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let store = connect(&url);
    let kept = append_denial(&store, "kept").await;
    let backup = cluster.back_up_online();
    let lost = append_denial(&store, "lost").await;
    drop(store);
    cluster.stop();
    cluster.restore(&backup);
    cluster.promote_at_start();
    cluster.run();
    let restored = connect(&url);
    let after = append_denial(&restored, "after").await;
    assert_ne!(after.epoch, kept.epoch);
    assert_eq!((after.revision, load(&restored).len()), (Revision(2), 2));
    let (index, _follower) = follow(&restored);
    let found = [reached(&index, kept).await, reached(&index, lost).await, reached(&index, after).await];
    assert_eq!(found, [Reached::Yes, Reached::OtherEpoch, Reached::Yes]);
}

/// A standby that has not received the last commit is promoted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promotion_of_an_asynchronous_standby_reports_what_is_lost() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let standby = primary.standby();
    let url = on_either(&primary, &standby, &database);
    let (store, kept, index, _follower) = one_followed(&url).await;
    primary.has_sent_all();
    standby.shut_down();
    let lost = append_denial(&store, "lost").await;
    assert_eq!(reached(&index, lost).await, Reached::Yes);
    primary.stop();
    ready(&index, false).await;
    standby.run_as_standby();
    standby.promote();

    ready(&index, true).await;
    assert_eq!(
        [reached(&index, kept).await, reached(&index, lost).await],
        [Reached::Yes, Reached::OtherEpoch]
    );
    assert_eq!((index.loads(), lost_revisions(&store)), (2, 1));
    assert_eq!(append_denial(&store, "after").await.revision, lost.revision);
}

/// A standby that every commit has waited for is promoted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promotion_of_a_synchronous_standby_loses_nothing() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let standby = primary.standby();
    primary.require_standby();
    let url = on_either(&primary, &standby, &database);
    let (store, before, index, _follower) = one_followed(&url).await;
    primary.stop();
    ready(&index, false).await;
    standby.promote();

    ready(&index, true).await;
    let after = append_denial(&store, "after").await;
    assert_eq!([reached(&index, before).await, reached(&index, after).await], [Reached::Yes; 2]);
    assert_ne!(after.epoch, before.epoch);
    assert_eq!((index.loads(), lost_revisions(&store)), (1, 0));
}

/// A virtual machine that is set back while it runs shows no move. A process that misses the commit that it saw
/// starts an epoch that honours nothing of before. The operator can do the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn move_that_does_not_show_is_found_by_a_commit_that_is_missing() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let (store, before, index, _follower) = one_followed(&url).await;
    let operator = postgres::connect(&url).await;
    let replaced = "UPDATE lupa.head SET commit_id = commit_id + 1;
                    ALTER TABLE lupa.change DISABLE TRIGGER change_is_never_changed;
                    UPDATE lupa.change SET commit_id = commit_id + 1;
                    ALTER TABLE lupa.change ENABLE TRIGGER change_is_never_changed";
    operator.batch_execute(replaced).await.unwrap();
    until("the new epoch", async || reached(&index, before).await == Reached::OtherEpoch).await;
    assert_eq!((index.loads(), lost_revisions(&store)), (2, 1));

    let kept = append_denial(&store, "kept").await;
    assert_eq!((kept.revision, reached(&index, kept).await), (Revision(2), Reached::Yes));
    operator.batch_execute("UPDATE lupa.head SET epoch = gen_random_uuid()").await.unwrap();
    until("the operator's epoch", async || reached(&index, kept).await == Reached::OtherEpoch).await;
    let after = append_denial(&store, "after").await;
    assert_eq!((after.revision, reached(&index, after).await), (Revision(3), Reached::Yes));
    assert_eq!((index.loads(), lost_revisions(&store)), (3, 1));
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
