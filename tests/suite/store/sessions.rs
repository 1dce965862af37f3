//! Nothing is assumed of a session of PostgreSQL, and nothing is left there: settings hold for one
//! transaction, so that a role's defaults and a pooler in transaction mode change nothing.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use lupa::index::{Index, IndexOptions, Reached};
use lupa::policy::history::HistoryEntry;
use lupa::store::{
    AppendError, EncodedEntry, ImportOutcome, ImportResult, ImportSource, PostgresOptions, Store,
};
use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio_postgres::SimpleQueryMessage;

use super::fixture::*;
use crate::fixtures::patience::{deadline, until, until_some};
use crate::fixtures::pooler::Pooler;
use crate::fixtures::postgres::{self, Cluster, postgres_options};
use crate::fixtures::process::{Process, serve};
use crate::fixtures::requests::{person, recording};

/// Settings that would lose acknowledged declarations, or stop Lupa.
const HARMFUL: [(&str, &str); 6] = [
    ("synchronous_commit", "off"),
    ("client_min_messages", "error"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_read_only", "on"),
    ("idle_in_transaction_session_timeout", "0"),
    ("search_path", "nowhere"),
];

/// Number of changes that are loaded: two batches of 1,024 more than are queued, and so few more that the server
/// has sent them all.
const LOADED: usize = (4 + 2) * 1_024 + 100;

/// Stores the settings with which each commit of a change ends.
const SEE_COMMITS: &str = "CREATE TABLE lupa.seen (settings text NOT NULL);
    CREATE FUNCTION lupa.see() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO lupa.seen SELECT concat_ws(', ', current_setting('synchronous_commit'),
            current_setting('client_min_messages'), current_setting('transaction_isolation'),
            current_setting('idle_in_transaction_session_timeout'), current_setting('search_path'));
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER seen AFTER UPDATE ON lupa.head DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION lupa.see()";

/// The first value of a query, by the simple protocol, which needs no session.
async fn value(client: &tokio_postgres::Client, sql: &str) -> Option<String> {
    let answers = client.simple_query(sql).await.unwrap();
    answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

fn follow(store: &Store) -> (Index, lupa::index::Follower) {
    let options = IndexOptions { max_staleness: Duration::from_secs(1), ..index_options() };
    Index::start(store.clone(), options).unwrap()
}

fn connect(url: &str) -> Store {
    Store::connect(&postgres_options(url), options()).unwrap()
}

/// Records, follows, imports and reads a history.
async fn use_store(store: &Store) {
    let declared = append(store, declare(client(), "declared", denial())).await;
    let (index, _follower) = start_index(store);
    reached(&index, store, declared.revision).await;
    let history = vec![(other_client(), imported("imported", 1_000_000))];
    let last = crate::fixtures::importing::import_new(store, history).await;
    reached(&index, store, last).await;
    assert_eq!(store.history_of(&[client()], point(store, last)).unwrap().declarations.len(), 1);
    assert_eq!(load(store).len() as u64, last.0);
}

async fn check_settings(direct: &str) {
    let client = postgres::connect(direct).await;
    let seen = value(&client, "SELECT string_agg(DISTINCT settings, '; ') FROM lupa.seen").await;
    assert_eq!(seen.as_deref(), Some("on, warning, read committed, 800ms, pg_catalog"));
}

/// Creates a store whose commits are seen.
async fn seen_store(cluster: &Cluster) -> String {
    let url = cluster.database();
    drop(connect(&url));
    postgres::connect(&url).await.batch_execute(SEE_COMMITS).await.unwrap();
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defaults_of_the_role_change_no_commit() {
    let cluster = Cluster::start(&[]);
    let url = seen_store(&cluster).await;
    for (setting, value) in HARMFUL {
        cluster.execute(&format!("ALTER ROLE lupa SET {setting} = '{value}'"));
    }
    use_store(&connect(&url)).await;
    for (setting, _) in HARMFUL {
        cluster.execute(&format!("ALTER ROLE lupa RESET {setting}"));
    }
    check_settings(&url).await;
}

/// One connection, which each client of the pooler uses in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_a_pooler_change_no_commit_and_stay_as_they_were() {
    let cluster = Cluster::start(&[]);
    let url = seen_store(&cluster).await;
    let pooler = Pooler::start(&cluster, 1);
    let pooled = pooler.url(&url);
    let store = connect(&pooled);
    // After the store is connected: what it has set for the session is lost.
    let another = postgres::connect(&pooled).await;
    for (setting, value) in HARMFUL {
        another.batch_execute(&format!("SET {setting} = '{value}'")).await.unwrap();
    }
    let session = value(&another, "SELECT pg_backend_pid()").await;
    use_store(&store).await;
    check_settings(&url).await;
    assert_eq!(value(&another, "SELECT pg_backend_pid()").await, session);
    for (setting, expected) in HARMFUL {
        assert_eq!(value(&another, &format!("SHOW {setting}")).await.as_deref(), Some(expected));
    }
    let left = "SELECT (SELECT count(*) FROM pg_prepared_statements)
        + (SELECT count(*) FROM pg_listening_channels())
        + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')";
    assert_eq!(value(&another, left).await.as_deref(), Some("0"));
}

/// Without its synchronous standby a server proves and acknowledges nothing, whatever the defaults of the
/// role are, and behind a pooler.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deposed_primary_behind_a_pooler_proves_and_acknowledges_nothing() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let pooler = Pooler::start(&cluster, 4);
    for (setting, value) in HARMFUL {
        cluster.execute(&format!("ALTER ROLE lupa SET {setting} = '{value}'"));
    }
    let postgres = PostgresOptions {
        read_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_secs(2),
        ..postgres_options(&pooler.url(&url))
    };
    let store = Store::connect(&postgres, options()).unwrap();
    let before = append(&store, declare(client(), "before", denial())).await.point();
    let (index, _follower) = follow(&store);
    assert_eq!(index.reached(before, deadline()).await, Reached::Yes);
    cluster.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster.execute("SELECT pg_reload_conf()");
    index.readiness().wait_for(|ready| !ready).await.unwrap();
    let during = store.append(declare(client(), "during", denial())).await;
    assert!(matches!(during, Err(AppendError::Unknown(_) | AppendError::Store(_))), "{during:?}");
    cluster.execute("ALTER SYSTEM RESET synchronous_standby_names");
    cluster.execute("SELECT pg_reload_conf()");
    index.readiness().wait_for(|ready| *ready).await.unwrap();
    until_some("an acknowledgement", async || store.append(declare(client(), "during", denial())).await.ok())
        .await;
    assert_eq!(load(&store).len(), 2);
}

/// It is found in the transaction that would have committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_or_proven_while_fsync_is_off() {
    let cluster = Cluster::start(&[]);
    let store = Store::connect(&postgres_options(&cluster.database()), options()).unwrap();
    let (index, _follower) = follow(&store);
    for setting in ["fsync", "full_page_writes"] {
        index.readiness().wait_for(|ready| *ready).await.unwrap();
        cluster.execute(&format!("ALTER SYSTEM SET {setting} = off"));
        cluster.execute("SELECT pg_reload_conf()");
        index.readiness().wait_for(|ready| !ready).await.unwrap();
        let refused = store.append(declare(client(), setting, denial())).await.unwrap_err();
        let AppendError::Store(error) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains(&format!("its {setting} is `off`")), "{error}");
        cluster.execute(&format!("ALTER SYSTEM RESET {setting}"));
        cluster.execute("SELECT pg_reload_conf()");
    }
    index.readiness().wait_for(|ready| *ready).await.unwrap();
    append(&store, declare(client(), "on", denial())).await;
}

