//! A store filled with a history equals a store in which it was recorded.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test reports a failure by panicking, whatever it did not expect"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use lupa::clock;
use lupa::policy::admit::{Admitted, WithdrawalSubmission};
use lupa::policy::client_id::{ClientId, IdentityCode};
use lupa::policy::day::Instant;
use lupa::policy::declaration::{
    Consent, ConsentKind, Content, Declarer, Denial, DenialSector, Information, RecordedBy, Role, Scope, Way,
    Withdrawal,
};
use lupa::policy::directory::{Directory, Name, Organisation, OrganisationKind};
use lupa::policy::oid::{Oid, OpaqueId};
use lupa::store::bulk::{BulkChange, BulkError};
use lupa::store::{Append, Change, Entry, OpenError, Point, Revision, Store, StoreOptions, WriteError};
use lupa_bench::fill::{FillError, FillPhase, FillProgress, PastChange, fill};
use rusqlite::Connection;
use tempfile::TempDir;

/// A folder for a store.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.file("lupa.db")
    }

    fn open(&self) -> Store {
        let options = StoreOptions {
            clock: clock::now,
            clock_difference_max: Duration::from_secs(3_600),
            queue_length_max: 1_024,
            group_commit_max: 256,
            check_whole_bytes_max: u64::MAX,
            read_connections_max: 2,
            max_staleness: Duration::from_secs(2),
            allow_writable_by_others: false,
        };
        Store::open(&self.store(), options).unwrap()
    }

    fn connect(&self) -> Connection {
        Connection::open(self.store()).unwrap()
    }

    fn is_empty(&self) -> bool {
        !self.store().exists() && !self.file("lupa.db.new").exists()
    }

    /// The names and the SQL of all parts of the schema.
    fn schema(&self) -> Vec<(String, Option<String>)> {
        let connection = self.connect();
        let mut statement = connection.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").unwrap();
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

fn at(micros: i64) -> Instant {
    Instant::from_timestamp_micros(micros).unwrap()
}

fn client() -> ClientId {
    ClientId::National(IdentityCode::parse("010181-900C").unwrap())
}

fn other_client() -> ClientId {
    ClientId::National(IdentityCode::parse("010190-901R").unwrap())
}

fn declarer(role: Role) -> Declarer {
    Declarer { role, name: "Aino Esimerkki".into(), id: "".into() }
}

fn information() -> Content {
    Content::Information(Information { version: "1.1".into(), way: Some(Way::MyKanta) })
}

fn consent() -> Content {
    Content::Consent(Consent { kind: ConsentKind::Healthcare, allocation: None })
}

fn denial() -> Content {
    Content::Denial(Denial {
        sector: DenialSector::Healthcare,
        scope: Scope::AllPatientData,
        against: Default::default(),
        allows_emergency: true,
    })
}

fn directory() -> Directory {
    let organisation = Organisation {
        oid: Oid::parse("1.2.246.10.1".to_owned()).unwrap(),
        name: Name { fi: "filled".into(), sv: "".into(), en: "".into() },
        kind: OrganisationKind::HusGroup,
        uusimaa: true,
        operates_from: None,
        successor: None,
        main_responsibility: Vec::new(),
        carries_former_denials: false,
    };
    Directory::build(vec![organisation], Vec::new(), Vec::new()).unwrap()
}

fn declared(micros: i64, client: ClientId, content: Content) -> PastChange {
    let change = BulkChange::Declaration {
        client,
        content,
        given_at: at(micros - 5),
        declarer: declarer(Role::Guardian),
        recorded_by: RecordedBy::MyKanta,
    };
    PastChange { recorded_at: at(micros), change }
}

fn withdrawn(micros: i64, client: ClientId, declaration: u64) -> PastChange {
    let change = BulkChange::Withdrawal {
        client,
        declaration: Revision(declaration),
        given_at: at(micros),
        by: declarer(Role::Client),
        recorded_by: RecordedBy::MyKanta,
    };
    PastChange { recorded_at: at(micros), change }
}

fn history() -> Vec<PastChange> {
    vec![
        PastChange { recorded_at: at(10), change: BulkChange::Directory(directory()) },
        declared(20, client(), consent()),
        declared(20, other_client(), denial()),
        withdrawn(30, client(), 2),
        declared(31, client(), information()),
    ]
}

fn go_on(_: FillProgress) -> bool {
    true
}

#[tokio::test]
async fn a_filled_store_equals_a_recorded_one() {
    let home = Home::new();
    let last = fill(&home.store(), history(), &mut go_on).unwrap();
    assert_eq!(last, Revision(5));
    let store = home.open();
    assert_eq!(*store.committed().borrow(), last);
    let ids = store.declaration_ids();
    let changes = store.changes_since(Revision(0), 100).unwrap();
    let times: Vec<_> = changes.iter().map(Change::recorded_at).collect();
    assert_eq!(times, [10, 20, 20, 30, 31].map(at));
    let [
        Change::Directory { directory: stored, .. },
        Change::Declaration { client: declaring, declaration, .. },
        _,
        Change::Withdrawal { client: withdrawing, declaration_id, withdrawal, .. },
        _,
    ] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!(stored.organisations(), directory().organisations());
    assert_eq!((declaring, withdrawing), (&client(), &client()));
    assert_eq!(declaration.id, ids.id(at(20), Revision(2)));
    assert_eq!((declaration.content.clone(), declaration.given_at), (consent(), at(15)));
    assert_eq!(declaration.declarer, Some(declarer(Role::Guardian)));
    assert_eq!(declaration.recorded_by, Some(RecordedBy::MyKanta));
    assert_eq!(*declaration_id, declaration.id);
    let by = Some(declarer(Role::Client));
    assert_eq!(*withdrawal, Withdrawal { given_at: at(30), recorded_at: at(30), by });
    let point = Point { epoch: store.epoch(), revision: last };
    assert_eq!(store.history_of(&[client()], point).unwrap().declarations.len(), 2);
    // More can be recorded as in any other store.
    let append = Append {
        idempotency_key: OpaqueId::parse("key".to_owned()).unwrap(),
        payload_digest: [1; 32],
        entry: Entry::Withdrawal(WithdrawalSubmission {
            client: other_client(),
            declaration: ids.id(at(20), Revision(3)),
            given_at: None,
            declarer: declarer(Role::Client),
            recorded_by: RecordedBy::MyKanta,
        }),
        admit: Box::new(|_, _, _| Ok(Admitted::default())),
    };
    assert_eq!(store.append(append).await.unwrap().revision, Revision(6));
}

#[test]
fn a_filled_store_has_all_indices_and_triggers() {
    let (filled, plain) = (Home::new(), Home::new());
    fill(&filled.store(), history(), &mut go_on).unwrap();
    drop(plain.open());
    assert_eq!(filled.schema(), plain.schema());
    let connection = filled.connect();
    connection.execute("DELETE FROM change WHERE revision = 5", ()).unwrap_err();
    let check: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let mode = fs::metadata(filled.store()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_invalid_history_creates_no_store() {
    for (invalid, reason) in [
        (
            declared(29, client(), denial()),
            "change 6 of the history was recorded before the change that precedes it: sort the history by time; no \
             store was created",
        ),
        (withdrawn(40, client(), 3), "of another client"),
        (withdrawn(40, client(), 1), "a directory"),
        (withdrawn(40, client(), 4), "a withdrawal"),
        (withdrawn(40, client(), 6), "itself"),
    ] {
        let home = Home::new();
        let error = fill(&home.store(), history().into_iter().chain([invalid]), &mut go_on).unwrap_err();
        match &error {
            FillError::Bulk(BulkError::OutOfOrder { .. }) => assert_eq!(error.to_string(), reason),
            error => assert!(
                matches!(error, FillError::Bulk(BulkError::WithdrawsNothing { revision: Revision(6) })),
                "{reason}: {error}"
            ),
        }
        assert!(home.is_empty(), "{reason}");
    }
}

/// The client's identifier is not one that a row can store; the thread that
/// encodes finds it.
#[test]
fn a_client_that_cannot_be_stored_creates_no_store() {
    let root = Oid::parse("1.2.246.21".to_owned()).unwrap();
    let unstorable = ClientId::Other { root, extension: OpaqueId::parse("x".to_owned()).unwrap() };
    let home = Home::new();
    let history = history().into_iter().chain([declared(40, unstorable, denial())]);
    let error = fill(&home.store(), history, &mut go_on).unwrap_err();
    assert!(
        matches!(error, FillError::Bulk(BulkError::Store(OpenError::Write(WriteError::ClientNotStorable)))),
        "{error}"
    );
    assert!(home.is_empty());
}

#[test]
fn filling_can_be_stopped_in_every_phase() {
    for phase in [FillPhase::Inserting, FillPhase::Indexing, FillPhase::Syncing] {
        let home = Home::new();
        let stopped = fill(&home.store(), history(), &mut |progress| progress.phase != phase);
        assert!(matches!(stopped, Err(FillError::Stopped)), "{phase:?}");
        assert!(home.is_empty(), "{phase:?}");
        fill(&home.store(), history(), &mut go_on).unwrap();
        assert_eq!(home.open().count().unwrap(), 5);
    }
}

#[test]
fn an_existing_store_is_not_filled() {
    let home = Home::new();
    let store = home.open();
    let in_use = fill(&home.store(), history(), &mut go_on);
    assert!(matches!(in_use, Err(FillError::Bulk(BulkError::Store(OpenError::InUse { .. })))));
    drop(store);
    let exists = fill(&home.store(), history(), &mut go_on);
    assert!(matches!(exists, Err(FillError::Bulk(BulkError::Store(OpenError::Exists { .. })))));
    assert_eq!(home.open().count().unwrap(), 0);
}
