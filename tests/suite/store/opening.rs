//! Which files are opened, and the errors for the others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lupa::store::{OpenError, ReadError, Revision, Store};
use rusqlite::Connection;

use super::fixture::*;

/// A closed store with this many changes.
async fn closed_with(changes: usize) -> Home {
    let home = Home::new();
    let store = home.open();
    for n in 0..changes {
        append(&store, declare(client(), &format!("key {n}"), denial())).await;
    }
    home
}

#[tokio::test]
async fn a_new_store_is_empty_and_only_its_owners() {
    let home = Home::new();
    let store = home.open();
    assert_eq!(store.count().unwrap(), 0);
    assert_eq!(*store.committed().borrow(), Revision(0));
    assert!(load(&store).is_empty());
    append(&store, declare(client(), "key", denial())).await;
    for name in ["lupa.db", "lupa.db-wal", "lupa.db-shm", "lupa.db.lock", "lupa.db.watermark"] {
        let mode = fs::metadata(home.file(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn appended_changes_survive_a_restart() {
    let home = Home::new();
    let store = home.open();
    let (epoch, token_key) = (store.epoch(), *store.token_key());
    let first = append(&store, declare(client(), "first", denial())).await;
    drop(store);
    let store = home.open();
    assert_eq!((store.epoch(), *store.token_key()), (epoch, token_key));
    assert_eq!(*store.committed().borrow(), first.revision);
    let second = append(&store, declare(client(), "second", denial())).await;
    assert_eq!(second.revision, first.revision.next());
    assert!(second.recorded_at >= first.recorded_at);
    let other = Home::new().open();
    assert_ne!(other.epoch(), epoch);
    assert_ne!(*other.token_key(), token_key);
}

#[tokio::test]
async fn acknowledged_changes_survive_a_crash() {
    let home = Home::new();
    let store = home.open();
    append(&store, declare(client(), "key", denial())).await;
    assert_eq!(load(&home.crashed().open()).len(), 1);
}

#[test]
fn debug_output_shows_the_epoch_without_the_key() {
    let home = Home::new();
    let store = home.open();
    let debug = format!("{store:?}");
    assert!(debug.contains(&store.epoch().to_string()), "{debug}");
    assert!(!debug.contains("key"), "{debug}");
}

/// A forked child has all open files of this process until it executes its own program.
#[tokio::test]
async fn store_reopens_while_child_processes_start() {
    let home = Home::new();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    assert!(Command::new("true").status().unwrap().success());
                }
            });
        }
        let opened = (0..200).all(|_| Store::open(&home.store(), options()).is_ok());
        is_over.store(true, Ordering::Relaxed);
        assert!(opened);
    });
}

#[test]
fn store_is_locked_against_a_second_opener() {
    let home = Home::new();
    let store = home.open();
    let in_use =
        "PATH is in use by another lupa process: stop that one first, or give this one a store of its own";
    assert_eq!(refusal(&home.store()), in_use);
    let link = home.file("link.db");
    std::os::unix::fs::symlink(home.store(), &link).unwrap();
    assert_eq!(refusal(&link), in_use);
    let clone = store.clone();
    drop(store);
    assert_eq!(refusal(&home.store()), in_use);
    drop(clone);
    drop(Store::open(&link, options()).unwrap());
}

#[tokio::test]
async fn a_newer_store_is_left_alone() {
    let home = closed_with(1).await;
    home.connect().pragma_update(None, "user_version", 8).unwrap();
    let before = fs::read(home.store()).unwrap();
    assert_eq!(
        refusal(&home.store()),
        "PATH has version 8 of the store's schema and this lupa knows versions up to 7: \
         install the newer lupa that wrote it"
    );
    assert_eq!(fs::read(home.store()).unwrap(), before);
}

#[test]
fn the_file_of_another_application_is_left_alone() {
    let home = Home::new();
    home.connect().execute_batch("CREATE TABLE recipe (name TEXT); INSERT INTO recipe VALUES ('x')").unwrap();
    let before = fs::read(home.store()).unwrap();
    assert_eq!(
        refusal(&home.store()),
        "PATH is an SQLite file of another application: give another path for the store of lupa"
    );
    assert_eq!(fs::read(home.store()).unwrap(), before);
}

#[test]
fn file_that_is_no_store_is_left_alone() {
    let home = Home::new();
    for garbage in
        ["x", "not a database, but long enough to have a header of its own; more text ".repeat(9).as_str()]
    {
        fs::write(home.store(), garbage).unwrap();
        assert_eq!(
            refusal(&home.store()),
            "PATH is not a store of lupa: give another path, or move the file away to create a new store"
        );
        assert_eq!(fs::read(home.store()).unwrap(), garbage.as_bytes());
    }
    fs::write(home.store(), "").unwrap();
    assert_eq!(
        refusal(&home.store()),
        "PATH is damaged or cut short (it is empty): keep it for investigation and restore a backup"
    );
}