fn start(url: &str) -> Process {
    let mut command = serve(Path::new("unused"));
    command.env("LUPA_STORE__URL", url);
    Process::start(command).expect("it listens")
}

fn denied(number: usize, key: &str) -> v1::RecordDeclarationRequest {
    recording(person(number), key, "{ denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} } }")
}

/// Whether a transaction of Lupa waits for a lock, or is idle.
async fn is_there(url: &str, condition: &str) -> bool {
    let sql = format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = 'lupa' AND {condition})"
    );
    postgres::connect(url).await.query_one(&sql, &[]).await.unwrap().get(0)
}

/// One replica is suspended while it holds the lock on the head, and stays so until another has recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspended_writer_does_not_stop_the_others() {
    let url = Cluster::shared().database();
    let (suspended, other) = (start(&url), start(&url));
    let mut calling = DeclarationServiceClient::new(suspended.connect().await);
    let mut client = DeclarationServiceClient::new(other.connect().await);
    // The test holds the lock until the replica waits for it and is suspended: so it gets the lock then.
    let holder = postgres::connect(&url).await;
    holder.batch_execute("BEGIN; SELECT FROM lupa.head FOR UPDATE").await.unwrap();
    let mut call = calling.clone();
    let recorded = tokio::spawn(async move { call.record_declaration(denied(1, "suspended")).await });
    until("a writer that waits", async || is_there(&url, "wait_event_type = 'Lock'").await).await;
    suspended.signal("STOP");
    holder.batch_execute("ROLLBACK").await.unwrap();
    client.record_declaration(denied(2, "other")).await.expect("the other replica records");
    assert!(!recorded.is_finished());
    suspended.signal("CONT");
    // Whatever was answered, the key resolves it, and it is stored once.
    drop(recorded.await.unwrap());
    until("an acknowledgement", async || calling.record_declaration(denied(1, "suspended")).await.is_ok())
        .await;
    let rows = postgres::connect(&url).await.query("SELECT FROM lupa.change", &[]).await.unwrap();
    assert_eq!(rows.len(), 2);
}

