//! The time of a recording on PostgreSQL is the database's, and a process whose own clock differs records nothing.

use std::time::Duration;

use lupa::clock;
use lupa::policy::day::Instant;
use lupa::store::{AppendError, Store, StoreOptions};

use super::fixture::*;
use crate::fixtures::postgres::{self, Cluster, postgres_options};

fn connect(url: &str, clock: fn() -> Instant, clock_difference_max: Duration) -> Store {
    let options = StoreOptions { clock, clock_difference_max, ..options() };
    Store::connect(&postgres_options(url), options).unwrap()
}

/// The clock of the database, in microseconds.
async fn clock_of(client: &tokio_postgres::Client) -> i64 {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recording_time_is_the_clock_of_the_database() {
    let url = Cluster::shared().database();
    let operator = postgres::connect(&url).await;
    // The limit is off: nothing of this process's clock is written down all the same.
    let store = connect(&url, || Instant::UNIX_EPOCH, Duration::MAX);
    let before = clock_of(&operator).await;
    let recorded_at = append(&store, declare(client(), "denied", denial())).await.recorded_at;
    let recorded_at = recorded_at.timestamp_micros();
    assert!((before..=clock_of(&operator).await).contains(&recorded_at), "{recorded_at}");

    // It never goes back.
    let ahead = at(recorded_at + 3_600_000_000);
    let sql = "UPDATE lupa.head SET recorded_at = $1";
    operator.execute(sql, &[&ahead.timestamp_micros()]).await.unwrap();
    assert_eq!(append(&store, declare(client(), "later", denial())).await.recorded_at, ahead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_with_another_clock_records_nothing() {
    let url = Cluster::shared().database();
    let limit = Duration::from_secs(5);
    let right = connect(&url, clock::now, limit);
    append(&right, declare(client(), "first", denial())).await;
    right.clock().now().unwrap();
    let postgres = lupa::store::PostgresOptions { write_timeout: limit, ..postgres_options(&url) };
    for (name, clock) in [
        ("ahead", (|| clock::now() + chrono::TimeDelta::days(1)) as fn() -> Instant),
        ("behind", || clock::now() - chrono::TimeDelta::days(1)),
    ] {
        let options = StoreOptions { clock, clock_difference_max: limit, ..options() };
        let wrong = Store::connect(&postgres, options).unwrap();
        let refused = wrong.append(declare(client(), name, denial())).await;
        let Err(AppendError::Store(error)) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains("the clock of this machine is 86400"), "{error}");
        assert!(wrong.clock().now().is_err());
        assert!(!wrong.clock().confirm(), "it is not for this process to say");
    }
    assert_eq!(load(&right).len(), 1);
}
