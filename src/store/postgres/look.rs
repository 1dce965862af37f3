//! Whether the history of a server is still the one that is known.
//!
//! A server that is promoted in place of another, or restored from a backup,
//! may lack commits that were acknowledged. It has then a new timeline
//! (<https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES>),
//! or another system identifier, than those on which it was last known that
//! nothing is lost. Whoever has seen a commit there can tell: it is there, or
//! another is in its place, because each commit has a number drawn for it. Who
//! finds that commits are lost begins a new epoch.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::store::change::{Epoch, Head, Revision};
use crate::store::group::Before;
use crate::store::row::{self, Unreadable};

/// One statement, so all of it is of one moment.
macro_rules! look {
    () => {
        "SELECT pg_catalog.pg_is_in_recovery(),
             CASE WHEN pg_catalog.pg_is_in_recovery() THEN ''
                 ELSE substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END,
             (SELECT system_identifier FROM pg_catalog.pg_control_system()),
             head.epoch, head.revision, head.recorded_at, head.commit_id, head.system_identifier,
             head.timeline, head.max_staleness_ms,
             (SELECT change.commit_id FROM lupa.change WHERE change.revision = $1)
         FROM lupa.head"
    };
}

/// Looks at the head.
pub(super) const LOOK: &str = look!();

/// The same, and keeps others from committing until the transaction ends.
pub(super) const LOOK_AND_LOCK: &str = concat!(look!(), " FOR UPDATE");

/// What a look finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    is_standby: bool,
    pub(super) here: Home,
    settled: Home,
    pub(super) epoch: Epoch,
    pub(super) head: Head,
    pub(super) commit: i64,
    max_staleness_ms: u64,
    /// The commit at the revision of the one that is known.
    commit_at_known: Option<i64>,
}

/// A server on a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) system_identifier: i64,
    pub(super) timeline: String,
}

/// The last commit that is known of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) revision: Revision,
    pub(super) commit: i64,
}

/// What a look amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// All that is known is there.
    Whole,
    /// All that is known is there, on a server that was promoted or restored:
    /// that is to be noted.
    Moved,
    /// Promoted or restored, and nothing is known of what it had.
    Unsettled,
    /// What is known is not there: a new epoch is to be begun.
    Lost,
    /// Another has begun a new epoch.
    OtherEpoch,
    /// The server is a standby, which may lag.
    Standby,
}

impl Look {
    /// As a row of [`LOOK`] tells.
    pub(super) fn of(row: &Row) -> Result<Self, Unreadable> {
        let revision: i64 = row.get(4);
        Ok(Self {
            is_standby: row.get(0),
            here: Home { timeline: row.get(1), system_identifier: row.get(2) },
            settled: Home { timeline: row.get(8), system_identifier: row.get(7) },
            epoch: Epoch(row.get::<_, Uuid>(3)),
            head: Head {
                revision: Revision(revision.cast_unsigned()),
                recorded_at: row::instant(row.get(5))?,
            },
            commit: row.get(6),
            max_staleness_ms: row.get::<_, i64>(9).cast_unsigned(),
            commit_at_known: row.get(10),
        })
    }

    /// What it amounts to for whoever knows the last commit of an epoch; none =
    /// nothing was known of it before.
    pub(super) fn judge(&self, epoch: Epoch, known: Option<Known>) -> Judged {
        let has_moved = self.here != self.settled;
        match known {
            _ if self.is_standby => Judged::Standby,
            _ if self.epoch != epoch => Judged::OtherEpoch,
            None if has_moved => Judged::Unsettled,
            None => Judged::Whole,
            Some(known) if !self.has(known) => Judged::Lost,
            Some(_) if has_moved => Judged::Moved,
            Some(_) => Judged::Whole,
        }
    }

    fn has(&self, known: Known) -> bool {
        let is_empty = known.revision == Revision(0);
        self.head.revision >= known.revision && (is_empty || self.commit_at_known == Some(known.commit))
    }

    /// What a group begins with.
    pub(super) fn before(&self) -> Before {
        let max_staleness = Duration::from_millis(self.max_staleness_ms);
        Before { epoch: self.epoch, head: self.head, max_staleness }
    }

    /// The last commit, for the next look.
    pub(super) fn known(&self) -> Known {
        Known { revision: self.head.revision, commit: self.commit }
    }
}

