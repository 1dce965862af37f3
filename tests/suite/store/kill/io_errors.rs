//! I/O errors: each write and each sync of a series of declarations fails in turn, once
//! with EIO and once with ENOSPC. Every acknowledged write is stored, and the server
//! works again once the disk does.
//!
//! ```text
//! cargo test --test suite io_errors -- --ignored --nocapture
//! ```
//!
//! It needs `strace` (Debian's package) and takes an hour. With `LUPA_TEST_STEP=10`
//! only every tenth call fails.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

use super::{Caller, Stored, assert_dense, begin, settle};
use crate::fixtures::patience::until;
use crate::fixtures::postgres::Cluster;
use crate::fixtures::process::Process;

const OPERATIONS: usize = 300;

/// Number of concurrent callers, whose operations share one transaction.
const CALLERS: usize = 5;

const ERRORS: [&str; 2] = ["EIO", "ENOSPC"];

/// The system calls that write, and those that sync.
const CALLS: [&str; 2] = ["pwrite64,pwritev,write", "fsync,fdatasync"];

/// Which call fails (kind and ordinal, from 1), and with which error.
#[derive(Clone, Copy, Debug)]
struct Fault {
    calls: &'static str,
    error: &'static str,
    number: usize,
}

impl Fault {
    /// The `strace` command that injects it. Calls are counted per thread.
    fn command(self, files: &[&Path], log: &Path) -> Vec<String> {
        let Self { calls, error, number } = self;
        let mut command: Vec<String> =
            ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o"].map(str::to_owned).into();
        command.push(log.display().to_string());
        for file in files {
            command.extend(["-P".to_owned(), file.display().to_string()]);
        }
        command.extend([
            "-e".to_owned(),
            format!("trace={calls}"),
            "-e".to_owned(),
            format!("inject={calls}:error={error}:when={number}"),
        ]);
        command
    }
}

fn has_happened(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|log| log.contains("(INJECTED)"))
}

/// Injects one fault after the other, of each kind until no further call is reached.
async fn try_all(mut try_one: impl AsyncFnMut(Fault) -> bool) {
    let step = std::env::var("LUPA_TEST_STEP").map_or(1, |step| step.parse().unwrap());
    for (calls, error) in CALLS.into_iter().flat_map(|calls| ERRORS.map(|error| (calls, error))) {
        let mut tried = 0;
        for number in (1..).step_by(step) {
            if !try_one(Fault { calls, error, number }).await {
                break;
            }
            tried += 1;
        }
        assert!(tried > 0, "{calls} never failed with {error}");
        println!("{error} at each of {calls}: {tried} tried");
    }
}

#[ignore = "takes an hour, needs strace: cargo test --test suite io_errors -- --ignored --nocapture"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_disk_lose_nothing_in_sqlite() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty");
    begin(&Stored::File(empty.clone())).await;
    try_all(async |fault| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store");
        let log = folder.path().join("strace");
        fs::copy(&empty, &path).unwrap();
        fs::copy(empty.with_extension("watermark"), path.with_extension("watermark")).unwrap();
        let files =
            ["store", "store-wal", "store-shm", "store.watermark"].map(|name| folder.path().join(name));
        let store = Stored::File(path);
        let words = fault.command(&files.each_ref().map(|path| path.as_path()), &log);
        let mut callers = callers(0);
        if let Ok(process) = Process::start(run_by(&words, &store.serve())) {
            callers = call(callers, &process, &log).await;
            process.kill();
        }
        let process = Process::start(store.serve()).expect("the store can be opened again");
        let callers = settle(callers, &process).await;
        process.terminate();
        assert_dense(&store.keys().await, callers.iter().map(Caller::done).sum());
        has_happened(&log)
    })
    .await;
}

#[ignore = "takes an hour, needs strace: cargo test --test suite io_errors -- --ignored --nocapture"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_disk_lose_nothing_in_postgres() {
    let cluster = Cluster::start(&[]);
    let store = Stored::Server(cluster.database());
    begin(&store).await;
    let process = Process::start(store.serve()).expect("it listens");
    let (mut people, mut done) = (0, 0);
    try_all(async |fault| {
        let log = cluster.file("strace");
        let words = fault.command(&[], &log);
        let is_up = block_in_place(|| {
            // A clean shutdown first: calls of the recovery are not under test.
            cluster.shut_down();
            drop(fs::remove_file(&log));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            cluster.run_by(&words, || has_happened(&log))
        });
        let mut callers = callers(people);
        people += CALLERS;
        if is_up {
            callers = call(callers, &process, &log).await;
        }
        block_in_place(|| {
            cluster.stop();
            cluster.run();
        });
        let callers = settle(callers, &process).await;
        done += callers.iter().map(Caller::done).sum::<usize>();
        assert_dense(&store.keys().await, done);
        has_happened(&log)
    })
    .await;
    process.terminate();
}

/// Callers for clients that have no declarations yet.
fn callers(first: usize) -> Vec<Caller> {
    (first..first + CALLERS).map(Caller::new).collect()
}

/// Runs the callers until the fault was injected and its effect is known, or until all
/// operations are done.
async fn call(callers: Vec<Caller>, process: &Process, log: &Path) -> Vec<Caller> {
    let (answered, mut answers) = mpsc::unbounded_channel();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut calling = JoinSet::new();
    // If the call fails before the server serves, it never does.
    let fails_first = async {
        until("a call fails", async || has_happened(log)).await;
        sleep(Duration::from_secs(5)).await;
    };
    let channel = tokio::select! {
        channel = process.connect() => channel,
        () = fails_first => return callers,
    };
    for caller in callers {
        calling.spawn(caller.run(channel.clone(), answered.clone(), Arc::clone(&is_over)));
    }
    drop(answered);
    let mut left = OPERATIONS;
    // Requests after the failure must not be acknowledged falsely.
    let mut after_failure = 2 * CALLERS;
    while left > 0 && after_failure > 0 {
        let is_acknowledged = answers.recv().await.expect("a caller");
        left -= usize::from(is_acknowledged);
        after_failure -= usize::from(!is_acknowledged || has_happened(log));
    }
    is_over.store(true, Ordering::Relaxed);
    calling.join_all().await
}

/// The second command run by the first one.
fn run_by(words: &[String], command: &Command) -> Command {
    let mut run = Command::new(&words[0]);
    run.args(&words[1..]).arg(command.get_program()).args(command.get_args()).env_clear();
    run.env("PATH", std::env::var_os("PATH").unwrap());
    run.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run
}
