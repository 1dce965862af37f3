//! Stores, declarations and helpers of the tests of the store.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lupa::index::{Follower, Index, IndexOptions, Reached, Snapshot};
use lupa::policy::admit::{Admitted, Submission, WithdrawalSubmission};
use lupa::policy::client_id::{ClientId, IdentityCode};
use lupa::policy::day::Instant;
use lupa::policy::declaration::{
    Consent, ConsentKind, Content, Declaration, Declarer, Denial, DenialSector, Information, RecordedBy,
    Role, Scope, Way,
};
use lupa::policy::directory::{Directory, Name, Organisation, OrganisationKind};
use lupa::policy::facts::{Facts, WithdrawalFacts};
use lupa::policy::link::{LinkReason, LinkRecorder, LinkSubmission, LinkedCodes, UnlinkSubmission};
use lupa::policy::oid::{Oid, OpaqueId};
use lupa::policy::refusal::Refusal;
use lupa::store::{
    Admit, Append, Appended, Change, ChangeEffect, DeclarationIds, Entry, IndexChange, Point, ReadError,
    Revision, Store, StoreOptions,
};
use rusqlite::Connection;

use tempfile::TempDir;

use crate::fixtures::patience::{deadline, until_some};
use crate::fixtures::pooler::Pooler;
use crate::fixtures::postgres::{self, Cluster, postgres_options};

/// Runs tests on both kinds of store, and on PostgreSQL behind a pooler in transaction mode.
macro_rules! on_both_stores {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::store::fixture::Shared::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::store::fixture::Shared::postgres()).await;
            })+
        }

        mod pooled {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::store::fixture::Shared::pooled()).await;
            })+
        }
    };
}
pub(super) use on_both_stores;

/// A place for a store, of either kind.
pub(super) enum Shared {
    Sqlite(Home),
    Postgres {
        /// For the test itself.
        url: String,
        /// For the store.
        store_url: String,
    },
}

impl Shared {
    pub(super) fn sqlite() -> Self {
        Self::Sqlite(Home::new())
    }

    pub(super) fn postgres() -> Self {
        let url = Cluster::shared().database();
        Self::Postgres { store_url: url.clone(), url }
    }

    /// PostgreSQL behind a pooler in transaction mode.
    pub(super) fn pooled() -> Self {
        let url = Cluster::shared().database();
        Self::Postgres { store_url: Pooler::shared().url(&url), url }
    }

    pub(super) fn open(&self) -> Store {
        self.open_with(options())
    }

    pub(super) fn open_with(&self, options: StoreOptions) -> Store {
        match self {
            Self::Sqlite(home) => Store::open(&home.store(), options).unwrap(),
            Self::Postgres { store_url, .. } => {
                Store::connect(&postgres_options(store_url), options).unwrap()
            }
        }
    }

    /// A byte-for-byte copy of a store that is closed, with its epoch and secret.
    pub(super) fn copy(&self) -> Self {
        match self {
            Self::Sqlite(home) => {
                let copy = Home::new();
                fs::copy(home.store(), copy.store()).unwrap();
                let watermark = |home: &Home| home.file("lupa.db.watermark");
                fs::copy(watermark(home), watermark(&copy)).unwrap();
                Self::Sqlite(copy)
            }
            Self::Postgres { url, store_url } => {
                let copy = Cluster::shared().copy_of_database(url);
                let is_pooled = store_url != url;
                let store_url = if is_pooled { Pooler::shared().url(&copy) } else { copy.clone() };
                Self::Postgres { url: copy, store_url }
            }
        }
    }

