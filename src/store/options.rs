//! Options that both backends share.

use std::time::Duration;

use crate::policy::day::Instant;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// The wall clock of this machine. SQLite records changes by it, PostgreSQL by the clock of the database.
    pub clock: fn() -> Instant,
    /// Maximum difference between the wall clock and what it is compared with, see [`crate::clock::CheckedClock`].
    pub clock_difference_max: Duration,
    /// Maximum number of jobs that wait for the writer; at least 1. Further ones are refused as
    /// overloaded.
    pub queue_length_max: usize,
    /// Maximum number of jobs in one transaction (group commit); at least 1.
    pub group_commit_max: usize,
    /// A larger SQLite file is not checked as a whole when it is opened; every row is checked when it
    /// is read.
    pub check_whole_bytes_max: u64,
    /// Maximum number of histories that are read at the same time; at least 1.
    pub read_connections_max: usize,
    /// Staleness bound of this process: how long after its last freshness proof it still decides. The
    /// store keeps the largest bound of all processes that share it.
    pub max_staleness: Duration,
    /// Whether the files of an SQLite store and their folder may be writable by other users.
    pub allow_writable_by_others: bool,
}
