//! Other names of a store, and other users who may change it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use lupa::store::{CopyError, CopyTo, OpenError, Store, StoreOptions};

use super::fixture::*;
use crate::fixtures::process::LUPA;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn allowing() -> StoreOptions {
    StoreOptions { allow_writable_by_others: true, ..options() }
}

/// What each way of opening the store reports.
fn refusals(path: &Path) -> [OpenError; 4] {
    let backup = path.with_extension("backup");
    let of_copy = |error| match error {
        CopyError::Open(error) => error,
        error => panic!("{error}"),
    };
    let refusals = [
        Store::open(path, options()).map(drop).unwrap_err(),
        Store::open_to_follow(path, options()).map(drop).unwrap_err(),
        Store::accept_loss(path, options()).map(drop).unwrap_err(),
        Store::back_up(path, &backup, options()).map(drop).map_err(of_copy).unwrap_err(),
    ];
    assert!(!backup.exists());
    refusals
}

#[tokio::test]
async fn store_with_a_hard_link_is_refused_by_each_name() {
    let home = Home::new();
    drop(home.open());
    let other = home.file("other.db");
    fs::hard_link(home.store(), &other).unwrap();
    for name in [home.store(), other.clone()] {
        for refusal in refusals(&name) {
            assert!(matches!(refusal, OpenError::SeveralNames { names: 2, .. }), "{refusal}");
        }
        assert_eq!(
            refusal(&name),
            "PATH has 2 names (hard links), and SQLite would keep a log for each: remove the other names, \
             which `find -samefile` lists"
        );
    }
    fs::remove_file(other).unwrap();
    let store = home.open();
    append(&store, declare(client(), "key", denial())).await;
    let crashed = home.crashed();
    fs::hard_link(crashed.file("lupa.db-wal"), crashed.file("other.db-wal")).unwrap();
    assert!(matches!(Store::open(&crashed.store(), options()), Err(OpenError::SeveralNames { .. })));
}

/// A rename gives the file another name, as a bind mount into two containers does.
#[tokio::test]
async fn store_that_is_open_is_in_use_by_its_other_name() {
    let home = Home::new();
    let store = home.open();
    append(&store, declare(client(), "key", denial())).await;
    let other = home.file("other.db");
    fs::rename(home.store(), &other).unwrap();
    let refused = Store::open(&other, options());
    assert!(matches!(refused, Err(OpenError::InUse { .. })), "{refused:?}");
    // By that name it has no log and would seem to end before it.
    let verified = Command::new(LUPA).args(["store", "verify"]).arg(&other).output().unwrap();
    let message = String::from_utf8(verified.stderr).unwrap();
    assert!(message.contains("its .watermark file, which belongs beside it, is missing"), "{message}");
    fs::rename(&other, home.store()).unwrap();
    append(&store, declare(client(), "next", denial())).await;
    drop(store);
    assert_eq!(load(&home.open()).len(), 2);
}

#[tokio::test]
async fn symbolic_link_is_followed_and_one_that_leads_nowhere_is_refused() {
    let (home, links) = (Home::new(), Home::new());
    let (first, second) = (links.file("first"), links.file("second"));
    symlink("second", &first).unwrap();
    symlink(home.store(), &second).unwrap();
    for link in [&first, &second] {
        let dangling = "PATH is a symbolic link that leads nowhere: mount or put back the file that it names, \
                        or remove the link to create a new store";
        assert_eq!(refusal(link), dangling);
        for refusal in refusals(link) {
            assert!(matches!(refusal, OpenError::DanglingLink { .. }), "{refusal}");
        }
        let elsewhere = Home::new();
        let original = elsewhere.open();
        let copied = original.copy(CopyTo::File(link), options(), &mut |_| true);
        assert!(matches!(copied, Err(CopyError::Open(OpenError::DanglingLink { .. }))), "{copied:?}");
        assert!(fs::symlink_metadata(link).unwrap().is_symlink());
    }
    assert!(!home.store().exists());
    drop(home.open());
    let store = Store::open(&first, options()).unwrap();
    append(&store, declare(client(), "key", denial())).await;
    assert_eq!(store.file().unwrap(), fs::canonicalize(home.store()).unwrap());
    assert!(matches!(Store::open(&home.store(), options()), Err(OpenError::InUse { .. })));
    drop(store);
    assert_eq!(load(&home.open()).len(), 1);
    // Only the store itself may be a link.
    for suffix in ["-wal", "-shm", ".watermark", ".lock"] {
        let file = home.file(&format!("lupa.db{suffix}"));
        let elsewhere = links.file("elsewhere");
        if file.exists() {
            fs::rename(&file, &elsewhere).unwrap();
        } else {
            fs::write(&elsewhere, "").unwrap();
        }
        symlink(&elsewhere, &file).unwrap();
        let refused = Store::open(&home.store(), options());
        assert!(matches!(refused, Err(OpenError::LinkedFile { .. })), "{suffix}: {refused:?}");
        fs::remove_file(&file).unwrap();
        if suffix.starts_with('.') {
            fs::rename(&elsewhere, &file).unwrap();
        }
    }
    drop(home.open());
}

