//! A file that lacks acknowledged changes is refused, until an operator accepts the loss.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lupa::policy::viewing::ViewingPurpose;
use lupa::store::{AcceptedLoss, CopyError, Loss, OpenError, Revision, Store, Viewed, Viewing};

use super::fixture::*;
use crate::fixtures::process::{LUPA, Process, serve};

const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const FRAME_BYTES: usize = FRAME_HEADER_BYTES + 4_096;

/// Offsets of the two slots of the watermark, and the length of one.
const SLOTS: [u64; 2] = [0, 4_096];
const SLOT_BYTES: usize = 72;

const LAST: u64 = 6;

/// An open store with [`LAST`] changes, all of them in its log.
async fn filled(home: &Home) -> Store {
    let store = home.open();
    for n in 1..=LAST {
        append(&store, declare(client(), &format!("key {n}"), denial())).await;
    }
    store
}

/// The files of a killed process with [`LAST`] changes.
async fn crashed() -> Home {
    let home = Home::new();
    let store = filled(&home).await;
    let crashed = home.crashed();
    drop(store);
    crashed
}

fn log(home: &Home) -> PathBuf {
    home.file("lupa.db-wal")
}

fn watermark(home: &Home) -> PathBuf {
    home.file("lupa.db.watermark")
}

/// Offsets in a log after each commit.
fn ends_of_commits(log: &[u8]) -> Vec<usize> {
    let frames = (LOG_HEADER_BYTES..log.len()).step_by(FRAME_BYTES);
    let is_commit = |at: &usize| log.get(at + 4..at + 8).is_some_and(|pages| pages != [0; 4]);
    frames.filter(is_commit).map(|at| at + FRAME_BYTES).collect()
}

/// The loss that opening the store reports, in every way in which it can be opened. The files are unchanged.
fn loss(home: &Home) -> Loss {
    let files = || [home.store(), log(home)].map(|file| fs::read(file).unwrap_or_default());
    let before = files();
    let (store, backup) = (home.store(), home.file("backup"));
    let mut found = Vec::new();
    for opened in [
        Store::open(&store, options()).map(drop),
        Store::open_to_follow(&store, options()).map(drop),
        Store::back_up(&store, &backup, options()).map(drop).map_err(|error| match error {
            CopyError::Open(error) => error,
            error => panic!("{error}"),
        }),
    ] {
        match opened {
            Err(OpenError::Lost { path: _, loss }) => found.push(loss),
            opened => panic!("{opened:?}"),
        }
    }
    assert!(!backup.exists());
    assert_eq!(files(), before);
    assert!(found.iter().all(|loss| *loss == found[0]), "{found:?}");
    found[0]
}

fn changes(acknowledged: u64, found: u64) -> Loss {
    Loss::Changes { acknowledged: Revision(acknowledged), found: Revision(found) }
}

