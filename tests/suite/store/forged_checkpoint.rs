//! A checkpoint that others wrote, changed or replaced is refused with its reason, and the store is
//! read instead. A forger here has everything but the store itself: the file, the folder, and a copy of
//! the store with its secret.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac::Mac;
use lupa::index::{CheckpointOptions, CheckpointRefusal, Follower, Index, IndexOptions};
use lupa::policy::declaration::Content;
use lupa::policy::facts::ContentRef;
use lupa::store::{CheckpointRecord, Epoch, KeyPurpose, Point, Revision, Store, WriteError, keyed};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use uuid::Uuid;

use super::fixture::*;
use crate::fixtures::patience::until_some;

/// Places of the header: format, build, epoch, revision, time, revision of the directory, seed, digest,
/// and the first part's offset, which is where the header ends.
const EPOCH_AT: usize = 64;
const DIGEST_AT: usize = 120;
const PARTS_AT: usize = 128;
const PART_BYTES: usize = 48;
const MAC_BYTES: usize = 32;

/// The bytes of a checkpoint.
#[derive(Clone)]
pub(super) struct Forgery(pub(super) Vec<u8>);

impl Forgery {
    pub(super) fn of(file: &Path) -> Self {
        Self(fs::read(file).unwrap())
    }

    fn number(&self, at: usize) -> u64 {
        u64::from_le_bytes(*self.0[at..].first_chunk().unwrap())
    }

    fn header_length(&self) -> usize {
        self.number(PARTS_AT) as usize
    }

    /// Offset and length of each part.
    fn parts(&self) -> Vec<(usize, usize)> {
        let places = (PARTS_AT..self.header_length() - MAC_BYTES).step_by(PART_BYTES);
        places.map(|at| (self.number(at) as usize, self.number(at + 8) as usize)).collect()
    }

    fn with_digest(mut self, digest: u64) -> Self {
        self.0[DIGEST_AT..][..8].copy_from_slice(&digest.to_le_bytes());
        self
    }

    /// With another MAC, or what a forger takes for one.
    fn sealed(mut self, mac: impl Fn(&[u8]) -> [u8; MAC_BYTES]) -> Self {
        let end = self.header_length();
        let (signed, place) = self.0[..end].split_at_mut(end - MAC_BYTES);
        place.copy_from_slice(&mac(signed));
        self
    }

    /// With the MAC of a store.
    pub(super) fn sealed_by(self, store: &Store) -> Self {
        self.sealed(|signed| mac(&store.derived_key(KeyPurpose::Checkpoints), signed))
    }

    /// With one bit changed.
    fn flipped(mut self, at: usize) -> Self {
        self.0[at] ^= 0x10;
        self
    }

    pub(super) fn put(&self, file: &Path) {
        fs::write(file, &self.0).unwrap();
    }
}

fn mac(key: &[u8; 32], signed: &[u8]) -> [u8; MAC_BYTES] {
    keyed(key).chain_update(signed).finalize().into_bytes().into()
}

/// A store with a denial and its checkpoint.
struct Attacked {
    home: Shared,
    store: Store,
    folder: TempDir,
    revision: Revision,
    honest: Forgery,
    digest: u64,
    /// A checkpoint of a copy of the store in which the denial has become another one.
    edited: Forgery,
}

impl Attacked {
    async fn new(home: Shared) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = home.open();
        append(&store, declare(client(), "information", information())).await;
        append(&store, declare(other_client(), "consent", consent())).await;
        let revision = append(&store, declare(client(), "denial", denial())).await.revision;
        drop(store);
        let copy = home.copy();
        let edit = "UPDATE lupa.change SET body = replace(body, 'true', 'false') WHERE kind = 'denial'";
        copy.unprotect().await;
        copy.execute(edit).await;
        let (edited, other_digest) = checkpoint_of(&copy.open(), &folder.path().join("edited")).await;
        let store = home.open();
        let (honest, digest) = checkpoint_of(&store, &folder.path().join("honest")).await;
        assert_ne!(digest, other_digest);
        assert_eq!(honest.number(DIGEST_AT), digest);
        Self { home, store, folder, revision, honest, digest, edited }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    /// How a start with the file that is there ends. Whatever it is, the denial is in force as it was
    /// declared.
    async fn outcome(&self) -> Outcome {
        let (index, _follower) = start(&self.store, &self.file(), Duration::ZERO).await;
        let snapshot = index.current().unwrap();
        let client = client();
        let found = snapshot.declarations(&client).facts().any(
            |facts| matches!(facts.content, ContentRef::Denial(of) if denial() == Content::Denial(of.clone())),
        );
        assert!(found && index.stats().unwrap().digest.number() == self.digest);
        let refused: Vec<CheckpointRefusal> =
            index.checkpoints_refused().filter(|(_, count)| *count > 0).map(|(reason, _)| reason).collect();
        match (index.stats().unwrap().checkpoint, refused.as_slice()) {
            (Some(read), []) if read.revision == self.revision => Outcome::Used,
            (None, []) => Outcome::Ignored,
            (None, [reason]) => Outcome::Refused(*reason),
            unexpected => panic!("{unexpected:?}"),
        }
    }