    /// Runs SQL directly, as an operator's tool does. Tables are named `lupa.…`; for SQLite
    /// the prefix is removed.
    pub(super) async fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(home) => home.connect().execute_batch(&sql.replace("lupa.", "")).unwrap(),
            Self::Postgres { url, .. } => postgres::connect(url).await.batch_execute(sql).await.unwrap(),
        }
    }

    /// The rows of a query whose columns are all texts.
    pub(super) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(home) => {
                let connection = home.connect();
                let mut statement = connection.prepare(&sql.replace("lupa.", "")).unwrap();
                let columns = statement.column_count();
                let rows = statement.query_map((), |row| (0..columns).map(|at| row.get(at)).collect());
                rows.unwrap().collect::<Result<_, _>>().unwrap()
            }
            Self::Postgres { url, .. } => {
                let rows = postgres::connect(url).await.query(sql, &[]).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
            }
        }
    }

    /// Drops the triggers that protect changes.
    pub(super) async fn unprotect(&self) {
        match self {
            Self::Sqlite(_) => {
                self.execute(
                    "DROP TRIGGER change_is_never_deleted; DROP TRIGGER change_is_never_updated;
                     DROP TRIGGER change_is_dense",
                )
                .await;
            }
            Self::Postgres { .. } => self.execute("ALTER TABLE lupa.change DISABLE TRIGGER USER").await,
        }
    }

    /// Writes a row directly, as the next revision or another one.
    pub(super) async fn write(&self, row: Row<'_>) {
        let Row { revision, what, kind, client, declaration_id, body } = row;
        let quoted = |text: Option<&str>| match text {
            Some(text) => format!("'{}'", text.replace('\'', "''")),
            None => "NULL".to_owned(),
        };
        let revision = match revision {
            Some(revision) => revision.to_string(),
            None => "(SELECT coalesce(max(revision), 0) + 1 FROM lupa.change)".to_owned(),
        };
        let (kind, id, body, what) =
            (quoted(kind), quoted(declaration_id), quoted(Some(body)), quoted(Some(what)));
        let (root, extension) = (quoted(client.map(|(root, _)| root)), quoted(client.map(|(_, ext)| ext)));
        let (commit_column, commit) = match self {
            Self::Sqlite(_) => ("", ""),
            Self::Postgres { .. } => (", commit_id", ", 7"),
        };
        self.execute(&format!(
            "INSERT INTO lupa.change (revision, recorded_at, what, kind, client_root, client_extension,
                 declaration_id, body{commit_column})
             SELECT {revision}, (SELECT coalesce(max(recorded_at), 0) FROM lupa.change), {what}, {kind}, {root},
                 {extension}, {id}, {body}{commit}"
        ))
        .await;
        if let Self::Postgres { .. } = self {
            self.execute(
                "UPDATE lupa.head SET (revision, recorded_at, commit_id) =
                     (SELECT revision, recorded_at, commit_id FROM lupa.change ORDER BY revision DESC LIMIT 1)",
            )
            .await;
        }
    }
}

/// A row written directly.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    /// `None`: the next one.
    pub(super) revision: Option<u64>,
    pub(super) what: &'r str,
    pub(super) kind: Option<&'r str>,
    pub(super) client: Option<(&'r str, &'r str)>,
    pub(super) declaration_id: Option<&'r str>,
    pub(super) body: &'r str,
}

/// A temporary directory for an embedded store.
pub(super) struct Home(TempDir);

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn store(&self) -> PathBuf {
        self.file("lupa.db")
    }

    pub(super) fn open(&self) -> Store {
        Store::open(&self.store(), options()).unwrap()
    }

    /// The files as a killed process leaves them.
    pub(super) fn crashed(&self) -> Self {
        let crashed = Self::new();
        for name in ["lupa.db", "lupa.db-wal", "lupa.db.watermark"] {
            fs::copy(self.file(name), crashed.file(name)).unwrap();
        }
        crashed
    }

    /// A direct connection, as of an operator's tool.
    pub(super) fn connect(&self) -> Connection {
        Connection::open(self.store()).unwrap()
    }
}

pub(super) fn options() -> StoreOptions {
    StoreOptions {
        clock: ticking,
        // It is not that of a database.
        clock_difference_max: Duration::MAX,
        queue_length_max: 1_024,
        group_commit_max: 256,
        check_whole_bytes_max: u64::MAX,
        read_connections_max: 2,
        max_staleness: Duration::from_secs(2),
        allow_writable_by_others: false,
    }
}

pub(super) fn index_options() -> IndexOptions {
    IndexOptions {
        poll_interval: Duration::from_millis(20),
        max_staleness: Duration::from_secs(60),
        retry_delay_max: Duration::from_millis(20),
        overlay_clients_max: 1_000,
        checkpoint: None,
    }
}

pub(super) fn start_index(store: &Store) -> (Index, Follower) {
    Index::start(store.clone(), index_options()).unwrap()
}

/// Waits until a revision of a store is published.
pub(super) async fn reached(index: &Index, store: &Store, revision: Revision) {
    let reached = index.reached(point(store, revision), deadline()).await;
    assert_eq!(reached, Reached::Yes, "revision {revision}");
}

