//! The checkpoint: a start from it gives the same state as one from the store, and an
//! invalid one is ignored.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lupa::index::{CheckpointOptions, CheckpointStats, Follower, Index, IndexOptions, Unavailable};
use lupa::policy::client_id::ClientId;
use lupa::store::{Revision, Store};

use super::fixture::*;
use super::forged_checkpoint::Forgery;
use crate::fixtures::importing::import_new;
use crate::fixtures::patience::{until, until_some};

/// Writes a checkpoint after each change.
fn options(path: &Path) -> IndexOptions {
    let checkpoint =
        CheckpointOptions { path: path.to_owned(), interval: Duration::from_nanos(1), changes_min: 0 };
    IndexOptions { checkpoint: Some(checkpoint), ..index_options() }
}

/// Reads a checkpoint and writes none.
fn reading(path: &Path) -> IndexOptions {
    let mut options = options(path);
    options.checkpoint = options.checkpoint.map(|one| CheckpointOptions { interval: Duration::ZERO, ..one });
    options
}

async fn start(store: &Store, options: IndexOptions) -> (Index, Follower) {
    let (index, follower) = Index::start(store.clone(), options).unwrap();
    index.readiness().wait_for(|ready| *ready).await.unwrap();
    (index, follower)
}

/// Fills a store with each kind of content that a checkpoint represents.
async fn fill(store: &Store) -> Revision {
    store.replace_directory(directory("HUS")).await.unwrap();
    let other = ClientId::Other { root: oid("1.2.246.999"), extension: id("c") };
    for (n, client) in [client(), other_client(), other.clone()].into_iter().enumerate() {
        append(store, declare(client.clone(), &format!("information {n}"), information())).await;
        let given = append(store, declare(client.clone(), &format!("consent {n}"), consent())).await;
        append(store, declare(client.clone(), &format!("denial {n}"), denial())).await;
        append(store, withdraw(client, &format!("withdrawal {n}"), given.id)).await;
    }
    // Assigned ids, and times that do not fit into entries.
    let history =
        [("assigned", 1_600_000_000_000_000), ("early", -1_000_000), ("late", 200_000_000_000_000_000)];
    let history = history.map(|(name, micros)| (other.clone(), imported(name, micros)));
    import_new(store, history.to_vec()).await
}

/// All state that affects decisions, with ids.
fn state(index: &Index) -> String {
    let snapshot = index.current().unwrap();
    let clients =
        [client(), other_client(), ClientId::Other { root: oid("1.2.246.999"), extension: id("c") }];
    let of_clients = clients.map(|client| {
        let declarations = snapshot.declarations(&client);
        let line = |facts: lupa::policy::facts::Facts<'_>| {
            format!("{:?} {}\n", facts, declarations.id(facts.place).unwrap().as_ref())
        };
        declarations.facts().map(line).collect::<String>()
    });
    format!("{} {:?} {of_clients:?}", snapshot.revision(), snapshot.directory().organisations())
}

async fn written(index: &Index, revision: Revision) -> CheckpointStats {
    until_some("a checkpoint", async || {
        let checkpoint = index.stats().and_then(|stats| stats.checkpoint);
        checkpoint.filter(|checkpoint| checkpoint.revision == revision && checkpoint.bytes > 0)
    })
    .await
}

/// Fills the store and waits for its checkpoint; returns its revision and the state there.
async fn checkpointed(store: &Store, file: &Path) -> (Revision, String) {
    let revision = fill(store).await;
    let (index, follower) = start(store, options(file)).await;
    written(&index, revision).await;
    let state = state(&index);
    follower.stop();
    (revision, state)
}

/// The revision of the checkpoint that the index started from; `None` if it read the store.
fn read_at(index: &Index) -> Option<Revision> {
    index.stats().unwrap().checkpoint.map(|checkpoint| checkpoint.revision)
}

#[tokio::test]
async fn start_from_a_checkpoint_equals_start_from_the_store() {
    let (home, file) = home();
    let store = home.open();
    let revision = fill(&store).await;
    let (index, follower) = start(&store, options(&file)).await;
    let bytes = written(&index, revision).await.bytes;
    assert_eq!(fs::metadata(&file).unwrap().len(), bytes);
    let expected = state(&index);
    follower.stop();
    let (index, follower) = start(&store, reading(&file)).await;
    assert_eq!((read_at(&index), state(&index)), (Some(revision), expected.clone()));
    follower.stop();
    let (index, _follower) = start(&store, index_options()).await;
    assert_eq!((read_at(&index), state(&index)), (None, expected));
}

/// A denial that was acknowledged before the start is in force in the first decision.
#[tokio::test]
async fn checkpoint_answers_nothing_before_catch_up() {
    let (home, file) = home();
    let store = home.open();
    let (first, _) = checkpointed(&store, &file).await;
    // More than one batch of the catch-up.
    let later = (0..5_000).map(|n| (client(), imported(&format!("later {n}"), 0)));
    let last = import_new(&store, later.collect()).await;
    let (index, _follower) = Index::start(store.clone(), reading(&file)).unwrap();
    let answered = loop {
        match index.current() {
            Ok(snapshot) => break snapshot.revision(),
            Err(Unavailable::NotLoaded) => std::hint::spin_loop(),
            Err(stale) => panic!("{stale}"),
        }
    };
    assert_eq!((read_at(&index), answered), (Some(first), last));
}

