//! Stores with synthetic populations, created once and used again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lupa_bench::measure::machine;
use lupa_bench::measure::repository;
use lupa_bench::population::{Population, PopulationSize};

/// The program that creates them.
const LUPA_BENCH: &str = env!("CARGO_BIN_EXE_lupa-bench");

const SEED: u64 = 1;
const UNTIL: &str = "2026-11-01";

/// The default of `lupa-bench data`.
const DECLARATIONS_PER_CLIENT: (u64, u64) = (17_000_000, 5_600_000);

/// The population with a number of clients.
pub(crate) fn population(clients: u64) -> Population {
    let until = format!("{UNTIL}T00:00:00Z").parse().expect("an instant");
    let size = PopulationSize { clients, declarations: declarations(clients), seed: SEED, until };
    Population::new(size).expect("a population")
}

pub(crate) fn declarations(clients: u64) -> u64 {
    clients * DECLARATIONS_PER_CLIENT.0 / DECLARATIONS_PER_CLIENT.1
}

/// A store with the population of a number of clients, which must not be written
/// to. Its name contains the parameters and the Git trees of its sources, so that
/// an earlier one is used again unless its mix or its schema was another.
pub(crate) fn store(clients: u64) -> PathBuf {
    let folder = folder();
    fs::create_dir_all(&folder).expect("a folder under target");
    let sources = ["HEAD:crates/bench/src/population", "HEAD:src/store/migrations"];
    let trees = machine::output(&["git", "rev-parse", sources[0], sources[1]]);
    let trees: Vec<&str> = trees.lines().filter_map(|tree| tree.get(..8)).collect();
    let trees = trees.join("-");
    let path = folder.join(format!("{clients}-{}-{SEED}-{UNTIL}-{trees}.sqlite", declarations(clients)));
    if !path.exists() {
        println!("creating {} …", path.display());
        create(&path, clients);
    }
    path
}

/// A copy of that store which may be written to and is removed when dropped.
pub(crate) fn copy(clients: u64) -> Copied {
    let copied = Copied(tempfile::tempdir_in(folder_with(&store(clients))).expect("a folder"));
    fs::copy(store(clients), copied.path()).expect("a copy of the store");
    fs::copy(watermark(&store(clients)), watermark(&copied.path())).expect("a copy of its watermark");
    copied
}

/// The file that belongs to a store and names its last change.
fn watermark(store: &Path) -> PathBuf {
    let mut watermark = store.as_os_str().to_owned();
    watermark.push(".watermark");
    watermark.into()
}

/// A store in a temporary folder of its own.
pub(crate) struct Copied(tempfile::TempDir);

impl Copied {
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("store.sqlite")
    }
}

/// Creates a store and returns the summary of `lupa-bench data`.
pub(crate) fn create(path: &Path, clients: u64) -> serde_json::Value {
    let created = Command::new(LUPA_BENCH)
        .args(["data", "--json", "--store"])
        .arg(path)
        .args(["--clients", &clients.to_string(), "--declarations", &declarations(clients).to_string()])
        .args(["--seed", &SEED.to_string(), "--until", UNTIL])
        .output()
        .expect("lupa-bench data");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    serde_json::from_slice(&created.stdout).expect("JSON")
}

/// The folder of the stores: on a disk, not in memory.
pub(crate) fn folder() -> PathBuf {
    repository().join("target/bench-data")
}

fn folder_with(store: &Path) -> &Path {
    store.parent().expect("a folder")
}