/// The newest snapshot, once the index is fresh: on a busy machine the freshness proof may
/// run out between two polls.
pub(super) async fn current(index: &Index) -> Arc<Snapshot> {
    until_some("a fresh index", async || index.current().ok()).await
}

/// A clock that is a second later each time it is read.
fn ticking() -> Instant {
    static SECONDS: AtomicI64 = AtomicI64::new(1_700_000_000);
    Instant::from_timestamp_secs(SECONDS.fetch_add(1, Ordering::Relaxed)).unwrap()
}

pub(super) fn at(micros: i64) -> Instant {
    Instant::from_timestamp_micros(micros).unwrap()
}

pub(super) fn client() -> ClientId {
    ClientId::National(IdentityCode::parse("010181-900C").unwrap())
}

pub(super) fn other_client() -> ClientId {
    ClientId::National(IdentityCode::parse("010190-901R").unwrap())
}

pub(super) fn id(text: &str) -> OpaqueId<'static> {
    OpaqueId::parse(text.to_owned()).unwrap()
}

pub(super) fn oid(text: &str) -> Oid<'static> {
    Oid::parse(text.to_owned()).unwrap()
}

pub(super) fn declarer(role: Role) -> Declarer {
    Declarer { role, name: "Aino Esimerkki".into(), id: "".into() }
}

pub(super) fn information() -> Content {
    Content::Information(Information { version: "1.1".into(), way: Some(Way::MyKanta) })
}

pub(super) fn consent() -> Content {
    Content::Consent(Consent { kind: ConsentKind::Healthcare, allocation: None })
}

pub(super) fn denial() -> Content {
    Content::Denial(Denial {
        sector: DenialSector::Healthcare,
        scope: Scope::AllPatientData,
        against: Default::default(),
        allows_emergency: true,
    })
}

pub(super) fn directory(name: &str) -> Directory {
    let organisation = Organisation {
        oid: oid("1.2.246.10.1"),
        name: Name { fi: name.into(), sv: "".into(), en: "".into() },
        kind: OrganisationKind::HusGroup,
        uusimaa: true,
        operates_from: None,
        successor: None,
        main_responsibility: Vec::new(),
        carries_former_denials: false,
    };
    Directory::build(vec![organisation], Vec::new(), Vec::new()).unwrap()
}

pub(super) fn admit_all() -> Admit {
    Box::new(|_, _, _| Ok(Admitted::default()))
}

/// A declaration by a client; the payload is the key.
pub(super) fn declare(client: ClientId, key: &str, content: Content) -> Append {
    Append {
        idempotency_key: id(key),
        payload_digest: digest(key),
        entry: Entry::Declaration(Submission {
            client,
            content,
            given_at: None,
            declarer: declarer(Role::Client),
            recorded_by: RecordedBy::MyKanta,
            label: None,
        }),
        admit: admit_all(),
    }
}

/// A withdrawal by a client; the payload is the key.
pub(super) fn link(linked: LinkedCodes, key: &str) -> Append {
    let submission = LinkSubmission {
        linked,
        reason: LinkReason::DuplicateMerged,
        given_at: None,
        recorded_by: LinkRecorder::PopulationRegister,
    };
    Append {
        idempotency_key: id(key),
        payload_digest: [9; 32],
        entry: Entry::Link(submission),
        admit: Box::new(|_, _, _| Ok(Admitted::default())),
    }
}

/// The end of a link, which is refused if the link has ended.
pub(super) fn unlink(client: ClientId, link: OpaqueId<'static>, key: &str) -> Append {
    let recorded_by = LinkRecorder::PopulationRegister;
    Append {
        idempotency_key: id(key),
        payload_digest: [9; 32],
        entry: Entry::Unlink(UnlinkSubmission { client, link: link.clone(), given_at: None, recorded_by }),
        admit: Box::new(move |_, person, _| {
            let recorded = person.links.iter().find(|recorded| recorded.link.id == link);
            match recorded.ok_or(Refusal::LinkUnknown)?.is_in_force() {
                true => Ok(Admitted::default()),
                false => Err(Refusal::AlreadyUnlinked),
            }
        }),
    }
}

pub(super) fn withdraw(client: ClientId, key: &str, declaration_id: OpaqueId<'static>) -> Append {
    Append {
        idempotency_key: id(key),
        payload_digest: digest(key),
        entry: Entry::Withdrawal(WithdrawalSubmission {
            client,
            declaration: declaration_id,
            given_at: None,
            declarer: declarer(Role::Client),
            recorded_by: RecordedBy::MyKanta,
        }),
        admit: admit_all(),
    }
}

