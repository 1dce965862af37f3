//! Stores of synthetic populations, made once and used again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lupa::population::{Population, PopulationSize};

use crate::child::LUPA;
use crate::machine;

const SEED: u64 = 1;
const UNTIL: &str = "2026-11-01";

/// As `lupa bench-data` makes it unless told otherwise.
const DECLARATIONS_PER_CLIENT: (u64, u64) = (17_000_000, 5_600_000);

/// The population of so many clients.
pub(crate) fn population(clients: u64) -> Population {
    let until = format!("{UNTIL}T00:00:00Z").parse().expect("an instant");
    let size = PopulationSize { clients, declarations: declarations(clients), seed: SEED, until };
    Population::new(size).expect("a population")
}

pub(crate) fn declarations(clients: u64) -> u64 {
    clients * DECLARATIONS_PER_CLIENT.0 / DECLARATIONS_PER_CLIENT.1
}

/// A store with the population of so many clients, not to be written to. The
/// name tells the parameters and what made it, so that one that was made before
/// is found, and not one of another mix or another schema.
pub(crate) fn store(clients: u64) -> PathBuf {
    let folder = folder();
    fs::create_dir_all(&folder).expect("a folder under target");
    let maker = machine::told(&["git", "rev-parse", "HEAD:src/population", "HEAD:src/store/migrations"]);
    let maker: Vec<&str> = maker.lines().filter_map(|tree| tree.get(..8)).collect();
    let maker = maker.join("-");
    let path = folder.join(format!("{clients}-{}-{SEED}-{UNTIL}-{maker}.sqlite", declarations(clients)));
    if !path.exists() {
        println!("making {} …", path.display());
        make(&path, clients);
    }
    path
}

/// A copy of it to write to; gone when this is dropped.
pub(crate) fn copy(clients: u64) -> Copied {
    let copied = Copied(tempfile::tempdir_in(folder_with(&store(clients))).expect("a folder"));
    fs::copy(store(clients), copied.path()).expect("a copy of the store");
    copied
}

/// A store in a folder that goes with it.
pub(crate) struct Copied(tempfile::TempDir);

impl Copied {
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("store.sqlite")
    }
}

/// Makes a store, and gives what `lupa bench-data` told of it.
pub(crate) fn make(path: &Path, clients: u64) -> serde_json::Value {
    let made = Command::new(LUPA)
        .args(["bench-data", "--json", "--store"])
        .arg(path)
        .args(["--clients", &clients.to_string(), "--declarations", &declarations(clients).to_string()])
        .args(["--seed", &SEED.to_string(), "--until", UNTIL])
        .output()
        .expect("lupa bench-data");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    serde_json::from_slice(&made.stdout).expect("JSON")
}

/// Where stores are made: on a disk, not in memory.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-data")
}

fn folder_with(store: &Path) -> &Path {
    store.parent().expect("a folder")
}
