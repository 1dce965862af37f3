//! Detects a failover or a restore, and whether it lost acknowledged commits.
//!
//! A standby that is promoted, or a backup that is restored, may lack commits that were
//! acknowledged. It then runs on a new timeline
//! (<https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES>) or has
//! another system identifier than the head row names. Every commit carries a random number, so a
//! process that has seen a commit can check whether exactly that commit is still there.
//!
//! One statement reads the head row, the server's timeline and the commit at the last seen
//! revision; [`HeadProbe::check`] compares them. [`super::failover`] acts on the result.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::store::change::{Epoch, Head, Revision};
use crate::store::group::HeadBefore;
use crate::store::row::{self, Unreadable};

/// A single statement, so that everything in it is of one snapshot. The last three columns are read by
/// [`super::transaction::require_durable`].
macro_rules! probe_head {
    () => {
        "SELECT pg_catalog.pg_is_in_recovery(),
             CASE WHEN pg_catalog.pg_is_in_recovery() THEN ''
                 ELSE substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END,
             (SELECT system_identifier FROM pg_catalog.pg_control_system()),
             head.epoch, head.revision, head.recorded_at, head.commit_id, head.system_identifier,
             head.timeline, head.max_staleness_ms,
             (SELECT change.commit_id FROM lupa.change WHERE change.revision = $1),
             current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
             current_setting('synchronous_commit') AS synchronous_commit
         FROM lupa.head"
    };
}

/// Reads the head row without a lock.
pub(super) const PROBE_HEAD: &str = probe_head!();

/// Reads the head row and locks it: no other transaction can commit a change until this one ends.
pub(super) const PROBE_AND_LOCK_HEAD: &str = concat!(probe_head!(), " FOR UPDATE");

/// The head of the store, and the server that reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeadProbe {
    is_standby: bool,
    /// Where the server runs now.
    pub(super) running_on: ServerTimeline,
    /// Where the head row was last verified to hold every acknowledged commit.
    verified_on: ServerTimeline,
    pub(super) epoch: Epoch,
    pub(super) head: Head,
    pub(super) commit: i64,
    max_staleness_ms: u64,
    /// The number of the commit that is stored at the last seen revision.
    commit_at_last_seen: Option<i64>,
}

/// A database cluster and the timeline of its WAL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerTimeline {
    pub(super) system_identifier: i64,
    pub(super) timeline: String,
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
    /// Same server and timeline, and the last seen commit is there.
    Intact,
    /// After a failover or restore, the last seen commit is there. The new timeline must be written
    /// to the head row.
    MovedIntact,
    /// After a failover or restore, this process has seen no commit that it could compare.
    Unverified,
    /// The last seen commit is missing or was replaced. A new epoch must be started.
    CommitsLost,
    /// Another process has started a new epoch.
    EpochChanged,
    /// The server is a standby, which may lag.
    Standby,
}

impl HeadProbe {
    /// Parses a row of [`PROBE_HEAD`].
    pub(super) fn of(row: &Row) -> Result<Self, Unreadable> {
        let revision: i64 = row.get(4);
        Ok(Self {
            is_standby: row.get(0),
            running_on: ServerTimeline { timeline: row.get(1), system_identifier: row.get(2) },
            verified_on: ServerTimeline { timeline: row.get(8), system_identifier: row.get(7) },
            epoch: Epoch(row.get::<_, Uuid>(3)),
            head: Head {
                revision: Revision(revision.cast_unsigned()),
                recorded_at: row::instant(row.get(5))?,
            },
            commit: row.get(6),
            max_staleness_ms: row.get::<_, i64>(9).cast_unsigned(),
            commit_at_last_seen: row.get(10),
        })
    }

    /// Compares the probed head with the last commit that this process saw in an epoch (`None`: it
    /// saw none).
    pub(super) fn check(&self, epoch: Epoch, last_seen: Option<LastSeenCommit>) -> HistoryCheck {
        let has_moved = self.running_on != self.verified_on;
        match last_seen {
            _ if self.is_standby => HistoryCheck::Standby,
            _ if self.epoch != epoch => HistoryCheck::EpochChanged,
            None if has_moved => HistoryCheck::Unverified,
            None => HistoryCheck::Intact,
            Some(commit) if !self.contains(commit) => HistoryCheck::CommitsLost,
            Some(_) if has_moved => HistoryCheck::MovedIntact,
            Some(_) => HistoryCheck::Intact,
        }
    }

    fn contains(&self, seen: LastSeenCommit) -> bool {
        let is_empty = seen.revision == Revision(0);
        self.head.revision >= seen.revision && (is_empty || self.commit_at_last_seen == Some(seen.commit))
    }