fn flip(file: &PathBuf, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x40;
    fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn log_that_is_flipped_before_valid_commits_is_refused() {
    let crashed = crashed().await;
    let ends = ends_of_commits(&fs::read(log(&crashed)).unwrap());
    let commits = ends.len();
    assert!(commits >= LAST as usize, "{ends:?}");
    for after in [0, 1, commits - 3] {
        let frame = ends[after];
        // The page number, the salts, the checksum, and a byte of the page.
        for at in [3, 8, 15, 16, 23, FRAME_HEADER_BYTES + 7] {
            let home = crashed.crashed();
            flip(&log(&home), frame + at);
            let number = (frame - LOG_HEADER_BYTES) / FRAME_BYTES + 1;
            let is_single = ends[after + 1] - frame == FRAME_BYTES;
            // A commit with a flipped salt counts for another log.
            let lost = commits - after - 1 - usize::from(is_single && (8..16).contains(&at));
            let expected = |lost: usize| Loss::Log { frame: number as u64, commits: lost as u64 };
            let found = loss(&home);
            assert!(found == expected(lost) || found == expected(lost + 1), "{after} {at}: {found}");
        }
    }
    for at in [0, 3, 9, 13, 17, 25, 31] {
        let home = crashed.crashed();
        flip(&log(&home), at);
        assert_eq!(loss(&home), Loss::Log { frame: 0, commits: commits as u64 }, "{at}");
    }
}

#[tokio::test]
async fn log_that_is_cut_or_missing_is_refused() {
    let crashed = crashed().await;
    let whole = fs::read(log(&crashed)).unwrap();
    let ends = ends_of_commits(&whole);
    for (lost, end) in ends.iter().rev().take(LAST as usize).enumerate().skip(1) {
        for length in [*end, end + 1, end + FRAME_BYTES - 1] {
            let home = crashed.crashed();
            fs::write(log(&home), &whole[..length]).unwrap();
            assert_eq!(loss(&home), changes(LAST, LAST - lost as u64), "{length}");
        }
    }
    for length in [0, 7, LOG_HEADER_BYTES, LOG_HEADER_BYTES + 5] {
        let home = crashed.crashed();
        fs::write(log(&home), &whole[..length]).unwrap();
        assert_eq!(loss(&home), changes(LAST, 0), "{length}");
    }
    let home = crashed.crashed();
    fs::remove_file(log(&home)).unwrap();
    assert_eq!(loss(&home), changes(LAST, 0));
    assert!(refusal(&home.store()).starts_with(
        "PATH has lost acknowledged changes, or may have (revision 6 was acknowledged, and the last one in the \
         file is 0): put back the files that belong to it, or restore a backup; if neither is possible, `lupa \
         store accept-loss "
    ));
}

/// A power cut leaves the last commit incomplete: it was not synced, so the watermark does not name it.
#[tokio::test]
async fn torn_commit_that_was_not_acknowledged_is_dropped() {
    let home = Home::new();
    let store = home.open();
    for n in 1..LAST {
        append(&store, declare(client(), &format!("key {n}"), denial())).await;
    }
    let before = fs::read(watermark(&home)).unwrap();
    append(&store, declare(client(), "torn", denial())).await;
    let crashed = home.crashed();
    drop(store);
    let whole = fs::read(log(&crashed)).unwrap();
    let ends = ends_of_commits(&whole);
    let (start, end) = (ends[ends.len() - 2], ends[ends.len() - 1]);
    assert!(end - start >= 2 * FRAME_BYTES);
    // Its first frame was not written, its last one was. With the watermark of the acknowledged commit:
    let torn = |home: &Home| {
        File::options()
            .write(true)
            .open(log(home))
            .unwrap()
            .write_all_at(&[0; FRAME_BYTES], start as u64)
            .unwrap();
    };
    let lost = crashed.crashed();
    torn(&lost);
    assert_eq!(loss(&lost), changes(LAST, LAST - 1));
    // And with the one before.
    torn(&crashed);
    fs::write(watermark(&crashed), before).unwrap();
    let store = crashed.open();
    assert_eq!(load(&store).len() as u64, LAST - 1);
    // The next power cut does not find its frames behind those of later commits.
    assert!(fs::read(log(&crashed)).unwrap().len() < start);
    assert_eq!(append(&store, declare(client(), "next", denial())).await.revision, Revision(LAST));
    assert_eq!(load(&crashed.crashed().open()).len() as u64, LAST);
    // A tail that ends within a commit.
    for length in [end - 1, end - FRAME_BYTES, start + 1] {
        let home = Home::new();
        let store = filled(&home).await;
        let torn = home.crashed();
        let uncommitted: Vec<u8> = whole[start..length].to_vec();
        let log = File::options().append(true).open(log(&torn)).unwrap();
        let end = log.metadata().unwrap().len();
        log.write_all_at(&uncommitted, end).unwrap();
        assert_eq!(load(&torn.open()).len() as u64, LAST);
        drop(store);
    }
}

#[tokio::test]
async fn lost_viewing_is_refused() {
    let home = Home::new();
    let store = filled(&home).await;
    let purpose = ViewingPurpose::Investigation;
    for _ in 0..2 {
        let viewing = Viewing { client: client(), viewer: None, purpose, what: Viewed::List };
        store.log_viewing(viewing).await.unwrap();
    }
    let crashed = home.crashed();
    let whole = fs::read(log(&crashed)).unwrap();
    let ends = ends_of_commits(&whole);
    fs::write(log(&crashed), &whole[..ends[ends.len() - 2]]).unwrap();
    assert_eq!(loss(&crashed), Loss::Viewings { acknowledged: 2, found: 1 });
    drop(store);
    drop(home.open());
}

#[tokio::test]
async fn watermark_is_required_and_verified() {
    let home = Home::new();
    drop(filled(&home).await);
    let whole = fs::read(watermark(&home)).unwrap();
    fs::remove_file(watermark(&home)).unwrap();
    assert_eq!(loss(&home), Loss::NoWatermark);
    // A torn write of one slot leaves the other.
    for slot in SLOTS {
        fs::write(watermark(&home), &whole).unwrap();
        flip(&watermark(&home), slot as usize + 30);
        drop(home.open());
    }
    let broken = [(0..SLOT_BYTES).step_by(5).collect(), vec![31], vec![39]];
    for at in broken.iter().flatten() {
        fs::write(watermark(&home), &whole).unwrap();
        SLOTS.iter().for_each(|slot| flip(&watermark(&home), *slot as usize + at));
        assert_eq!(loss(&home), Loss::UnverifiedWatermark, "{at}");
    }
    fs::write(watermark(&home), &whole[..50]).unwrap();
    assert_eq!(loss(&home), Loss::UnverifiedWatermark);
    let other = Home::new();
    drop(filled(&other).await);
    fs::copy(watermark(&other), watermark(&home)).unwrap();
    assert_eq!(loss(&home), Loss::UnverifiedWatermark);
    fs::write(watermark(&home), &whole).unwrap();
    assert_eq!(load(&home.open()).len() as u64, LAST);
    // Without its store it is not taken for that of a new one.
    fs::remove_file(home.store()).unwrap();
    assert_eq!(
        refusal(&home.store()),
        "found PATH but not the store it belongs to: put the store back beside it, or move it away to create \
         a new store"
    );
}

/// The watermark of a restored backup is that of its new epoch; the file from before is refused.
#[tokio::test]
async fn restored_backup_gets_a_watermark_of_its_epoch() {
    let home = Home::new();
    let store = filled(&home).await;
    let backup = home.file("restored");
    Store::back_up(&home.store(), &backup, options()).unwrap();
    append(&store, declare(client(), "after", denial())).await;
    drop(store);
    let before = fs::read(home.store()).unwrap();
    fs::copy(&backup, home.store()).unwrap();
    let store = home.open();
    assert_eq!(load(&store).len() as u64, LAST);
    append(&store, declare(client(), "other", denial())).await;
    drop(store);
    fs::write(home.store(), before).unwrap();
    assert_eq!(loss(&home), Loss::OtherEpoch);
}

/// A store of an older Lupa has no watermark before its migration.
#[tokio::test]
async fn store_of_an_older_version_gets_a_watermark() {
    let home = Home::new();
    let epoch = filled(&home).await.epoch();
    fs::remove_file(watermark(&home)).unwrap();
    // The first version with a watermark is not an older one.
    home.connect().pragma_update(None, "user_version", 6).unwrap();
    let refused = Store::open(&home.store(), options());
    assert!(matches!(refused, Err(OpenError::Lost { loss: Loss::NoWatermark, .. })), "{refused:?}");
    let connection = home.connect();
    connection
        .execute_batch(
            "DROP TABLE checkpoint; ALTER TABLE viewing DROP COLUMN times; PRAGMA user_version = 5",
        )
        .unwrap();
    drop(connection);
    assert_eq!(home.open().epoch(), epoch);
    assert!(watermark(&home).exists());
}

#[tokio::test]
async fn accepted_loss_starts_a_new_epoch() {
    let crashed = crashed().await;
    let whole = fs::read(log(&crashed)).unwrap();
    let ends = ends_of_commits(&whole);
    let home = crashed.crashed();
    fs::write(log(&home), &whole[..ends[ends.len() - 3]]).unwrap();
    let before = Store::open_to_follow(&crashed.store(), options()).unwrap().epoch();
    let accepted = Store::accept_loss(&home.store(), options()).unwrap();
    let AcceptedLoss { epoch, revision, lost_changes, lost_viewings } = accepted;
    assert_eq!((revision, lost_changes, lost_viewings), (Revision(LAST - 2), 2, 0));
    assert_ne!(epoch, before);
    let store = home.open();
    assert_eq!((store.epoch(), load(&store).len() as u64), (epoch, LAST - 2));
    append(&store, declare(client(), "next", denial())).await;
    // Not while it is in use, and not if nothing is lost.
    assert!(matches!(Store::accept_loss(&home.store(), options()), Err(OpenError::InUse { .. })));
    drop(store);
    assert!(matches!(Store::accept_loss(&home.store(), options()), Err(OpenError::NothingLost { .. })));
    drop(home.open());
    // Commits before a damaged frame are kept.
    let home = crashed.crashed();
    flip(&log(&home), ends[ends.len() - 4] + 8);
    let accepted = Store::accept_loss(&home.store(), options()).unwrap();
    assert_eq!((accepted.revision, accepted.lost_changes), (Revision(LAST - 3), 3));
    assert_eq!(load(&home.open()).len() as u64, LAST - 3);
}

/// A process that follows the store has read what is lost.
#[tokio::test]
async fn loss_is_not_accepted_while_the_store_is_followed() {
    let home = Home::new();
    drop(filled(&home).await);
    let mut command = serve(&home.store());
    command.env("LUPA_STORE__READ_ONLY", "true").env("LUPA_INDEX__MAX_STALENESS_MS", "2000");
    let follower = Process::start(command).expect("it listens");
    fs::remove_file(watermark(&home)).unwrap();
    assert!(matches!(Store::accept_loss(&home.store(), options()), Err(OpenError::InUse { .. })));
    // It is refused until the loss is accepted.
    assert!(matches!(Store::open(&home.store(), options()), Err(OpenError::Lost { .. })));
    follower.terminate();
    let accepted = Store::accept_loss(&home.store(), options()).unwrap();
    assert_eq!((accepted.revision, accepted.lost_changes), (Revision(LAST), 0));
    assert_eq!(home.open().epoch(), accepted.epoch);
}

#[tokio::test]
async fn folder_in_place_of_the_watermark_is_reported() {
    let home = Home::new();
    drop(filled(&home).await);
    fs::remove_file(watermark(&home)).unwrap();
    fs::create_dir(watermark(&home)).unwrap();
    let refused = Store::open(&home.store(), options());
    assert!(matches!(refused, Err(OpenError::File { .. })), "{refused:?}");
}

fn run(arguments: &[&str]) -> Output {
    Command::new(LUPA).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

#[tokio::test]
async fn operator_accepts_a_loss_by_command() {
    let home = crashed().await;
    fs::remove_file(log(&home)).unwrap();
    let store = home.store();
    let store = store.to_str().unwrap();
    let file = home.file("output");
    let file = file.to_str().unwrap();
    for refused in [
        &["store", "verify", store][..],
        &["store", "backup", "--store", store, file],
        &["store", "copy", store, file],
        &["export", "--store", store, file],
    ] {
        let output = run(refused);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{message}");
        assert!(message.contains(&format!("`lupa store accept-loss {store}`")), "{message}");
        assert!(!Path::new(file).exists(), "{refused:?}");
    }
    let accepted = run(&["store", "accept-loss", store, "--json"]);
    assert!(accepted.status.success(), "{accepted:?}");
    let accepted: serde_json::Value = serde_json::from_slice(&accepted.stdout).unwrap();
    assert_eq!((&accepted["revision"], &accepted["lost_changes_min"]), (&0.into(), &LAST.into()));
    assert!(run(&["store", "verify", store]).status.success());
    let again = run(&["store", "accept-loss", store]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    let url = run(&["store", "accept-loss", "postgres://lupa@127.0.0.1/lupa"]);
    assert_eq!(url.status.code(), Some(2), "{url:?}");
}
