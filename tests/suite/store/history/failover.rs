//! Real failovers: Lupa on the cluster of `deploy/ha`, whose primary is killed
//! repeatedly. `deploy/ha/drill` runs this.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use tempfile::TempDir;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::checker;
use super::log::{Log, Promised};
use super::replica::{channel, command};
use super::workers::Workers;
use super::world::table;
use crate::fixtures::ports::free_port;
use crate::fixtures::process::Process;

const REPLICAS: usize = 3;

/// Three nodes of etcd, Patroni and PostgreSQL. Stopped when this is dropped.
struct Nodes {
    folder: PathBuf,
    url: String,
    password_file: String,
    /// Keeps the folder until the nodes are stopped.
    _parent: TempDir,
}

impl Nodes {
    fn start() -> Self {
        let parent = tempfile::Builder::new().prefix("lupa-ha").tempdir().unwrap();
        // The user `postgres` needs access.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(parent.path(), open).unwrap();
        let folder = parent.path().join("nodes");
        let told = cluster("start", &folder, &[]);
        let mut lines = told.lines().map(str::to_owned);
        let (url, password_file) = (lines.next().unwrap(), lines.next().unwrap());
        Self { folder, url, password_file, _parent: parent }
    }

    /// Connects directly to PostgreSQL, not through Lupa.
    fn url_with_password(&self) -> String {
        let password = fs::read_to_string(&self.password_file).unwrap();
        self.url.replacen("lupa@", &format!("lupa:{}@", password.trim()), 1)
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        cluster("stop", &self.folder, &[]);
    }
}

/// Runs `deploy/ha/cluster COMMAND FOLDER …` and returns its output.
fn cluster(command: &str, folder: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ha/cluster");
    let output =
        Command::new(script).arg(command).arg(folder).args(arguments).stderr(Stdio::inherit()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "deploy/ha/cluster {command}");
    String::from_utf8(output.stdout).unwrap()
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |number| number.parse().unwrap())
}

#[ignore = "takes ten minutes, needs Patroni: deploy/ha/drill"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failover_loses_an_acknowledged_write() {
    let failovers = number("LUPA_TEST_FAILOVERS", 10);
    let max_staleness = Duration::from_millis(number("LUPA_TEST_STALENESS_MS", 60_000));
    let nodes = block_in_place(Nodes::start);
    let addresses = [(); REPLICAS].map(|()| free_port());
    let replicas = addresses.map(|address| {
        let mut command = command(&nodes.url, address, max_staleness);
        command.env("LUPA_STORE__PASSWORD_FILE", &nodes.password_file);
        Process::start(command).expect("it listens")
    });
    let channels = addresses.map(channel);
    let workers = Workers::start(&channels, 0, max_staleness).await;
    let mut recoveries = Vec::new();
    for failover in 1..=failovers {
        sleep(Duration::from_secs(3)).await;
        let lost = block_in_place(|| cluster("kill-primary", &nodes.folder, &[]));
        let lost_at = Instant::now();
        let recovery = loop {
            sleep(Duration::from_millis(50)).await;
            // Acknowledgements of the old primary may still be on their way.
            if let Some(at) = workers.first_done_after(lost_at + Duration::from_millis(500)) {
                break at - lost_at;
            }
        };
        println!(
            "failover {failover}: {} killed, the next acknowledgement after {recovery:.1?}",
            lost.trim()
        );
        recoveries.push(recovery);
        block_in_place(|| {
            cluster("revive", &nodes.folder, &[lost.trim()]);
            cluster("wait", &nodes.folder, &["180"]);
        });
    }
    let log = workers.finish(&channels).await;
    drop(replicas);
    let stored = table(&nodes.url_with_password()).await;
    let rows = stored.rows.len();
    let found = checker::faults(&log, Promised { max_staleness, are_clocks_right: true }, &[stored]);
    recoveries.sort();
    println!(
        "{failovers} failovers: {} acknowledged, {rows} rows, {} decisions; back after {:.1?} to {:.1?}, \
         median {:.1?}; the longest that a replica decided nothing: {:.1?}",
        log.acknowledged.len(),
        log.answered.len(),
        recoveries[0],
        recoveries[recoveries.len() - 1],
        recoveries[recoveries.len() / 2],
        longest_silence(&log),
    );
    assert!(found.is_empty(), "{} violations, the first: {:#?}", found.len(), &found[..found.len().min(10)]);
}

/// The longest time between two consecutive decisions of one replica.
fn longest_silence(log: &Log) -> Duration {
    let silences = (0..REPLICAS).flat_map(|replica| {
        let of_it = log.answered.iter().filter(move |answered| answered.replica == replica);
        let mut times: Vec<Instant> = of_it.map(|answered| answered.answered_at).collect();
        times.sort();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
    });
    silences.max().unwrap_or_default()
}