#[test]
fn files_that_others_may_write_are_refused() {
    let home = Home::new();
    drop(home.open());
    for name in ["lupa.db", "lupa.db.lock", "lupa.db.watermark"] {
        for mode in [0o620, 0o602, 0o666] {
            set_mode(&home.file(name), mode);
            for refusal in refusals(&home.store()) {
                match refusal {
                    OpenError::WritableByOthers { path, mode: found } => {
                        assert_eq!((path, found), (fs::canonicalize(home.file(name)).unwrap(), mode));
                    }
                    refusal => panic!("{refusal}"),
                }
            }
            drop(Store::open_to_follow(&home.store(), allowing()).unwrap());
            // The last connection that writes removes the log.
            drop(Store::open(&home.store(), allowing()).unwrap());
        }
        set_mode(&home.file(name), 0o644);
    }
    set_mode(&home.store(), 0o660);
    assert_eq!(
        refusal(&home.store()),
        "PATH may be written by other users (mode 0660), who could change what clients have declared: run \
         `chmod go-w` on it, or set store.allow_writable_by_others"
    );
    set_mode(&home.store(), 0o640);
    drop(home.open());
}

#[test]
fn folders_that_others_may_write_are_refused() {
    let home = Home::new();
    drop(home.open());
    let folder = home.store().parent().unwrap().to_owned();
    let links = Home::new();
    symlink(home.store(), links.file("link")).unwrap();
    for mode in [0o770, 0o702, 0o2770, 0o777] {
        set_mode(&folder, mode);
        for path in [home.store(), links.file("link"), home.file("new.db")] {
            let refused = Store::open(&path, options());
            assert!(matches!(refused, Err(OpenError::WritableByOthers { .. })), "{mode:o}: {refused:?}");
            assert!(!home.file("new.db").exists());
        }
        for refusal in refusals(&home.store()) {
            assert!(matches!(refusal, OpenError::WritableByOthers { .. }), "{mode:o}: {refusal}");
        }
        drop(Store::open(&home.store(), allowing()).unwrap());
    }
    // Where a backup or a copy would lie.
    let safe = Home::new();
    let original = safe.open();
    let refused = Store::back_up(&safe.store(), &home.file("backup"), options());
    assert!(matches!(refused, Err(CopyError::Open(OpenError::WritableByOthers { .. }))), "{refused:?}");
    let refused = original.copy(CopyTo::File(&home.file("copy")), options(), &mut |_| true);
    assert!(matches!(refused, Err(CopyError::Open(OpenError::WritableByOthers { .. }))), "{refused:?}");
    // The folder of a link.
    set_mode(&folder, 0o700);
    set_mode(links.store().parent().unwrap(), 0o777);
    let refused = Store::open(&links.file("link"), options());
    assert!(matches!(refused, Err(OpenError::WritableByOthers { .. })), "{refused:?}");
    drop(home.open());
}

/// As in `/tmp`: other users may create files there, but not replace those of this user.
#[test]
fn folder_with_the_sticky_bit_is_accepted_with_files_of_this_user() {
    let home = Home::new();
    set_mode(home.store().parent().unwrap(), 0o1777);
    drop(home.open());
    let store = home.open();
    drop(Store::open_to_follow(&home.store(), options()).unwrap());
    drop(store);
    for name in ["lupa.db", "lupa.db.lock", "lupa.db.watermark"] {
        // Only root may give a file to another user.
        if chown(home.file(name), Some(65_534), None).is_err() {
            return;
        }
        for refusal in refusals(&home.store()) {
            assert!(matches!(refusal, OpenError::OtherOwner { .. }), "{refusal}");
        }
        drop(Store::open(&home.store(), allowing()).unwrap());
        chown(home.file(name), Some(0), None).unwrap();
    }
    drop(home.open());
}
