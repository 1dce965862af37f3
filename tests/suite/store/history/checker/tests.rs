//! Positive controls: the checker finds each kind of violation.

use chrono::{DateTime, Utc};
use std::time::{Duration, Instant};

use lupa::clock;
use lupa::store::{Epoch, Point, Revision};
use uuid::Uuid;

use super::faults;
use crate::store::history::log::{
    Acknowledged, Action, Answered, Log, Operation, Promised, Row, Table, Watched,
};

const OLD: Epoch = Epoch(Uuid::from_u128(1));
const NEW: Epoch = Epoch(Uuid::from_u128(2));

const PROMISED: Promised = Promised { max_staleness: Duration::from_millis(1_000), are_clocks_right: true };

fn table(epoch: Epoch, keys: &[&str]) -> Table {
    let directory = Row { revision: 1, code: None, operation: None };
    // Everything is about one declaration.
    let row = |(revision, key): (u64, &&str)| {
        let (key, declaration_id) = ((*key).to_owned(), "id".to_owned());
        let operation = Operation { key, declaration_id, first_revision: revision };
        Row { revision, code: Some(Action::of(&operation.key).0), operation: Some(operation) }
    };
    let rows = (2..).zip(keys).map(row);
    Table::new(epoch, &[], std::iter::once(directory).chain(rows).collect())
}

fn at(epoch: Epoch, revision: u64) -> Point {
    Point { epoch, revision: Revision(revision) }
}

/// A history of one replica and one person. Times are milliseconds after its start.
struct Script {
    started_at: Instant,
    started_at_wall: DateTime<Utc>,
    log: Log,
    promised: Promised,
}

impl Script {
    fn new() -> Self {
        Self {
            started_at: Instant::now(),
            started_at_wall: clock::now(),
            log: Log::default(),
            promised: PROMISED,
        }
    }

    fn acknowledged(mut self, at: u64, key: &str, point: Point) -> Self {
        let after = Duration::from_millis(at);
        self.log.acknowledged.push(Acknowledged {
            key: key.to_owned(),
            at: self.started_at + after,
            point,
            has_waited: false,
            effective_everywhere_after: self.started_at_wall + after + PROMISED.max_staleness,
        });
        self
    }

    fn answered(mut self, asked: u64, at_least: Option<Point>, point: Point, is_permit: bool) -> Self {
        let asked = Duration::from_millis(asked);
        self.log.answered.push(Answered {
            replica: 0,
            person: 0,
            requested_at: self.started_at + asked,
            requested_at_wall: self.started_at_wall + asked,
            answered_at: self.started_at + asked + Duration::from_millis(1),
            at_least,
            point,
            is_permit,
        });
        self
    }

    #[track_caller]
    fn is_wrong(&self, tables: &[Table], why: &[&str]) {
        let found = faults(&self.log, self.promised, tables);
        assert_eq!(found.len(), why.len(), "{found:#?}");
        for (found, why) in found.iter().zip(why) {
            assert!(found.contains(why), "{found} is not: {why}");
        }
    }
}

const KEYS: [&str; 4] = ["0 informed 0", "0 consents 1", "0 denies 2", "0 lifts 3 2"];

#[test]
fn correct_history_has_no_violations() {
    let mut script = Script::new()
        .acknowledged(0, KEYS[1], at(OLD, 3))
        .answered(10, None, at(OLD, 3), true)
        .acknowledged(20, KEYS[2], at(OLD, 4))
        .answered(30, None, at(OLD, 3), true)
        .answered(40, Some(at(OLD, 4)), at(OLD, 4), false)
        .answered(2_000, None, at(OLD, 5), true);
    script.log.watched.push(Watched { after: at(OLD, 1), checkpoint: at(OLD, 4), people: vec![0, 0, 0] });
    script.is_wrong(&[table(OLD, &KEYS)], &[]);
}

#[test]
fn wrong_verdict_is_found() {
    let tables = [table(OLD, &KEYS)];
    Script::new().answered(0, None, at(OLD, 4), true).is_wrong(&tables, &["DENY is correct"]);
    Script::new().answered(0, None, at(OLD, 5), false).is_wrong(&tables, &["PERMIT is correct"]);
    Script::new().answered(0, None, at(OLD, 6), true).is_wrong(&tables, &["unknown revision"]);
    Script::new().answered(0, None, at(NEW, 5), true).is_wrong(&tables, &["unknown epoch"]);
}

