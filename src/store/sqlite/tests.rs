//! SQLite that cannot write, simulated with its own size limits.

use rusqlite::ErrorCode;

use std::time::Duration;

use super::*;
use crate::policy::admit::{Admitted, Submission};
use crate::policy::client_id::IdentityCode;
use crate::policy::day::Instant;
use crate::policy::declaration::{Content, Declarer, Denial, DenialSector, RecordedBy, Role, Scope};
use crate::policy::oid::OpaqueId;
use crate::store::{
    Append, AppendError, Change, EncodedEntry, Entry, ImportOutcome, ImportSource, Store, WriteError,
};

fn options() -> StoreOptions {
    StoreOptions {
        clock: || Instant::UNIX_EPOCH,
        clock_difference_max: Duration::MAX,
        queue_length_max: 1_024,
        group_commit_max: 16,
        check_whole_bytes_max: u64::MAX,
        read_connections_max: 2,
        max_staleness: Duration::from_secs(2),
        allow_writable_by_others: false,
    }
}

/// A store whose file may grow by this number of pages.
fn open_with_room(path: &Path, pages: u32) -> Store {
    let opened = open::open(path, &options()).unwrap();
    let connection = &opened.write_access.as_ref().unwrap().connection;
    let now: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection
        .pragma_update_and_check(None, "max_page_count", now + pages, |row| row.get::<_, u32>(0))
        .unwrap();
    Store::of(Sqlite::start(opened, options()).unwrap())
}

fn denial(n: usize) -> Append {
    let content = Content::Denial(Denial {
        sector: DenialSector::Healthcare,
        scope: Scope::Document(OpaqueId::parse("x".repeat(128)).unwrap()),
        against: [].into_iter().collect(),
        allows_emergency: false,
    });
    Append {
        idempotency_key: OpaqueId::parse(format!("key {n}")).unwrap(),
        payload_digest: [0; 32],
        entry: Entry::Declaration(Submission {
            client: ClientId::National(IdentityCode::parse("010181-900C").unwrap()),
            content,
            given_at: None,
            declarer: Declarer { role: Role::Client, name: "".into(), id: "".into() },
            recorded_by: RecordedBy::MyKanta,
            label: None,
        }),
        admit: Box::new(|_, _, _| Ok(Admitted::default())),
    }
}

fn ids(store: &Store) -> Vec<OpaqueId<'static>> {
    let changes = store.changes_since(Revision(0), 1_000).unwrap();
    let id = |change| {
        let Change::Declaration { declaration, .. } = change else { panic!("{change:?}") };
        declaration.id
    };
    changes.into_iter().map(id).collect()
}

fn is_full(error: &WriteError) -> bool {
    let WriteError::Io { source, .. } = error else { return false };
    let driver_error = source.downcast_ref::<rusqlite::Error>();
    driver_error.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::DiskFull)
}

#[tokio::test]
async fn a_full_disk_stops_the_writer_and_acknowledges_nothing_falsely() {
    for pages in 0..12 {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lupa.db");
        let store = open_with_room(&path, pages);
        let calls: Vec<_> = (0..400)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move { store.append(denial(n)).await })
            })
            .collect();
        let (mut acknowledged, mut failed) = (Vec::new(), 0);
        for call in calls {
            match call.await.unwrap() {
                Ok(appended) => acknowledged.push(appended.id),
                Err(AppendError::Store(error)) => {
                    assert!(is_full(&error), "{error:?}");
                    failed += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(failed > 0, "{pages} pages were enough");
        assert!(is_full(&*store.failed().await));
        // For good, though there may be room again.
        assert!(matches!(store.append(denial(1_000)).await, Err(AppendError::Store(_))));
        assert!(matches!(store.import(Box::new(Nothing)).await, Err(WriteError::Stopped(_))));
        assert_eq!(ids(&store), acknowledged);
        drop(store);
        let store = Store::open(&path, options()).unwrap();
        assert_eq!(ids(&store), acknowledged);
        store.append(denial(1_000)).await.unwrap();
    }
}

/// An import without entries.
struct Nothing;

impl ImportSource for Nothing {
    fn next(&mut self) -> Option<Vec<EncodedEntry>> {
        None
    }

    fn report(&mut self, _: &[ImportOutcome]) {}

    fn is_to_commit(&mut self) -> bool {
        true
    }
}

#[test]
fn commits_are_synced_and_checkpoints_are_left_to_the_writer() {
    let home = tempfile::tempdir().unwrap();
    let opened = open::open(&home.path().join("lupa.db"), &options()).unwrap();
    let connection = opened.write_access.unwrap().connection;
    let setting = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((setting("synchronous"), setting("wal_autocheckpoint")), (2, 0));
}
