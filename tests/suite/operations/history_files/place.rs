//! Stores in temporary folders, and the commands that import into them and export from
//! them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lupa::clock;
use lupa::index::{Follower, Index, IndexOptions, Reached, Snapshot};
use lupa::store::{Point, PostgresOptions, Revision, Store, StoreOptions};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::patience::deadline;
use crate::fixtures::postgres::{Cluster, postgres_options};
use crate::fixtures::process::LUPA;

/// A folder with files, and a store: in the folder, or a database.
pub(super) struct Place {
    folder: TempDir,
    store: String,
}

/// A command that has exited.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Place {
    pub(super) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let store = folder.path().join("lupa.sqlite").to_str().unwrap().to_owned();
        Self { folder, store }
    }

    pub(super) fn postgres() -> Self {
        Self { folder: TempDir::new().unwrap(), store: Cluster::shared().database() }
    }

    /// The store, as `--store` names it.
    pub(super) fn store(&self) -> &str {
        &self.store
    }

    /// The database; none if the store is a file.
    pub(super) fn url(&self) -> Option<&str> {
        Some(self.store.as_str()).filter(|store| store.starts_with("postgres://"))
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Opens the store in this process to write it. It is created if there is none.
    pub(super) fn open(&self) -> Store {
        match self.url() {
            None => Store::open(Path::new(&self.store), options()),
            Some(url) => Store::connect(&postgres_options(url), options()),
        }
        .unwrap()
    }

    /// Opens the store in this process to read it, after a server that writes it has
    /// registered its staleness bound.
    pub(super) fn follow(&self) -> Store {
        drop(self.open());
        match self.url() {
            None => Store::open_to_follow(Path::new(&self.store), options()),
            Some(url) => {
                let read_only = PostgresOptions { read_only: true, ..postgres_options(url) };
                Store::connect(&read_only, options())
            }
        }
        .unwrap()
    }

    /// Runs a command in the folder, with nothing in its environment.
    pub(super) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        let output = self.command(arguments).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(super) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(LUPA);
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command
    }

    /// Imports files with `--json`, and with more options.
    pub(super) fn import(&self, files: &[&Path], options: &[&str]) -> Ran {
        let files = files.iter().map(|file| file.as_os_str());
        let start = ["import", "--json", "--store", &self.store].map(OsStr::new);
        self.run(start.into_iter().chain(files).chain(options.iter().map(OsStr::new)))
    }

    /// Imports files whose lines are all accepted, and returns the report.
    pub(super) fn import_all(&self, files: &[&Path]) -> Value {
        let ran = self.import(files, &[]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
        let report = ran.json();
        assert_eq!(report["refused"], Value::Array(Vec::new()));
        report
    }

    /// Exports the store into a new file of the folder.
    pub(super) fn export(&self, name: &str) -> PathBuf {
        let path = self.file(name);
        let ran = self.run(["export", "--store", &self.store, path.to_str().unwrap()]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
        path
    }

    /// The last revision, after every change was read and checked.
    pub(super) fn verified_revision(&self) -> u64 {
        let ran = self.run(["store", "verify", "--json", &self.store]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
        let report = ran.json();
        assert_eq!(report["faults"], 0);
        report["revision"].as_u64().unwrap()
    }
}

impl Ran {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The number of entries that an import added, by its report.
pub(super) fn added(report: &Value) -> u64 {
    report["added"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

pub(super) fn options() -> StoreOptions {
    StoreOptions {
        clock: clock::now,
        clock_difference_max: Duration::from_secs(3_600),
        queue_length_max: 1_024,
        group_commit_max: 256,
        check_whole_bytes_max: u64::MAX,
        read_connections_max: 2,
        max_staleness: Duration::from_secs(2),
        allow_writable_by_others: false,
    }
}

pub(super) fn start_index(store: &Store) -> (Index, Follower) {
    let options = IndexOptions {
        poll_interval: Duration::from_millis(20),
        max_staleness: Duration::from_secs(60),
        retry_delay_max: Duration::from_millis(20),
        overlay_clients_max: 1_000,
        checkpoint: None,
    };
    Index::start(store.clone(), options).unwrap()
}

/// Waits until an index has all that is stored now.
pub(super) async fn snapshot(index: &Index, store: &Store) -> Arc<Snapshot> {
    let last = Point { epoch: store.epoch(), revision: Revision(store.count().unwrap()) };
    index.readiness().wait_for(|is_ready| *is_ready).await.unwrap();
    assert_eq!(index.reached(last, deadline()).await, Reached::Yes);
    index.newest().unwrap()
}

/// Runs tests with a store of each kind.
macro_rules! with_each_store {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::operations::history_files::place::Place::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::operations::history_files::place::Place::postgres()).await;
            })+
        }
    };
}
pub(super) use with_each_store;