    /// The head as a batch of jobs needs it.
    pub(super) fn head_before(&self) -> HeadBefore {
        let max_staleness = Duration::from_millis(self.max_staleness_ms);
        HeadBefore { epoch: self.epoch, head: self.head, max_staleness }
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
    use crate::policy::day::Instant;

    const EPOCH: Epoch = Epoch(Uuid::nil());

    fn timeline(timeline: &str) -> ServerTimeline {
        ServerTimeline { system_identifier: 7, timeline: timeline.to_owned() }
    }

    /// A probe of a server at revision 5, where commit 33 is stored at revision 3.
    fn probe_on(name: &str) -> HeadProbe {
        HeadProbe {
            is_standby: false,
            running_on: timeline(name),
            verified_on: timeline("1"),
            epoch: EPOCH,
            head: Head { revision: Revision(5), recorded_at: Instant::UNIX_EPOCH },
            commit: 55,
            max_staleness_ms: 0,
            commit_at_last_seen: Some(33),
        }
    }

    fn seen(revision: u64, commit: i64) -> Option<LastSeenCommit> {
        Some(LastSeenCommit { revision: Revision(revision), commit })
    }

    #[test]
    fn the_last_seen_commit_is_checked_on_every_timeline() {
        assert_eq!(probe_on("1").check(EPOCH, seen(3, 33)), HistoryCheck::Intact);
        assert_eq!(probe_on("2").check(EPOCH, seen(3, 33)), HistoryCheck::MovedIntact);
        for name in ["1", "2"] {
            let replaced = probe_on(name).check(EPOCH, seen(3, 34));
            let missing = HeadProbe { commit_at_last_seen: None, ..probe_on(name) }.check(EPOCH, seen(3, 33));
            let ends_before = probe_on(name).check(EPOCH, seen(6, 33));
            assert_eq!([replaced, missing, ends_before], [HistoryCheck::CommitsLost; 3]);
        }
    }

    #[test]
    fn without_a_seen_commit_only_an_unmoved_server_is_intact() {
        assert_eq!(probe_on("1").check(EPOCH, None), HistoryCheck::Intact);
        assert_eq!(probe_on("2").check(EPOCH, None), HistoryCheck::Unverified);
        let other_server = HeadProbe {
            running_on: ServerTimeline { system_identifier: 8, ..timeline("1") },
            ..probe_on("1")
        };
        assert_eq!(other_server.check(EPOCH, None), HistoryCheck::Unverified);
        // An empty store has no commit to lose, and this process has seen that it was empty.
        let empty = HeadProbe { commit_at_last_seen: None, ..probe_on("2") };
        assert_eq!(empty.check(EPOCH, seen(0, 0)), HistoryCheck::MovedIntact);
    }

    #[test]
    fn a_standby_and_another_epoch_are_reported_first() {
        let other = Epoch(Uuid::max());
        assert_eq!(probe_on("2").check(other, seen(3, 34)), HistoryCheck::EpochChanged);
        let standby = HeadProbe { is_standby: true, ..probe_on("1") };
        assert_eq!(standby.check(other, seen(3, 33)), HistoryCheck::Standby);
    }

    #[test]
    fn the_return_of_a_left_epoch_means_lost_commits() {
        let state = ReplicaState::new(EPOCH);
        let (entered, next) = (Epoch(Uuid::max()), Epoch(Uuid::from_u128(2)));
        state.enter_epoch(EPOCH, entered);
        assert_eq!(state.observe(&probe_on("1"), state.get()), HistoryCheck::CommitsLost);
        assert_eq!(state.get().epoch, entered);
        let never_seen = HeadProbe { epoch: next, ..probe_on("1") };
        assert_eq!(state.observe(&never_seen, state.get()), HistoryCheck::EpochChanged);
        assert_eq!(state.get().epoch, next);
    }

    #[test]
    fn an_old_probe_does_not_move_the_state_back() {
        let state = ReplicaState::new(EPOCH);
        let (entered, next) = (Epoch(Uuid::max()), Epoch(Uuid::from_u128(2)));
        let before = state.get();
        state.enter_epoch(EPOCH, entered);
        state.enter_epoch(entered, next);
        let old_probe = HeadProbe { epoch: entered, ..probe_on("1") };
        assert_eq!(state.observe(&old_probe, before), HistoryCheck::CommitsLost);
        assert_eq!(state.observe(&probe_on("1"), before), HistoryCheck::Intact);
        assert_eq!((state.get().epoch, state.get().last_seen), (next, None));
    }
}