#[test]
fn answer_older_than_its_token_is_found() {
    let script = Script::new().answered(0, Some(at(OLD, 5)), at(OLD, 3), true);
    script.is_wrong(&[table(OLD, &KEYS)], &["before its token"]);
    let script = Script::new().answered(0, Some(at(OLD, 3)), at(NEW, 3), true);
    script.is_wrong(&[table(OLD, &KEYS), table(NEW, &KEYS)], &["before its token"]);
}

#[test]
fn stale_answer_is_found() {
    let denied = || Script::new().acknowledged(0, KEYS[2], at(OLD, 4));
    let tables = [table(OLD, &KEYS)];
    denied().answered(999, None, at(OLD, 3), true).is_wrong(&tables, &[]);
    denied().answered(1_001, None, at(OLD, 3), true).is_wrong(&tables, &["stale"]);
    let mut waited = denied().answered(1, None, at(OLD, 3), true);
    waited.log.acknowledged[0].has_waited = true;
    waited.is_wrong(&tables, &["stale"]);
    let mut sooner = denied().answered(500, None, at(OLD, 3), true);
    sooner.log.acknowledged[0].effective_everywhere_after -= Duration::from_millis(600);
    sooner.is_wrong(&tables, &["effective everywhere"]);
    sooner.promised.are_clocks_right = false;
    sooner.is_wrong(&tables, &[]);
    // A later epoch is newer, whatever its revisions.
    let tables = [table(OLD, &KEYS), table(NEW, &KEYS)];
    Script::new()
        .acknowledged(0, KEYS[1], at(NEW, 3))
        .answered(1_001, None, at(OLD, 5), true)
        .is_wrong(&tables, &["stale"]);
}

#[test]
fn non_monotonic_reads_are_found() {
    let tables = [table(OLD, &KEYS), table(NEW, &KEYS)];
    let first = |point| Script::new().answered(0, None, point, true);
    first(at(OLD, 5)).answered(5, None, at(OLD, 3), true).is_wrong(&tables, &["non-monotonic"]);
    first(at(NEW, 3)).answered(5, None, at(OLD, 5), true).is_wrong(&tables, &["non-monotonic"]);
    // Concurrent requests may be answered in either order.
    first(at(OLD, 5)).answered(0, None, at(OLD, 3), true).is_wrong(&tables, &[]);
}

#[test]
fn lost_or_duplicated_write_is_found() {
    let denied = Script::new().acknowledged(0, KEYS[2], at(OLD, 4));
    denied.is_wrong(&[table(OLD, &KEYS[..2])], &["lost:"]);
    // In an epoch in which it was not acknowledged it may be missing.
    denied.is_wrong(&[table(OLD, &KEYS), table(NEW, &KEYS[..2])], &[]);
    denied.is_wrong(&[table(OLD, &[KEYS[0], KEYS[1], KEYS[1]])], &["stored twice", "lost:"]);
    let mut gaps = table(OLD, &KEYS);
    gaps.rows.remove(1);
    denied.is_wrong(&[gaps], &["gaps"]);
}

#[test]
fn missing_denial_at_its_withdrawal_is_found() {
    let mut script = Script::new().acknowledged(0, KEYS[2], at(OLD, 4));
    script.log.missed.push(KEYS[3].to_owned());
    script.is_wrong(&[table(OLD, &KEYS)], &["what it ends is lost"]);
    script.is_wrong(&[table(OLD, &KEYS), table(NEW, &KEYS[..2])], &[]);
}

/// A table in the new epoch, which continues the old one through a revision.
fn continuing(through: u64, keys: &[&str]) -> Table {
    Table::new(NEW, &[(NEW, at(OLD, through))], table(NEW, keys).rows)
}

#[test]
fn epoch_that_survives_a_loss_is_found() {
    let replaced = [KEYS[0], KEYS[1], "0 denies 9"];
    Script::new().is_wrong(&[table(OLD, &KEYS), table(OLD, &replaced)], &["beyond what was kept"]);
    // Nobody has written since the loss.
    Script::new().is_wrong(&[table(OLD, &KEYS), table(OLD, &KEYS[..2])], &[]);
    Script::new().is_wrong(&[table(OLD, &KEYS), continuing(3, &replaced)], &[]);
    Script::new().is_wrong(&[table(OLD, &KEYS), continuing(4, &replaced)], &["beyond what was kept"]);
}

