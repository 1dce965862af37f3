//! Notices a restart, failover or restore of the server, and commits that were lost.
//!
//! A standby that is promoted, or a backup that is restored, may lack commits that were
//! acknowledged. It then runs since another time than the head row names, and mostly on a new timeline
//! (<https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES>) or with
//! another system identifier. Every commit carries a random number, so a process that has seen a commit
//! can check whether exactly that commit is still there.
//!
//! One statement reads the head row, where and since when the server runs, and the commit at the last
//! seen revision; [`HeadProbe::check`] compares them. [`super::epochs`] acts on the result.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::policy::day::Instant;
use crate::store::change::{Epoch, Head, Revision};
use crate::store::group::HeadBefore;
use crate::store::lineage::Lineage;
use crate::store::row::{self, Unreadable};

/// A single statement, so that everything in it is of one snapshot. The three settings are read by
/// [`super::transaction::require_durable`].
macro_rules! probe_head {
    () => {
        "SELECT pg_catalog.pg_is_in_recovery(),
             CASE WHEN pg_catalog.pg_is_in_recovery() THEN ''
                 ELSE substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END,
             (SELECT system_identifier FROM pg_catalog.pg_control_system()),
             (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::int8,
             head.epoch, head.revision, head.recorded_at, head.commit_id, head.system_identifier,
             head.timeline, head.server_started_at, head.max_staleness_ms,
             (SELECT change.commit_id FROM lupa.change WHERE change.revision = $1),
             current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
             current_setting('synchronous_commit') AS synchronous_commit,
             (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::int8 AS clock
         FROM lupa.head"
    };
}

/// Reads the head row without a lock.
pub(super) const PROBE_HEAD: &str = probe_head!();

/// Reads the head row and locks it: no other transaction can commit a change until this one ends.
pub(super) const PROBE_AND_LOCK_HEAD: &str = concat!(probe_head!(), " FOR UPDATE");

/// Reads the server's clock, after the lock was granted.
pub(super) const READ_CLOCK: &str =
    "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::int8";

/// The head of the store, and the server that reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeadProbe {
    is_standby: bool,
    /// Where the server runs now.
    pub(super) running_on: ServerRun,
    /// Where it ran when the epoch started.
    epoch_started_on: ServerRun,
    pub(super) epoch: Epoch,
    pub(super) head: Head,
    pub(super) commit: i64,
    max_staleness_ms: u64,
    /// The number of the commit that is stored at the last seen revision.
    commit_at_last_seen: Option<i64>,
    /// The server's clock while the statement ran; if it waited for the lock, before that.
    pub(super) clock: Instant,
}

/// A run of a database server: a restart, a promotion or a restore is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerRun {
    pub(super) system_identifier: i64,
    /// Of its WAL.
    pub(super) timeline: String,
    /// Microseconds since 1970-01-01T00:00:00Z, by the server's clock.
    pub(super) started_at: i64,
}

/// The last commit of an epoch that this process has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastSeenCommit {
    pub(super) revision: Revision,
    pub(super) commit: i64,
}

/// Result of comparing a probe with what this process saw earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HistoryCheck {
    /// Same epoch on the same run of the server, and the last seen commit is there.
    Intact,
    /// The server was restarted, promoted or restored since the epoch started. A new one must start.
    Moved,
    /// The server did not move as far as it shows, but the last seen commit is missing or was replaced. A
    /// new epoch must start.
    CommitsLost,
    /// Another process has started a new epoch.
    EpochChanged,
    /// The server is a standby, which may lag.
    Standby,
}

impl HeadProbe {
    /// Parses a row of [`PROBE_HEAD`].
    pub(super) fn of(row: &Row) -> Result<Self, Unreadable> {
        let revision: i64 = row.get(5);
        Ok(Self {
            is_standby: row.get(0),
            running_on: ServerRun {
                timeline: row.get(1),
                system_identifier: row.get(2),
                started_at: row.get(3),
            },
            epoch_started_on: ServerRun {
                timeline: row.get(9),
                system_identifier: row.get(8),
                started_at: row.get(10),
            },
            epoch: Epoch(row.get::<_, Uuid>(4)),
            head: Head {
                revision: Revision(revision.cast_unsigned()),
                recorded_at: row::instant(row.get(6))?,
            },
            commit: row.get(7),
            max_staleness_ms: row.get::<_, i64>(11).cast_unsigned(),
            commit_at_last_seen: row.get(12),
            clock: row::instant(row.get("clock"))?,
        })
    }

