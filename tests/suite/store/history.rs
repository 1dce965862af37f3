//! Consistency under faults: three replicas of Lupa share one PostgreSQL, each behind a
//! link that fails, while clients write and read. Every response is recorded, and the
//! history is checked afterwards: that no acknowledged write is lost, that each decision
//! is linearizable with respect to its token, that staleness is bounded, and that the
//! reads of one replica are monotonic.
//!
//! `LUPA_TEST_HISTORIES=200 cargo test --test suite store::history` runs longer.

mod checker;
mod failover;
mod faults;
pub(super) mod log;
mod replica;
mod workers;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::generator::rng::Rng;
use crate::fixtures::postgres::Cluster;
use faults::Fault;
use log::Promised;
use workers::Workers;
use world::World;

const HISTORIES: u64 = 20;

/// Number of histories that run concurrently, each on a PostgreSQL server of its own.
const LANES: u64 = 2;

/// Staleness bound of the replicas.
const MAX_STALENESS: Duration = Duration::from_millis(1_000);

/// Number of faults in one history, one after the other.
const FAULTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_history_is_linearizable_and_durable() {
    let histories = std::env::var("LUPA_TEST_HISTORIES").map_or(HISTORIES, |count| count.parse().unwrap());
    let first = std::env::var("LUPA_TEST_HISTORY").map_or(0, |number| number.parse().unwrap());
    let lanes = (0..LANES).map(|lane| {
        let numbers = (first..first + histories).skip(usize::try_from(lane).unwrap()).step_by(LANES as usize);
        tokio::spawn(run_all(numbers.collect()))
    });
    let mut counts = BTreeMap::new();
    for lane in lanes.collect::<Vec<_>>() {
        for (what, count) in lane.await.unwrap() {
            *counts.entry(what).or_default() += count;
        }
    }
    let counts: Vec<String> =
        counts.iter().map(|(what, count): (&String, &usize)| format!("{what} {count}")).collect();
    println!("{histories} histories: {}", counts.join(", "));
}

/// Runs these histories and counts the events of all of them.
async fn run_all(numbers: Vec<u64>) -> BTreeMap<String, usize> {
    let mut cluster = tokio::task::block_in_place(|| Cluster::start(&[]));
    let mut counts = BTreeMap::new();
    for number in numbers {
        for what in run(number, &mut cluster).await {
            *counts.entry(what.0).or_default() += what.1;
        }
    }
    counts
}

/// Runs one history and counts its events.
async fn run(number: u64, cluster: &mut Cluster) -> Vec<(String, usize)> {
    let mut rng = Rng::new(number);
    // Every fourth behind a pooler in transaction mode.
    let mut world = World::start(cluster, number % 4 == 3).await;
    let workers = Workers::start(&world.channels(), number, MAX_STALENESS).await;
    let mut faults = Vec::new();
    for _ in 0..FAULTS {
        // A pause without a fault, or hardly any.
        let pause = rng.pick(&[50, 300, 800]);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let fault = Fault::any(&mut rng);
        faults.push(fault);
        world.strike(fault, &mut rng).await;
    }
    let log = workers.finish(&world.channels()).await;
    let tables = world.end().await;
    let are_clocks_right = !faults.iter().any(|fault| matches!(fault, Fault::StepClock(_)));
    let promised = Promised { max_staleness: MAX_STALENESS, are_clocks_right };
    let found = checker::faults(&log, promised, &tables);
    let mut kinds: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for fault in &found {
        kinds.entry(fault.split(':').next().unwrap()).or_default().push(fault);
    }
    assert!(
        found.is_empty(),
        "history {number} with {faults:?}: {} violations; the number of each kind and its first: {:#?}",
        found.len(),
        kinds.values().map(|alike| (alike.len(), alike[0])).take(10).collect::<Vec<_>>()
    );
    let mut counts = log.counts();
    counts.extend(faults.iter().map(|fault| (fault.name(), 1)));
    counts
}
