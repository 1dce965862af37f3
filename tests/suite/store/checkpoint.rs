//! The checkpoint: a start with it comes to the same as one without, and one
//! that is not right is not used.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lupa::index::{CheckpointOptions, CheckpointStats, Follower, Index, IndexOptions, Unavailable};
use lupa::policy::client_id::ClientId;
use lupa::store::{Revision, Store};
use sha2::{Digest, Sha256};

use super::fixture::*;
use crate::fixtures::patience::{until, until_some};

/// Writes one whenever there is something new.
fn options(path: &Path) -> IndexOptions {
    let checkpoint =
        CheckpointOptions { path: path.to_owned(), interval: Duration::from_nanos(1), changes_min: 0 };
    IndexOptions { checkpoint: Some(checkpoint), ..index_options() }
}

/// Reads one and writes none.
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

/// A store with something of every kind that a checkpoint has to say.
async fn fill(store: &Store) -> Revision {
    store.replace_directory(directory("HUS")).await.unwrap();
    let other = ClientId::Other { root: oid("1.2.246.999"), extension: id("c") };
    for (n, client) in [client(), other_client(), other.clone()].into_iter().enumerate() {
        append(store, declare(client.clone(), &format!("information {n}"), information())).await;
        let given = append(store, declare(client.clone(), &format!("consent {n}"), consent())).await;
        append(store, declare(client.clone(), &format!("denial {n}"), denial())).await;
        append(store, withdraw(client, &format!("withdrawal {n}"), given.declaration_id)).await;
    }
    // Ids that were told, and times that do not fit into entries.
    let history = [("told", 1_600_000_000_000_000), ("early", -1_000_000), ("late", 200_000_000_000_000_000)];
    let history = history.map(|(name, micros)| (other.clone(), imported(name, micros)));
    store.import(history.to_vec()).await.unwrap()
}

/// Everything that decides, with ids.
fn state(index: &Index) -> String {
    let snapshot = index.current().unwrap();
    let clients =
        [client(), other_client(), ClientId::Other { root: oid("1.2.246.999"), extension: id("c") }];
    let of_clients = clients.map(|client| {
        let declarations = snapshot.declarations(&client);
        let told = |facts: lupa::policy::facts::Facts<'_>| {
            format!("{:?} {}\n", facts, declarations.id(facts.place).unwrap().as_ref())
        };
        declarations.facts().map(told).collect::<String>()
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

/// Fills the store and has its checkpoint written; tells of which revision it
/// is, and everything that decides there.
async fn checkpointed(store: &Store, file: &Path) -> (Revision, String) {
    let revision = fill(store).await;
    let (index, follower) = start(store, options(file)).await;
    written(&index, revision).await;
    let state = state(&index);
    follower.stop();
    (revision, state)
}

/// What the index read at its start; none if it read the store.
fn read_at(index: &Index) -> Option<Revision> {
    index.stats().unwrap().checkpoint.map(|checkpoint| checkpoint.revision)
}

#[tokio::test]
async fn a_start_with_a_checkpoint_comes_to_the_same() {
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
async fn nothing_is_answered_from_a_checkpoint_before_what_came_after_it_is_read() {
    let (home, file) = home();
    let store = home.open();
    let (first, _) = checkpointed(&store, &file).await;
    // More than is read at one time.
    let last = store
        .import((0..5_000).map(|n| (client(), imported(&format!("later {n}"), 0))).collect())
        .await
        .unwrap();
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

/// It is whole in each case, and names the sources that wrote it.
#[tokio::test]
async fn one_that_other_sources_wrote_is_not_used() {
    const SOURCES_AT: usize = 16;
    // The place of the first slice, which is where the header ends.
    const FIRST_SLICE_AT: usize = 128;
    let (home, file) = home();
    let store = home.open();
    let (revision, _) = checkpointed(&store, &file).await;
    let whole = fs::read(&file).unwrap();
    let length = u64::from_le_bytes(*whole[FIRST_SLICE_AT..].first_chunk().unwrap()) as usize;
    for (changed, expected) in [(0, Some(revision)), (1, None)] {
        let mut bytes = whole.clone();
        bytes[SOURCES_AT] ^= changed;
        let told = length - size_of::<[u8; 32]>();
        let digest = Sha256::digest(&bytes[..told]);
        bytes[told..length].copy_from_slice(&digest);
        fs::write(&file, bytes).unwrap();
        let (index, follower) = start(&store, reading(&file)).await;
        assert_eq!(read_at(&index), expected);
        follower.stop();
    }
}

#[tokio::test]
async fn what_a_crash_left_of_one_is_replaced_and_a_failure_leaves_nothing() {
    let (home, file) = home();
    let store = home.open();
    let revision = fill(&store).await;
    let new = home.file("lupa.db.index.new");
    // A link: what it points to must not be written.
    let elsewhere = home.file("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &new).unwrap();
    let (index, follower) = start(&store, options(&file)).await;
    written(&index, revision).await;
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
    assert!(fs::symlink_metadata(&new).is_err());
    follower.stop();
    // It cannot be put in its place.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    fs::write(file.join("occupied"), "").unwrap();
    // What was left here is gone once it has been tried.
    fs::write(&new, "left").unwrap();
    let (index, follower) = start(&store, options(&file)).await;
    until("a checkpoint is tried", async || !new.exists()).await;
    follower.stop();
    assert_eq!(index.stats().unwrap().checkpoint, None);
    assert!(!new.exists());
}

#[tokio::test]
async fn what_came_after_a_checkpoint_is_followed_and_what_is_in_the_overlay_is_in_the_next() {
    let (home, file) = home();
    let store = home.open();
    let (first, _) = checkpointed(&store, &file).await;
    let given = append(&store, declare(client(), "later", denial())).await;
    append(&store, withdraw(client(), "ended", given.declaration_id)).await;
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
async fn a_damaged_checkpoint_is_not_used() {
    let (home, file) = home();
    let store = home.open();
    let (_, expected) = checkpointed(&store, &file).await;
    let whole = fs::read(&file).unwrap();
    // Empty slices take most of it: look where it differs from one to the next.
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
async fn a_checkpoint_of_another_store_or_history_is_not_used() {
    let (home, file) = home();
    let store = home.open();
    let (revision, _) = checkpointed(&store, &file).await;
    drop(store);

    let (other_home, _) = self::home();
    let other = other_home.open();
    fill(&other).await;
    let (index, follower) = start(&other, reading(&file)).await;
    assert_eq!(read_at(&index), None);
    follower.stop();

    // A backup of before, in which other things were recorded since.
    let connection = home.connect();
    connection.execute_batch("DROP TRIGGER change_is_never_updated").unwrap();
    let moved = "UPDATE change SET recorded_at = recorded_at + 1 WHERE revision = ?1";
    connection.execute(moved, [revision.0]).unwrap();
    let store = home.open();
    let (index, follower) = start(&store, reading(&file)).await;
    assert_eq!(read_at(&index), None);
    follower.stop();
    drop(store);
    // One that ends before.
    connection.execute_batch("DROP TRIGGER change_is_never_deleted").unwrap();
    connection.execute("DELETE FROM change WHERE revision = ?1", [revision.0]).unwrap();
    let store = home.open();
    let (index, _follower) = start(&store, reading(&file)).await;
    assert_eq!(read_at(&index), None);
}

fn home() -> (Home, std::path::PathBuf) {
    let home = Home::new();
    let file = home.file("lupa.db.index");
    (home, file)
}