/// A substitute for the SHA-256 of a payload.
pub(super) fn digest(payload: &str) -> [u8; 32] {
    let mut digest = [0; 32];
    payload.bytes().enumerate().for_each(|(at, byte)| digest[at % 32] ^= byte.rotate_left(at as u32 / 32));
    digest
}

pub(super) async fn append(store: &Store, append: Append) -> Appended {
    store.append(append).await.unwrap()
}

/// A denial of another system, given and recorded at a time.
pub(super) fn imported(name: &str, micros: i64) -> Declaration {
    Declaration {
        id: id(name),
        content: denial(),
        given_at: at(micros),
        recorded_at: at(micros),
        withdrawal: None,
        declarer: None,
        recorded_by: None,
        label: None,
    }
}

/// A revision of the epoch that the store is in.
pub(super) fn point(store: &Store, revision: Revision) -> Point {
    Point { epoch: store.epoch(), revision }
}

/// Every change. Those that are loaded say of each what decides.
pub(super) fn load(store: &Store) -> Vec<Change> {
    let changes = store.changes_since(Revision(0), 100_000).unwrap();
    let mut those_that_follow = changes.iter();
    let last = load_each(store, &mut |loaded| {
        assert_loads_equal_changes(&loaded, those_that_follow.next().unwrap(), store.declaration_ids());
    });
    assert_eq!(last.unwrap(), changes.last().map_or(Revision(0), Change::revision));
    assert_eq!(those_that_follow.count(), 0);
    changes
}

/// Loads every change.
pub(super) fn load_each(store: &Store, each: &mut dyn FnMut(IndexChange)) -> Result<Revision, ReadError> {
    store.load_range(Revision(0), Revision(store.count()?), &mut |loaded| {
        each(loaded);
        true
    })
}

fn assert_loads_equal_changes(loaded: &IndexChange, change: &Change, ids: DeclarationIds) {
    assert_eq!((loaded.revision, loaded.recorded_at), (change.revision(), change.recorded_at()));
    match (&loaded.effect, change) {
        (
            ChangeEffect::Declaration { client, assigned_id, facts },
            Change::Declaration { client: whose, declaration, .. },
        ) => {
            assert_eq!((client, facts), (whose, &Facts::of(0, declaration).to_owned_facts()));
            let is_derived = ids.is(&declaration.id, declaration.recorded_at, loaded.revision);
            assert_eq!(assigned_id.as_ref(), (!is_derived).then_some(&declaration.id));
        }
        (
            ChangeEffect::Withdrawal { client, declaration_id, withdrawal: facts },
            Change::Withdrawal { client: whose, declaration_id: of, withdrawal, .. },
        ) => {
            assert_eq!((client, declaration_id, *facts), (whose, of, WithdrawalFacts::of(withdrawal)));
        }
        (ChangeEffect::Nothing, Change::UnreadableWithdrawal { .. }) => {}
        (ChangeEffect::Directory(loaded), Change::Directory { directory, .. }) => {
            assert_eq!(loaded.registers(), directory.registers());
            assert_eq!(loaded.organisations(), directory.organisations());
        }
        (ChangeEffect::Link { client, link }, Change::Link { client: whose, link: recorded, .. }) => {
            assert_eq!((client, link), (whose, &recorded.link));
        }
        (ChangeEffect::LinkEnd { client, link }, Change::LinkEnd { client: whose, link: of, .. }) => {
            assert_eq!((client, link), (whose, of));
        }
        (ChangeEffect::Import(loaded), Change::Import { boundary, .. }) => assert_eq!(loaded, boundary),
        (loaded, change) => panic!("{loaded:?} of {change:?}"),
    }
}

/// The error of opening a store, as the operator reads it.
pub(super) fn refusal(path: &Path) -> String {
    message(&Store::open(path, options()).unwrap_err())
}

/// An error with `PATH` for the path, which differs in each run.
pub(super) fn message(error: &dyn std::error::Error) -> String {
    let message = error.to_string();
    match message.split_once('`').and_then(|(before, rest)| Some((before, rest.split_once('`')?.1))) {
        Some((before, after)) => format!("{before}PATH{after}"),
        None => message,
    }
}