    async fn outcome_of(&self, forgery: &Forgery) -> Outcome {
        forgery.put(&self.file());
        fs::set_permissions(self.file(), Permissions::from_mode(0o600)).unwrap();
        self.outcome().await
    }
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Used,
    /// Without an alarm.
    Ignored,
    Refused(CheckpointRefusal),
}

async fn start(store: &Store, file: &Path, interval: Duration) -> (Index, Follower) {
    let checkpoint = CheckpointOptions { path: file.to_owned(), interval, changes_min: 0 };
    let options = IndexOptions { checkpoint: Some(checkpoint), ..index_options() };
    let (index, follower) = Index::start(store.clone(), options).unwrap();
    index.readiness().wait_for(|ready| *ready).await.unwrap();
    (index, follower)
}

/// Has a checkpoint of a store written; returns it, and the digest of its state.
async fn checkpoint_of(store: &Store, file: &Path) -> (Forgery, u64) {
    let (index, _follower) = start(store, file, Duration::from_nanos(1)).await;
    let written = async || index.stats().and_then(|stats| stats.checkpoint).filter(|one| one.bytes > 0);
    until_some("a checkpoint", written).await;
    (Forgery::of(file), index.stats().unwrap().digest.number())
}

async fn checkpoint_of_an_edited_copy_is_refused(home: Shared) {
    let attacked = Attacked::new(home).await;
    assert_eq!(attacked.outcome_of(&attacked.honest).await, Outcome::Used);
    let refused = Outcome::Refused(CheckpointRefusal::StoreDigest);
    assert_eq!(attacked.outcome_of(&attacked.edited).await, refused);
    // Nor is one used if the store keeps no digest for its revision.
    attacked.home.execute("DELETE FROM lupa.checkpoint").await;
    assert_eq!(attacked.outcome_of(&attacked.edited).await, Outcome::Ignored);
    assert_eq!(attacked.outcome_of(&attacked.honest).await, Outcome::Ignored);
}

async fn edited_declarations_under_the_digest_of_the_store_are_refused(home: Shared) {
    let attacked = Attacked::new(home).await;
    let forged = attacked.edited.clone().with_digest(attacked.digest).sealed_by(&attacked.store);
    assert_eq!(attacked.outcome_of(&forged).await, Outcome::Refused(CheckpointRefusal::StateDigest));
    // Sealed in the same way, the honest one is used.
    let resealed = attacked.honest.clone().with_digest(attacked.digest).sealed_by(&attacked.store);
    assert_eq!(attacked.outcome_of(&resealed).await, Outcome::Used);
}

async fn checkpoint_without_the_mac_of_the_store_is_refused(home: Shared) {
    let attacked = Attacked::new(home).await;
    let home = Home::new();
    let other = home.open();
    append(&other, declare(client(), "information", information())).await;
    let (of_another_store, _) = checkpoint_of(&other, &attacked.file()).await;
    let sha256 = |signed: &[u8]| Sha256::digest(signed).into();
    let public_key = |signed: &[u8]| mac(&[0; 32], signed);
    let token_key = |signed: &[u8]| mac(attacked.store.token_key(), signed);
    for forged in [
        attacked.honest.clone().sealed(sha256),
        attacked.honest.clone().sealed(public_key),
        attacked.honest.clone().sealed(token_key),
        attacked.honest.clone().sealed_by(&other),
        of_another_store,
    ] {
        assert_eq!(attacked.outcome_of(&forged).await, Outcome::Refused(CheckpointRefusal::Mac));
    }
}