    /// Compares the probed head with the epoch that this process is in, and with the last commit that it
    /// saw there (`None`: it saw none).
    pub(super) fn check(&self, epoch: Epoch, last_seen: Option<LastSeenCommit>) -> HistoryCheck {
        if self.is_standby {
            HistoryCheck::Standby
        } else if self.running_on != self.epoch_started_on {
            HistoryCheck::Moved
        } else if self.epoch != epoch {
            HistoryCheck::EpochChanged
        } else if last_seen.is_some_and(|seen| !self.has_commit(seen)) {
            HistoryCheck::CommitsLost
        } else {
            HistoryCheck::Intact
        }
    }

    /// Whether the last seen commit, with which the probe was sent, is still there.
    pub(super) fn has_commit(&self, seen: LastSeenCommit) -> bool {
        let is_empty = seen.revision == Revision(0);
        self.head.revision >= seen.revision && (is_empty || self.commit_at_last_seen == Some(seen.commit))
    }

    /// The head as a batch of jobs needs it, with the lineage of the probed epoch.
    pub(super) fn head_before(&self, lineage: Arc<Lineage>) -> HeadBefore {
        HeadBefore { lineage, head: self.head, max_staleness: self.max_staleness() }
    }

    pub(super) fn max_staleness(&self) -> Duration {
        Duration::from_millis(self.max_staleness_ms)
    }

    /// The newest commit, to compare the next probe with.
    pub(super) fn newest_commit(&self) -> LastSeenCommit {
        LastSeenCommit { revision: self.head.revision, commit: self.commit }
    }
}

/// Executes [`PROBE_HEAD`] or [`PROBE_AND_LOCK_HEAD`] for a process with this last seen commit.
pub(super) async fn probe(
    client: &Client,
    statement: &str,
    last_seen: Option<LastSeenCommit>,
) -> Result<Row, tokio_postgres::Error> {
    let revision = last_seen.map_or(0, |seen| seen.revision.0.cast_signed());
    client.query_typed_one(statement, &[typed(&revision, Type::INT8)]).await
}

