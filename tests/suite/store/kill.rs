//! Durability under SIGKILL: every acknowledged write is stored once, with its id, and
//! the outcome of an interrupted write is resolved by repeating it with its idempotency key.
//!
//! `LUPA_TEST_KILLS=1000 cargo test --test suite store::kill` runs longer.

mod caller;
mod io_errors;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lupa::wire::v1;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, block_in_place};

use crate::fixtures::postgres::{self, Cluster};
use crate::fixtures::process::{Process, serve};
use crate::fixtures::requests::demo_directory;
use caller::Caller;

const KILLS: usize = 50;
const CALLERS: usize = 16;

/// A declaration as the caller expects it: its event and the time of its withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    event: String,
    withdrawn_at: Option<pbjson_types::Timestamp>,
}

/// The store of the test.
enum Stored {
    File(PathBuf),
    Server(String),
}

impl Stored {
    fn serve(&self) -> Command {
        match self {
            Self::File(path) => serve(path),
            Self::Server(url) => {
                let mut command = serve(Path::new("unused"));
                command.env("LUPA_STORE__URL", url);
                command
            }
        }
    }

    /// The revisions in order, each with its idempotency key.
    async fn keys(&self) -> Vec<(i64, Option<String>)> {
        match self {
            Self::File(path) => {
                let store = Connection::open(path).expect("the store");
                let check: String =
                    store.query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("a finding");
                assert_eq!(check, "ok");
                let sql = "SELECT revision, idempotency_key FROM change ORDER BY revision";
                let mut statement = store.prepare(sql).expect("a table");
                let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
                rows.collect::<Result<_, _>>().expect("rows")
            }
            Self::Server(url) => {
                let sql = "SELECT revision, idempotency_key FROM lupa.change ORDER BY revision";
                let rows = postgres::connect(url).await.query(sql, &[]).await.expect("rows");
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        }
    }
}

/// The process that is killed.
#[derive(Clone, Copy, Debug)]
enum Victim<'c> {
    Lupa,
    /// The backend of one of Lupa's sessions: PostgreSQL terminates all others and recovers.
    Session(&'c Cluster),
    /// The postmaster; the backends exit by themselves.
    Postmaster(&'c Cluster),
}

impl Victim<'_> {
    /// Kills it. PostgreSQL accepts writes again when this returns.
    fn kill(self, process: &mut Option<Process>, life: usize) {
        match self {
            Self::Lupa => process.take().expect("it runs").kill(),
            Self::Session(cluster) => cluster.kill_session(life),
            Self::Postmaster(cluster) => cluster.kill_postmaster(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills_beside_sqlite() {
    let folder = TempDir::new().expect("a directory");
    survives_kills(&Stored::File(folder.path().join("store.sqlite")), Victim::Lupa).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills_beside_postgres() {
    survives_kills(&Stored::Server(Cluster::shared().database()), Victim::Lupa).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills_of_sessions() {
    let cluster = Cluster::start(&[]);
    survives_kills(&Stored::Server(cluster.database()), Victim::Session(&cluster)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kills_of_postgres() {
    let cluster = Cluster::start(&[]);
    survives_kills(&Stored::Server(cluster.database()), Victim::Postmaster(&cluster)).await;
}

async fn survives_kills(store: &Stored, victim: Victim<'_>) {
    let kills = std::env::var("LUPA_TEST_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    let start = || Process::start(store.serve()).expect("it listens");
    begin(store).await;
    let mut callers: Vec<Caller> = (0..CALLERS).map(Caller::new).collect();
    let mut running = None;
    for life in 0..kills {
        let process = running.get_or_insert_with(start);
        let (answered, mut answers) = mpsc::unbounded_channel();
        let is_killed = Arc::new(AtomicBool::new(false));
        let mut calling = JoinSet::new();
        for caller in callers {
            let channel = process.connect().await;
            calling.spawn(caller.run(channel, answered.clone(), Arc::clone(&is_killed)));
        }
        drop(answered);
        // All have checked the stored declarations; then between a few and many more.
        let mut awaited = CALLERS + 1 + life * 7 % 61;
        while awaited > 0 {
            awaited -= usize::from(answers.recv().await.expect("a caller"));
        }
        block_in_place(|| victim.kill(&mut running, life));
        is_killed.store(true, Ordering::Relaxed);
        callers = calling.join_all().await;
    }

    let process = running.unwrap_or_else(start);
    let callers = settle(callers, &process).await;
    process.kill();
    let (done, interrupted) = callers.iter().fold((0, 0), |(done, interrupted), caller| {
        (done + caller.done(), interrupted + caller.interrupted())
    });
    println!("{kills} kills, {done} requests acknowledged, {interrupted} interruptions");
    if matches!(victim, Victim::Lupa) {
        assert!(interrupted > kills, "only {interrupted} requests of {done} were under way when killed");
    }
    assert_dense(&store.keys().await, done);
}

/// Stores the directory.
async fn begin(store: &Stored) {
    let process = Process::start(store.serve()).expect("it listens");
    let load = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    DirectoryServiceClient::new(process.connect().await).replace_directory(load).await.expect("stored");
    process.terminate();
}

/// After the last kill: resolves and repeats every write.
async fn settle(callers: Vec<Caller>, process: &Process) -> Vec<Caller> {
    let mut settling = JoinSet::new();
    for caller in callers {
        settling.spawn(caller.settle(process.connect().await));
    }
    settling.join_all().await
}

/// The revisions are 1, 2, 3, …: the directory, then one for each request.
fn assert_dense(rows: &[(i64, Option<String>)], done: usize) {
    assert!(rows.iter().map(|(revision, _)| *revision).eq(1..=rows.len() as i64));
    let keys: BTreeSet<&String> = rows.iter().filter_map(|(_, key)| key.as_ref()).collect();
    assert_eq!((rows.len(), keys.len()), (done + 1, done));
}

/// Differences between the stored declarations and those that the caller expects.
fn faults(known: &BTreeMap<String, Known>, stored: &[v1::StoredDeclaration]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for declaration in stored {
        *times.entry(&declaration.id).or_default() += 1;
        let found = Known { event: event(declaration), withdrawn_at: declaration.withdrawn_at };
        match known.get(&declaration.id) {
            Some(known) if *known == found => {}
            Some(known) => faults.push(format!("{} is {found:?} and was {known:?}", declaration.id)),
            None => faults.push(format!("{} was never acknowledged: {found:?}", declaration.id)),
        }
    }
    for (id, known) in known {
        match times.get(id.as_str()) {
            Some(1) => {}
            Some(times) => faults.push(format!("{id} is stored {times} times: {known:?}")),
            None => faults.push(format!("{id} is lost: {known:?}")),
        }
    }
    faults
}

/// The event of a denial.
fn event(stored: &v1::StoredDeclaration) -> String {
    use v1::declaration::Content;
    use v1::denial::Scope;
    let content = stored.declaration.as_ref().and_then(|content| content.content.as_ref());
    match content {
        Some(Content::Denial(v1::Denial { scope: Some(Scope::ServiceEvent(event)), .. })) => event.clone(),
        other => panic!("no caller recorded this: {other:?}"),
    }
}

/// Positive control: the check finds lost and duplicated declarations.
#[test]
fn lost_and_duplicated_declarations_are_found() {
    let stored = |id: &str| v1::StoredDeclaration {
        id: id.to_owned(),
        declaration: Some(crate::fixtures::requests::message(&format!(
            "denial: {{ sector: SECTOR_HEALTHCARE, service_event: event-{id} }}"
        ))),
        ..Default::default()
    };
    let known = |ids: &[&str]| -> BTreeMap<String, Known> {
        let known =
            |id: &&str| ((*id).to_owned(), Known { event: format!("event-{id}"), withdrawn_at: None });
        ids.iter().map(known).collect()
    };
    let (a, b) = (stored("a"), stored("b"));
    assert_eq!(faults(&known(&["a", "b"]), &[a.clone(), b.clone()]), [""; 0]);
    assert_eq!(faults(&known(&["a", "b"]), std::slice::from_ref(&a)).len(), 1, "lost");
    assert_eq!(faults(&known(&["a", "b"]), &[a.clone(), b.clone(), b.clone()]).len(), 1, "doubled");
    assert_eq!(faults(&known(&["a"]), &[a.clone(), stored("c")]).len(), 1, "doubled with another id");
    let ended = v1::StoredDeclaration { withdrawn_at: Some(pbjson_types::Timestamp::default()), ..a.clone() };
    assert_eq!(faults(&known(&["a"]), &[ended]).len(), 1, "withdrawn by no caller");
    let mut withdrawn = known(&["a"]);
    withdrawn.get_mut("a").expect("a").withdrawn_at = Some(pbjson_types::Timestamp::default());
    assert_eq!(faults(&withdrawn, &[a]).len(), 1, "a withdrawal lost");
}