async fn checkpoint_of_another_epoch_is_ignored(home: Shared) {
    let attacked = Attacked::new(home).await;
    let mut replayed = attacked.honest.clone();
    replayed.0[EPOCH_AT] ^= 1;
    let replayed = replayed.sealed_by(&attacked.store);
    assert_eq!(attacked.outcome_of(&replayed).await, Outcome::Ignored);
}

/// The secret must not be in a file that is copied and read more freely than the store.
async fn checkpoint_does_not_reveal_a_key(home: Shared) {
    let attacked = Attacked::new(home).await;
    let purposes = [KeyPurpose::Checkpoints, KeyPurpose::StateDigests, KeyPurpose::Pseudonyms];
    let mut keys = purposes.map(|purpose| attacked.store.derived_key(purpose)).to_vec();
    keys.push(*attacked.store.token_key());
    for (at, key) in keys.iter().enumerate() {
        assert!(keys.iter().skip(at + 1).all(|other| other != key));
        assert!(!attacked.honest.0.windows(16).any(|bytes| bytes == &key[..16]));
    }
}

async fn store_keeps_the_first_digest_of_a_point_and_the_newest_points(home: Shared) {
    let store = home.open();
    let record = |revision, build, digest| {
        let point = point(&store, Revision(revision));
        store.record_checkpoint(CheckpointRecord { point, build, digest })
    };
    let kept = |revision, build| store.checkpoint_digest(point(&store, Revision(revision)), build).unwrap();
    record(1, "one", u64::MAX).await.unwrap();
    record(1, "one", 7).await.unwrap();
    record(1, "other", 8).await.unwrap();
    assert_eq!((kept(1, "one"), kept(1, "other"), kept(2, "one")), (Some(u64::MAX), Some(8), None));
    let other_epoch = Point { epoch: Epoch(Uuid::nil()), revision: Revision(1) };
    assert_eq!(store.checkpoint_digest(other_epoch, "one").unwrap(), None);
    let many = (2..=1_000).map(|revision| record(revision, "one", revision));
    for recorded in futures_util::future::join_all(many).await {
        recorded.unwrap();
    }
    assert_eq!((kept(1, "one"), kept(1_000, "one")), (None, Some(1_000)));
    assert!(kept(900, "one").is_some());
    // They are no changes.
    assert_eq!(store.count().unwrap(), 0);
}

on_both_stores! {
    checkpoint_of_an_edited_copy_is_refused,
    edited_declarations_under_the_digest_of_the_store_are_refused,
    checkpoint_without_the_mac_of_the_store_is_refused,
    checkpoint_of_another_epoch_is_ignored,
    checkpoint_does_not_reveal_a_key,
    store_keeps_the_first_digest_of_a_point_and_the_newest_points,
}

#[tokio::test]
async fn each_flipped_bit_is_refused() {
    let attacked = Attacked::new(Shared::sqlite()).await;
    let parts = attacked.honest.parts();
    let end = attacked.honest.header_length();
    assert_eq!(parts.len(), 2_049);
    assert_eq!(parts.last().map(|(at, length)| at + length), Some(attacked.honest.0.len()));
    // Each field of the header: the format and the build are those of another lupa.
    let fields = [EPOCH_AT, 80, 88, 96, 104, 112, DIGEST_AT, PARTS_AT, PARTS_AT + 8, PARTS_AT + 16];
    for at in fields.into_iter().chain([end - MAC_BYTES - 1, end - MAC_BYTES, end - 1]) {
        let refused = attacked.outcome_of(&attacked.honest.clone().flipped(at)).await;
        assert_eq!(refused, Outcome::Refused(CheckpointRefusal::Mac), "at {at}");
    }
    for at in [0, 16, EPOCH_AT - 1] {
        let ignored = attacked.outcome_of(&attacked.honest.clone().flipped(at)).await;
        assert_eq!(ignored, Outcome::Ignored, "at {at}");
    }
    // Nearly all slices are empty; those with clients are longer. The last part has the links.
    let mut lengths: Vec<usize> = parts.iter().map(|(_, length)| *length).collect();
    lengths.sort_unstable();
    let filled: Vec<_> = parts.iter().filter(|(_, length)| *length > lengths[parts.len() / 2]).collect();
    let some = parts.iter().step_by(300).chain(parts.last());
    let places =
        filled.iter().copied().chain(some).flat_map(|(at, length)| [*at, at + length / 2, at + length - 1]);
    for at in places {
        let refused = attacked.outcome_of(&attacked.honest.clone().flipped(at)).await;
        assert_eq!(refused, Outcome::Refused(CheckpointRefusal::Damaged), "at {at}");
    }
    // A slice in the place of another one. The clients may be in one slice.
    let (one, other) = (filled[0], filled[filled.len() - 1]);
    if one != other {
        let mut exchanged = attacked.honest.clone();
        let slice = exchanged.0[one.0..][..one.1].to_vec();
        exchanged.0[other.0..][..one.1].copy_from_slice(&slice);
        let refused = attacked.outcome_of(&exchanged).await;
        assert_eq!(refused, Outcome::Refused(CheckpointRefusal::Damaged));
    }
}