/// Looks, by [`LOOK`] or [`LOOK_AND_LOCK`], for whoever knows a commit.
pub(super) async fn ask(
    client: &Client,
    look: &str,
    known: Option<Known>,
) -> Result<Row, tokio_postgres::Error> {
    let revision = known.map_or(0, |known| known.revision.0.cast_signed());
    client.query_typed_one(look, &[typed(&revision, Type::INT8)]).await
}

/// A parameter with its type.
pub(super) fn typed(value: &(dyn ToSql + Sync), type_: Type) -> (&(dyn ToSql + Sync), Type) {
    (value, type_)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::state::State;
    use super::*;
    use crate::policy::day::Instant;

    const EPOCH: Epoch = Epoch(Uuid::nil());

    fn home(timeline: &str) -> Home {
        Home { system_identifier: 7, timeline: timeline.to_owned() }
    }

    /// A server at revision 5, where the commit at revision 3 was 33.
    fn look(timeline: &str) -> Look {
        Look {
            is_standby: false,
            here: home(timeline),
            settled: home("1"),
            epoch: EPOCH,
            head: Head { revision: Revision(5), recorded_at: Instant::UNIX_EPOCH },
            commit: 55,
            max_staleness_ms: 0,
            commit_at_known: Some(33),
        }
    }

    fn known(revision: u64, commit: i64) -> Option<Known> {
        Some(Known { revision: Revision(revision), commit })
    }

    #[test]
    fn what_is_known_is_looked_for_wherever_the_server_is() {
        assert_eq!(look("1").judge(EPOCH, known(3, 33)), Judged::Whole);
        assert_eq!(look("2").judge(EPOCH, known(3, 33)), Judged::Moved);
        for timeline in ["1", "2"] {
            let another_in_its_place = look(timeline).judge(EPOCH, known(3, 34));
            let none_in_its_place =
                Look { commit_at_known: None, ..look(timeline) }.judge(EPOCH, known(3, 33));
            let ends_before = look(timeline).judge(EPOCH, known(6, 33));
            assert_eq!([another_in_its_place, none_in_its_place, ends_before], [Judged::Lost; 3]);
        }
    }

    #[test]
    fn nothing_known_is_nothing_lost_unless_the_server_has_moved() {
        assert_eq!(look("1").judge(EPOCH, None), Judged::Whole);
        assert_eq!(look("2").judge(EPOCH, None), Judged::Unsettled);
        let other_server = Look { here: Home { system_identifier: 8, ..home("1") }, ..look("1") };
        assert_eq!(other_server.judge(EPOCH, None), Judged::Unsettled);
        // An empty store has nothing to lose, but it is known to have been empty.
        assert_eq!(Look { commit_at_known: None, ..look("2") }.judge(EPOCH, known(0, 0)), Judged::Moved);
    }

    #[test]
    fn another_epoch_and_a_standby_come_first() {
        let other = Epoch(Uuid::max());
        assert_eq!(look("2").judge(other, known(3, 34)), Judged::OtherEpoch);
        let standby = Look { is_standby: true, ..look("1") };
        assert_eq!(standby.judge(other, known(3, 33)), Judged::Standby);
    }

    #[test]
    fn an_epoch_that_was_left_and_is_there_again_has_lost_what_came_after_it() {
        let state = State::new(EPOCH);
        let (entered, next) = (Epoch(Uuid::max()), Epoch(Uuid::from_u128(2)));
        state.enter(EPOCH, entered);
        assert_eq!(state.take(&look("1"), state.get()), Judged::Lost);
        assert_eq!(state.get().epoch, entered);
        let never_seen = Look { epoch: next, ..look("1") };
        assert_eq!(state.take(&never_seen, state.get()), Judged::OtherEpoch);
        assert_eq!(state.get().epoch, next);
    }

    #[test]
    fn who_looked_before_others_went_on_does_not_go_back() {
        let state = State::new(EPOCH);
        let (entered, next) = (Epoch(Uuid::max()), Epoch(Uuid::from_u128(2)));
        let before = state.get();
        state.enter(EPOCH, entered);
        state.enter(entered, next);
        assert_eq!(state.take(&Look { epoch: entered, ..look("1") }, before), Judged::Lost);
        assert_eq!(state.take(&look("1"), before), Judged::Whole);
        assert_eq!((state.get().epoch, state.get().known), (next, None));
    }
}