/// A source that returns its next entry when the test sends it.
struct Slow(mpsc::Receiver<EncodedEntry>);

impl ImportSource for Slow {
    fn next(&mut self) -> Option<Vec<EncodedEntry>> {
        self.0.recv().ok().map(|entry| vec![entry])
    }

    fn report(&mut self, outcomes: &[ImportOutcome]) {
        assert_eq!(outcomes, [ImportOutcome::Added]);
    }

    fn is_to_commit(&mut self) -> bool {
        true
    }
}

/// An import waits for its source for longer than a transaction may be idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_import_is_not_ended() {
    for home in [Shared::postgres(), Shared::pooled()] {
        let Shared::Postgres { url, .. } = &home else { panic!("PostgreSQL") };
        let store = home.open();
        let (entries, source) = mpsc::channel();
        let importing = {
            let store = store.clone();
            tokio::spawn(async move { store.import(Box::new(Slow(source))).await })
        };
        for name in ["1", "2"] {
            let age = "xact_start < clock_timestamp() - interval '3 s'";
            let connection = postgres::connect(url).await;
            let sql = format!(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND {age})"
            );
            until("an old transaction", async || connection.query_one(&sql, &[]).await.unwrap().get(0)).await;
            let entry = HistoryEntry::Declaration(client(), imported(name, 1_000_000));
            entries.send(EncodedEntry::of(entry).unwrap()).unwrap();
        }
        drop(entries);
        let imported = importing.await.unwrap().unwrap();
        assert!(matches!(imported, ImportResult::Committed(_)), "{imported:?}");
    }
}

/// A load waits for its reader for longer than other transactions may be idle: the server has sent all rows, and
/// the reader does not take the last ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_load_is_not_ended() {
    for home in [Shared::postgres(), Shared::pooled()] {
        let Shared::Postgres { url, .. } = &home else { panic!("PostgreSQL") };
        let store = home.open();
        let declared = (0..LOADED).map(|number| (client(), imported(&number.to_string(), 1_000_000)));
        let last = crate::fixtures::importing::import_new(&store, declared.collect()).await;
        let ((go_on, waits), (starts, started)) = (mpsc::channel::<()>(), mpsc::channel());
        let loading = tokio::task::spawn_blocking(move || {
            load_each(&store, &mut |_| {
                starts.send(()).unwrap_or(());
                // Until the other end is dropped.
                assert!(waits.recv().is_err());
            })
        });
        until("a load", async || started.try_recv().is_ok()).await;
        let connection = postgres::connect(url).await;
        let sql = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                 AND query LIKE 'COPY (%' AND state_change > clock_timestamp() - interval '3 s')";
        let is_old = async || connection.query_one(sql, &[]).await.unwrap().get::<_, bool>(0);
        until("an old load, or one that was ended", is_old).await;
        drop(go_on);
        assert_eq!(loading.await.unwrap().unwrap(), last);
    }
}

/// As in production: structured lines, at start and while it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_has_the_cause_of_each_failure() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let process = start(&url);
    let mut calling = DeclarationServiceClient::new(process.connect().await);
    cluster.execute("ALTER ROLE lupa CONNECTION LIMIT 0");
    let owner = postgres::connect(&url.replace("lupa@", "postgres@")).await;
    owner
        .batch_execute("ALTER TABLE lupa.change OWNER TO postgres; REVOKE ALL ON lupa.change FROM lupa")
        .await
        .unwrap();
    calling.record_declaration(denied(1, "refused")).await.expect_err("refused");
    let output = process.terminate().output;
    let line = |message: &str| {
        let lines = output.lines().filter(|line| line.contains(message)).collect::<Vec<_>>().join("\n");
        assert!(!lines.is_empty(), "{message} in {output}");
        lines
    };
    let right = "permission denied for table change (SQLSTATE 42501)";
    assert!(line("the store cannot be read").contains(right), "{output}");
    let written = line("declarations could not be written");
    assert!(written.contains(right) || written.contains("SQLSTATE 53300"), "{output}");
    let mut command = serve(Path::new("unused"));
    let ended = Process::start({
        command.env("LUPA_STORE__URL", &url);
        command
    });
    let output = ended.err().expect("no connection").output;
    assert!(output.contains("too many connections for role \"lupa\" (SQLSTATE 53300)"), "{output}");
}
