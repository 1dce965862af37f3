//! Histories: replicas of Lupa on one PostgreSQL, each behind a link that
//! fails, while people declare and systems ask. Every answer is checked
//! afterwards: by what was stored at its revision, by its token, by how old it
//! may be, by what the same replica had answered before.
//!
//! `LUPA_TEST_HISTORIES=200 cargo test --test suite store::history` runs longer.

mod checker;
mod failover;
mod faults;
mod log;
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

/// How many run at one time, each on a server of its own.
const LANES: u64 = 2;

/// How long a replica may answer without proof that it knows everything.
const MAX_STALENESS: Duration = Duration::from_millis(1_000);

/// How many faults follow each other in one.
const FAULTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_of_every_history_is_right() {
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

/// What happened in all of them, counted.
async fn run_all(numbers: Vec<u64>) -> BTreeMap<String, usize> {
    let cluster = tokio::task::block_in_place(|| Cluster::start(&[]));
    let mut counts = BTreeMap::new();
    for number in numbers {
        for what in run(number, &cluster).await {
            *counts.entry(what.0).or_default() += what.1;
        }
    }
    counts
}

/// One history, and what happened in it.
async fn run(number: u64, cluster: &Cluster) -> Vec<(String, usize)> {
    let mut rng = Rng::new(number);
    let mut world = World::start(cluster).await;
    let workers = Workers::start(&world.channels(), number, MAX_STALENESS).await;
    let mut faults = Vec::new();
    for _ in 0..FAULTS {
        // Between two faults all is well for a moment, or for hardly any.
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
        "history {number} with {faults:?}: {} violations; of each kind how many, and the first: {:#?}",
        found.len(),
        kinds.values().map(|alike| (alike.len(), alike[0])).take(10).collect::<Vec<_>>()
    );
    let mut counts = log.counts();
    counts.extend(faults.iter().map(|fault| (fault.name(), 1)));
    counts
}
