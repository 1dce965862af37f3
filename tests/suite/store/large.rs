//! A store too large to be verified whole: opening does the cheap checks, reads do the rest.

use std::fs;
use std::path::Path;

use lupa::store::{OpenError, ReadError, Revision, Store, StoreOptions};

use super::fixture::*;

const PAGE_BYTES: usize = 4_096;

fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, StoreOptions { check_whole_bytes_max: 0, ..options() })
}

/// A closed store with this many changes.
async fn closed_with(changes: usize) -> Home {
    let home = Home::new();
    let store = open(&home.store()).unwrap();
    for n in 0..changes {
        append(&store, declare(client(), &format!("key {n}"), denial())).await;
    }
    home
}

#[tokio::test]
async fn large_store_opens_like_any_other() {
    let home = closed_with(3).await;
    let store = open(&home.store()).unwrap();
    assert_eq!(load(&store).len(), 3);
    assert_eq!(append(&store, declare(client(), "next", denial())).await.revision, Revision(4));
}

#[tokio::test]
async fn truncated_large_store_is_refused() {
    let home = closed_with(100).await;
    let whole = fs::read(home.store()).unwrap();
    let pages = whole.len() / PAGE_BYTES;
    assert!(pages > 8, "{pages} pages");
    let within = [20, 71, 72, 500, PAGE_BYTES + 1, whole.len() - 1];
    for length in within.into_iter().chain((1..pages).map(|pages| pages * PAGE_BYTES)) {
        fs::write(home.store(), &whole[..length]).unwrap();
        let error = open(&home.store()).unwrap_err();
        assert!(
            matches!(error, OpenError::Read(ReadError::Damaged { .. } | ReadError::NotAStore { .. })),
            "{length}: {error}"
        );
    }
    fs::write(home.store(), &whole[..whole.len() - 2 * PAGE_BYTES]).unwrap();
    assert_eq!(
        message(&open(&home.store()).unwrap_err()),
        "PATH is damaged or cut short (2 pages are missing at its end): \
         keep it for investigation and restore a backup"
    );
}

/// Pages that a crash left only in the WAL are not missing; others are.
#[tokio::test]
async fn store_and_wal_with_missing_pages_are_refused() {
    let home = Home::new();
    drop(home.open());
    let empty = fs::read(home.store()).unwrap();
    let before = closed_with(100).await;
    let filled = fs::read(before.store()).unwrap();
    let store = open(&before.store()).unwrap();
    for n in 0..30 {
        append(&store, declare(client(), &format!("more {n}"), denial())).await;
    }
    // The files of a killed process, and the same with the end of the store lost.
    let crashed = |file: &[u8]| {
        let crashed = before.crashed();
        fs::write(crashed.store(), file).unwrap();
        let opened = open(&crashed.store());
        opened.map(|store| load(&store).len())
    };
    assert_eq!(crashed(&filled).unwrap(), 130);
    let half = filled.len() / PAGE_BYTES / 2 * PAGE_BYTES;
    assert!(matches!(crashed(&filled[..half]), Err(OpenError::Read(ReadError::Damaged { .. }))));
    // A store whose pages are all in its WAL, before any checkpoint of SQLite.
    let young = Home::new();
    let store = open(&young.store()).unwrap();
    for n in 0..30 {
        append(&store, declare(client(), &format!("key {n}"), denial())).await;
    }
    let crashed = young.crashed();
    assert_eq!(fs::metadata(crashed.store()).unwrap().len(), empty.len() as u64);
    assert_eq!(load(&open(&crashed.store()).unwrap()).len(), 30);
}

#[tokio::test]
async fn missing_change_in_a_large_store_is_detected_at_the_ends_or_when_read() {
    for (missing, finding) in [(1, Some("its first change is revision 2")), (2, None)] {
        let home = closed_with(3).await;
        home.connect()
            .execute_batch(&format!(
                "DROP TRIGGER change_is_never_deleted; DELETE FROM change WHERE revision = {missing}"
            ))
            .unwrap();
        match (open(&home.store()), finding) {
            (Err(OpenError::Read(ReadError::Damaged { finding, .. })), Some(expected)) => {
                assert_eq!(finding, expected);
            }
            (Ok(store), None) => {
                let hole = load_each(&store, &mut |_| {});
                assert!(matches!(hole, Err(ReadError::Hole { after: Revision(1), .. })), "{hole:?}");
            }
            (opened, _) => panic!("{missing}: {opened:?}"),
        }
    }
}

/// A read of an overwritten page fails or returns the correct changes.
#[tokio::test]
async fn overwritten_page_is_an_error_or_harmless() {
    let home = closed_with(100).await;
    let whole = fs::read(home.store()).unwrap();
    for page in 1..whole.len() / PAGE_BYTES {
        let mut bytes = whole.clone();
        bytes[page * PAGE_BYTES..][..512].fill(0xA5);
        fs::write(home.store(), &bytes).unwrap();
        let mut loaded = 0;
        let read = open(&home.store()).and_then(|store| Ok(load_each(&store, &mut |_| loaded += 1)?));
        match read {
            Ok(_) => assert_eq!(loaded, 100, "page {page}"),
            Err(OpenError::Read(ReadError::Damaged { .. } | ReadError::Hole { .. })) => {}
            Err(error) => panic!("page {page}: {error}"),
        }
    }
}