/// The file is intact in each case, and names the build that wrote it.
#[tokio::test]
async fn checkpoint_of_another_build_is_ignored() {
    const BUILD_AT: usize = 16;
    let (home, file) = home();
    let store = home.open();
    let (revision, _) = checkpointed(&store, &file).await;
    let whole = Forgery::of(&file);
    for (changed, expected) in [(0, Some(revision)), (1, None)] {
        let mut forgery = whole.clone();
        forgery.0[BUILD_AT] ^= changed;
        forgery.sealed_by(&store).put(&file);
        let (index, follower) = start(&store, reading(&file)).await;
        assert_eq!(read_at(&index), expected);
        follower.stop();
    }
}

#[tokio::test]
async fn leftover_temporary_checkpoint_is_replaced_and_failure_leaves_none() {
    let (home, file) = home();
    let store = home.open();
    let revision = fill(&store).await;
    let new = home.file("lupa.db.index.new");
    // A symbolic link: its target must not be written.
    let elsewhere = home.file("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &new).unwrap();
    let (index, follower) = start(&store, options(&file)).await;
    written(&index, revision).await;
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
    assert!(fs::symlink_metadata(&new).is_err());
    follower.stop();
    // The checkpoint cannot be renamed to this path.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    fs::write(file.join("occupied"), "").unwrap();
    // A leftover file is removed once a checkpoint is tried.
    fs::write(&new, "left").unwrap();
    let (index, follower) = start(&store, options(&file)).await;
    until("a checkpoint is tried", async || !new.exists()).await;
    follower.stop();
    assert_eq!(index.stats().unwrap().checkpoint, None);
    assert!(!new.exists());
}

#[tokio::test]
async fn changes_after_a_checkpoint_are_followed_and_the_next_includes_the_overlay() {
    let (home, file) = home();
    let store = home.open();
    let (first, _) = checkpointed(&store, &file).await;
    let given = append(&store, declare(client(), "later", denial())).await;
    append(&store, withdraw(client(), "ended", given.id)).await;
    let last = store.replace_directory(directory("Helsinki")).await.unwrap().point.revision;
    let (index, follower) = start(&store, reading(&file)).await;
    reached(&index, &store, last).await;
    assert_eq!(read_at(&index), Some(first));
    let expected = state(&index);
    follower.stop();
    let (index, follower) = start(&store, options(&file)).await;
    written(&index, last).await;
    assert_eq!(index.stats().unwrap().overlay_clients, 1);
    follower.stop();
    let (index, _follower) = start(&store, reading(&file)).await;
    assert_eq!((read_at(&index), state(&index)), (Some(last), expected));
    assert_eq!(index.stats().unwrap().overlay_clients, 0);
}

#[tokio::test]
async fn damaged_checkpoint_is_ignored() {
    let (home, file) = home();
    let store = home.open();
    let (_, expected) = checkpointed(&store, &file).await;
    let whole = fs::read(&file).unwrap();
    // Most of it is empty slices: the places differ from one to the next.
    let flipped = (0..64).map(|n| (n * 7_919 + n * n * 104_729) % whole.len());
    let cut = [0, 1, 100, 33_000, whole.len() / 2, whole.len() - 1];
    let damages = flipped.map(|at| {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        damaged
    });
    for damaged in damages.chain(cut.map(|length| whole[..length].to_vec())) {
        fs::write(&file, damaged).unwrap();
        let (index, follower) = start(&store, reading(&file)).await;
        assert_eq!((read_at(&index), state(&index)), (None, expected.clone()));
        follower.stop();
    }
}

#[tokio::test]
async fn checkpoint_of_another_store_or_history_is_ignored() {
    let (home, file) = home();
    drop(home.open());
    let files = [home.store(), home.file("lupa.db.watermark")];
    let earlier = files.each_ref().map(|file| fs::read(file).unwrap());
    let store = home.open();
    let (revision, _) = checkpointed(&store, &file).await;
    drop(store);

    let (other_home, _) = self::home();
    let other = other_home.open();
    fill(&other).await;
    let (index, follower) = start(&other, reading(&file)).await;
    assert_eq!(read_at(&index), None);
    follower.stop();

    // An earlier backup with other later changes.
    let connection = home.connect();
    connection.execute_batch("DROP TRIGGER change_is_never_updated").unwrap();
    let moved = "UPDATE change SET recorded_at = recorded_at + 1 WHERE revision = ?1";
    connection.execute(moved, [revision.0]).unwrap();
    let store = home.open();
    let (index, follower) = start(&store, reading(&file)).await;
    assert_eq!(read_at(&index), None);
    follower.stop();
    drop(store);
    drop(connection);
    // A store that ends before the checkpoint, put back with its watermark.
    files.iter().zip(earlier).for_each(|(file, bytes)| fs::write(file, bytes).unwrap());
    let store = home.open();
    let (index, _follower) = start(&store, reading(&file)).await;
    assert_eq!(read_at(&index), None);
}

fn home() -> (Home, std::path::PathBuf) {
    let home = Home::new();
    let file = home.file("lupa.db.index");
    (home, file)
}