#[tokio::test]
async fn only_a_file_that_nobody_else_can_write_is_used() {
    let attacked = Attacked::new(Shared::sqlite()).await;
    let file = attacked.file();
    let (refused_file, refused_folder) =
        (Outcome::Refused(CheckpointRefusal::File), Outcome::Refused(CheckpointRefusal::Folder));
    attacked.honest.put(&file);
    for (mode, expected) in
        [(0o600, Outcome::Used), (0o644, Outcome::Used), (0o660, refused_file), (0o602, refused_file)]
    {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        assert_eq!(attacked.outcome().await, expected, "{mode:o}");
    }
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    for (mode, expected) in
        [(0o700, Outcome::Used), (0o755, Outcome::Used), (0o770, refused_folder), (0o1777, refused_folder)]
    {
        fs::set_permissions(attacked.folder.path(), Permissions::from_mode(mode)).unwrap();
        assert_eq!(attacked.outcome().await, expected, "{mode:o}");
    }
    fs::set_permissions(attacked.folder.path(), Permissions::from_mode(0o700)).unwrap();
    // Only root can give a file away.
    const NOBODY: u32 = 65_534;
    if chown(&file, Some(NOBODY), None).is_ok() {
        assert_eq!(attacked.outcome().await, refused_file);
        chown(&file, Some(0), None).unwrap();
        chown(attacked.folder.path(), Some(NOBODY), None).unwrap();
        assert_eq!(attacked.outcome().await, refused_folder);
        chown(attacked.folder.path(), Some(0), None).unwrap();
    }
    assert_eq!(attacked.outcome().await, Outcome::Used);
    // Links, a folder and a FIFO.
    let elsewhere = attacked.folder.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert_eq!(attacked.outcome().await, refused_file);
    fs::remove_file(&elsewhere).unwrap();
    assert_eq!(attacked.outcome().await, refused_file);
    fs::remove_file(&file).unwrap();
    assert_eq!(attacked.outcome().await, Outcome::Ignored);
    fs::create_dir(&file).unwrap();
    assert_eq!(attacked.outcome().await, refused_file);
    fs::remove_dir(&file).unwrap();
    let fifo = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(fifo.success());
    assert_eq!(attacked.outcome().await, refused_file);
}

#[tokio::test]
async fn no_checkpoint_is_written_where_it_would_be_refused() {
    let attacked = Attacked::new(Shared::sqlite()).await;
    let file = attacked.file();
    fs::set_permissions(attacked.folder.path(), Permissions::from_mode(0o777)).unwrap();
    let (_index, follower) = start(&attacked.store, &file, Duration::from_nanos(1)).await;
    follower.stop();
    assert!(!file.exists());
    fs::set_permissions(attacked.folder.path(), Permissions::from_mode(0o755)).unwrap();
    checkpoint_of(&attacked.store, &file).await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

/// It cannot have the store keep the digest.
#[tokio::test]
async fn follower_of_the_store_records_no_checkpoint() {
    let attacked = Attacked::new(Shared::sqlite()).await;
    let Shared::Sqlite(home) = &attacked.home else { panic!("not SQLite") };
    let followed = Store::open_to_follow(&home.store(), options()).unwrap();
    let record = CheckpointRecord { point: point(&followed, attacked.revision), build: "one", digest: 1 };
    assert!(matches!(followed.record_checkpoint(record).await, Err(WriteError::ReadOnly)));
    // It uses the one of the process that writes.
    attacked.honest.put(&attacked.file());
    fs::set_permissions(attacked.file(), Permissions::from_mode(0o600)).unwrap();
    let (index, _follower) = start(&followed, &attacked.file(), Duration::ZERO).await;
    assert_eq!(index.stats().unwrap().checkpoint.map(|read| read.revision), Some(attacked.revision));
}