/// A parameter with its type, which saves the round trip that would prepare the statement.
pub(super) fn typed(value: &(dyn ToSql + Sync), type_: Type) -> (&(dyn ToSql + Sync), Type) {
    (value, type_)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::replica_state::ReplicaState;
    use super::*;
    use crate::store::change::Point;

    fn epoch(number: u128) -> Epoch {
        Epoch(Uuid::from_u128(number))
    }

    /// An epoch, and the one that it continues through a revision.
    fn continuing(number: u128, parent: u128, through: u64) -> Lineage {
        let parent = Point { epoch: epoch(parent), revision: Revision(through) };
        Lineage::of(epoch(number), [(epoch(number), parent)])
    }

    fn run(started_at: i64) -> ServerRun {
        ServerRun { system_identifier: 7, timeline: "1".to_owned(), started_at }
    }

    /// A probe of epoch 1 at revision 5, where commit 33 is stored at revision 3.
    fn probe() -> HeadProbe {
        HeadProbe {
            is_standby: false,
            running_on: run(1),
            epoch_started_on: run(1),
            epoch: epoch(1),
            head: Head { revision: Revision(5), recorded_at: Instant::UNIX_EPOCH },
            commit: 55,
            max_staleness_ms: 0,
            commit_at_last_seen: Some(33),
            clock: Instant::UNIX_EPOCH,
        }
    }

    fn seen(revision: u64, commit: i64) -> Option<LastSeenCommit> {
        Some(LastSeenCommit { revision: Revision(revision), commit })
    }

    #[test]
    fn another_run_of_the_server_is_a_move_whatever_was_seen() {
        let runs = [
            run(2),
            ServerRun { timeline: "2".to_owned(), ..run(1) },
            ServerRun { system_identifier: 8, ..run(1) },
        ];
        for running_on in runs {
            for last_seen in [None, seen(3, 33), seen(3, 34), seen(6, 66)] {
                let moved = HeadProbe { running_on: running_on.clone(), ..probe() };
                assert_eq!(moved.check(epoch(1), last_seen), HistoryCheck::Moved);
            }
        }
    }

    #[test]
    fn the_last_seen_commit_is_checked_on_a_server_that_did_not_move() {
        assert_eq!(probe().check(epoch(1), seen(3, 33)), HistoryCheck::Intact);
        assert_eq!(probe().check(epoch(1), None), HistoryCheck::Intact);
        let replaced = probe().check(epoch(1), seen(3, 34));
        let missing = HeadProbe { commit_at_last_seen: None, ..probe() }.check(epoch(1), seen(3, 33));
        let ends_before = probe().check(epoch(1), seen(6, 33));
        assert_eq!([replaced, missing, ends_before], [HistoryCheck::CommitsLost; 3]);
        // An empty store has no commit to lose.
        let empty = HeadProbe { commit_at_last_seen: None, ..probe() };
        assert_eq!(empty.check(epoch(1), seen(0, 0)), HistoryCheck::Intact);
    }

    #[test]
    fn a_standby_is_reported_first_and_another_epoch_before_a_lost_commit() {
        assert_eq!(probe().check(epoch(2), seen(3, 34)), HistoryCheck::EpochChanged);
        let standby = HeadProbe { is_standby: true, running_on: run(2), ..probe() };
        assert_eq!(standby.check(epoch(2), seen(3, 33)), HistoryCheck::Standby);
    }

    #[test]
    fn the_return_of_a_left_epoch_means_lost_commits() {
        let state = ReplicaState::new(Lineage::of(epoch(1), []));
        state.enter_epoch(&state.get(), continuing(2, 1, 5), &probe());
        assert_eq!(state.observe(&probe(), &state.get()), HistoryCheck::CommitsLost);
        let never_seen = HeadProbe { epoch: epoch(3), ..probe() };
        assert_eq!(state.observe(&never_seen, &state.get()), HistoryCheck::EpochChanged);
    }

    #[test]
    fn an_old_probe_does_not_move_the_state_back() {
        let state = ReplicaState::new(Lineage::of(epoch(1), []));
        let before = state.get();
        state.enter_epoch(&before, continuing(2, 1, 5), &probe());
        state.enter_epoch(&before, continuing(3, 1, 5), &probe());
        assert_eq!(state.observe(&probe(), &before), HistoryCheck::Intact);
        let now = state.get();
        assert_eq!((now.lineage.epoch(), now.last_seen), (epoch(2), None));
    }

    /// What is lost on the way into an epoch that continues epoch 1 through revision 3, for a process that
    /// saw a commit, when `at_last_seen` is stored there now.
    fn lost(last_seen: Option<LastSeenCommit>, through: u64, at_last_seen: Option<i64>) -> u64 {
        let state = ReplicaState::new(Lineage::of(epoch(1), []));
        if let Some(seen) = last_seen {
            state.record_commit(epoch(1), seen);
        }
        let found = HeadProbe { epoch: epoch(2), commit_at_last_seen: at_last_seen, ..probe() };
        state.enter_epoch(&state.get(), continuing(2, 1, through), &found);
        assert_eq!(state.get().lineage.epoch(), epoch(2));
        state.lost_revisions().load(std::sync::atomic::Ordering::Relaxed)
    }

    #[test]
    fn revisions_above_the_continued_one_are_lost_to_those_that_saw_them() {
        assert_eq!(lost(seen(3, 33), 3, Some(33)), 0);
        assert_eq!(lost(seen(4, 44), 3, Some(99)), 1);
        assert_eq!(lost(seen(9, 44), 3, None), 6);
        assert_eq!(lost(None, 3, None), 0);
        // Nothing is proven, and the head of the store is at revision 5.
        assert_eq!(lost(seen(4, 44), 0, Some(44)), 0);
        assert_eq!(lost(seen(4, 44), 0, Some(99)), 1);
        assert_eq!(lost(seen(9, 44), 0, None), 4);
    }

    #[test]
    fn a_lineage_that_claims_a_replaced_commit_is_contradicted() {
        let state = ReplicaState::new(Lineage::of(epoch(1), []));
        state.record_commit(epoch(1), LastSeenCommit { revision: Revision(3), commit: 34 });
        assert!(state.get().contradicts(&continuing(2, 1, 3), &probe()));
        assert!(!state.get().contradicts(&continuing(2, 1, 2), &probe()));
    }
}