#[tokio::test]
async fn truncated_store_is_refused() {
    let home = closed_with(100).await;
    let whole = fs::read(home.store()).unwrap();
    let page = 4_096;
    assert!(whole.len() > 8 * page, "{} bytes", whole.len());
    for length in [20, 71, 72, 500, page, page + 1, whole.len() / 2, whole.len() - page, whole.len() - 1] {
        fs::write(home.store(), &whole[..length]).unwrap();
        let refusal = refusal(&home.store());
        assert!(
            refusal.starts_with("PATH is damaged or cut short (")
                || refusal.starts_with("PATH is not a store"),
            "{length}: {refusal}"
        );
    }
}

#[tokio::test]
async fn a_store_with_overwritten_pages_is_refused_or_whole() {
    let home = closed_with(100).await;
    let whole = fs::read(home.store()).unwrap();
    let before = load(&home.open()).len();
    for page in 1..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        bytes[page * 4_096..][..512].fill(0xA5);
        fs::write(home.store(), &bytes).unwrap();
        match Store::open(&home.store(), options()) {
            Err(OpenError::Read(ReadError::Damaged { .. })) => {}
            Err(error) => panic!("page {page}: {error}"),
            // A free page.
            Ok(store) => assert_eq!(load(&store).len(), before, "page {page}"),
        }
    }
}

#[tokio::test]
async fn missing_change_is_detected() {
    let home = closed_with(3).await;
    home.connect()
        .execute_batch("DROP TRIGGER change_is_never_deleted; DELETE FROM change WHERE revision = 2")
        .unwrap();
    assert_eq!(
        refusal(&home.store()),
        "PATH is damaged or cut short (it has 2 changes and the last is revision 3): \
         keep it for investigation and restore a backup"
    );
}

#[test]
fn a_log_without_its_store_is_not_applied_to_a_new_one() {
    let home = Home::new();
    fs::write(home.file("lupa.db-wal"), "log").unwrap();
    assert_eq!(
        refusal(&home.store()),
        "found PATH but not the store it belongs to: put the store back beside it, \
         or move it away to create a new store"
    );
}

#[test]
fn half_created_store_is_created_again() {
    let home = Home::new();
    fs::write(home.file("lupa.db.new"), "half").unwrap();
    drop(home.open());
    assert!(!home.file("lupa.db.new").exists());
}

#[test]
fn missing_directory_and_directory_as_file_are_reported() {
    let home = Home::new();
    assert_eq!(
        refusal(&home.file("nowhere").join("lupa.db")),
        "cannot find the directory of PATH: check that its directory exists, that lupa may write there \
         and that the disk has room"
    );
    fs::create_dir(home.store()).unwrap();
    assert!(matches!(Store::open(&home.store(), options()), Err(OpenError::File { what: "read", .. })));
}

#[tokio::test]
async fn nothing_is_updated_or_deleted() {
    let home = closed_with(2).await;
    let connection: Connection = home.connect();
    connection
        .execute(
            "INSERT INTO viewing (at, client_root, client_extension, viewer, purpose, what)
             VALUES (0, '', '', '', '', '')",
            (),
        )
        .unwrap();
    for statement in [
        "UPDATE change SET body = '{}'",
        "UPDATE change SET recorded_at = 0 WHERE revision = 1",
        "DELETE FROM change WHERE revision = 2",
        "INSERT INTO change (revision, recorded_at, what, body) VALUES (4, 0, 'directory', '{}')",
        "INSERT INTO change (recorded_at, what, body) VALUES (0, 'directory', '{}')",
        "INSERT OR REPLACE INTO change (revision, recorded_at, what, body) VALUES (1, 0, 'directory', '{}')",
        "INSERT INTO change (revision, recorded_at, what, body) VALUES (3, 0, 'recipe', '{}')",
        "INSERT INTO change (revision, recorded_at, what, kind, client_root, client_extension, declaration_id, body)
         VALUES (3, 0, 'declaration', 'wish', '1.2', 'x', 'x', '{}')",
        "UPDATE viewing SET what = 'x'",
        "DELETE FROM viewing",
    ] {
        let refused = connection.execute(statement, ()).unwrap_err();
        assert_eq!(
            refused.sqlite_error_code(),
            Some(rusqlite::ErrorCode::ConstraintViolation),
            "{statement}: {refused}"
        );
    }
}