#[test]
fn answer_with_a_token_that_its_epoch_does_not_continue_is_found() {
    let replaced = [KEYS[0], KEYS[1], "0 denies 9"];
    let tables = [table(OLD, &KEYS), continuing(3, &replaced)];
    let answered = |token| Script::new().answered(0, Some(token), at(NEW, 4), false);
    answered(at(OLD, 3)).is_wrong(&tables, &[]);
    answered(at(OLD, 4)).is_wrong(&tables, &["before its token"]);
    let older = Script::new().answered(0, Some(at(NEW, 3)), at(OLD, 3), true);
    older.is_wrong(&tables, &["before its token"]);
}

#[test]
fn watch_message_across_a_loss_is_found() {
    let tables = [table(OLD, &KEYS), continuing(3, &[KEYS[0], KEYS[1], "0 denies 9"])];
    for (after, faults) in [(at(OLD, 3), &[][..]), (at(OLD, 4), &["instead of"])] {
        let mut script = Script::new();
        script.log.watched.push(Watched { after, checkpoint: at(NEW, 4), people: vec![0] });
        script.is_wrong(&tables, faults);
    }
}

#[test]
fn watch_message_with_wrong_clients_is_found() {
    for people in [vec![], vec![0, 0], vec![0, 1, 0], vec![0, 0, 0, 0]] {
        let mut script = Script::new();
        script.log.watched.push(Watched { after: at(OLD, 1), checkpoint: at(OLD, 4), people });
        script.is_wrong(&[table(OLD, &KEYS)], &["instead of"]);
    }
}

/// Informed and consenting, and linked to another code with a denial. A link has a row for each code.
fn linked_table(last: &[(usize, &str)]) -> Table {
    let keys = ["0 informed 0", "0 consents 1"];
    let mut table = table(OLD, &keys);
    let rows = [(0, ""), (100, "0 links 2"), (100, "0 denies-elsewhere 3")];
    for (code, key) in rows.iter().chain(last) {
        let revision = table.rows.len() as u64 + 1;
        let is_first = key.is_empty();
        let first_revision = if key.contains("links") { revision - 1 } else { revision };
        let operation = Operation { key: (*key).to_owned(), declaration_id: "id".to_owned(), first_revision };
        table.rows.push(Row { revision, code: Some(*code), operation: (!is_first).then_some(operation) });
    }
    table
}

#[test]
fn lost_link_is_found() {
    let whole = linked_table(&[]);
    // The denial under the other code holds from its row on, under both.
    for person in [0, 100] {
        let answered = |revision, is_permit| {
            let mut script = Script::new().answered(0, None, at(OLD, revision), is_permit);
            script.log.answered[0].person = person;
            script
        };
        answered(4, true).is_wrong(std::slice::from_ref(&whole), &[]);
        answered(6, false).is_wrong(std::slice::from_ref(&whole), &[]);
        answered(6, true).is_wrong(std::slice::from_ref(&whole), &["DENY is correct"]);
    }
    let acknowledged = Script::new().acknowledged(0, "0 links 2", at(OLD, 5));
    acknowledged.is_wrong(std::slice::from_ref(&whole), &[]);
    acknowledged.is_wrong(&[table(OLD, &KEYS[..2])], &["lost:"]);
    // Its end did not find it.
    let mut missed = Script::new().acknowledged(0, "0 links 2", at(OLD, 5));
    missed.log.missed.push("0 unlinks 4 2".to_owned());
    missed.is_wrong(std::slice::from_ref(&whole), &["what it ends is lost"]);
    missed.is_wrong(&[whole, table(NEW, &KEYS[..2])], &[]);
}

#[test]
fn link_that_survives_its_end_is_found() {
    let tables = [linked_table(&[(0, ""), (100, "0 unlinks 4 2")])];
    for (person, revision, is_permit, faults) in [
        (0, 7, true, &[][..]),
        (0, 8, false, &["PERMIT is correct"]),
        (100, 8, false, &[]),
        (100, 8, true, &["DENY is correct"]),
    ] {
        let mut script = Script::new().answered(0, None, at(OLD, revision), is_permit);
        script.log.answered[0].person = person;
        script.is_wrong(&tables, faults);
    }
}

#[test]
fn watch_message_without_a_changed_code_is_found() {
    let tables = [linked_table(&[])];
    for (people, is_right) in
        [(&[0, 100][..], true), (&[100, 0, 100], true), (&[0], false), (&[], false), (&[0, 100, 1], false)]
    {
        let mut script = Script::new();
        script.log.watched.push(Watched {
            after: at(OLD, 3),
            checkpoint: at(OLD, 5),
            people: people.to_vec(),
        });
        script.is_wrong(&tables, if is_right { &[] } else { &["instead of"] });
    }
}
