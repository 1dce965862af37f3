//! The checker finds what it is there to find.

use chrono::{DateTime, Utc};
use std::time::{Duration, Instant};

use lupa::server::clock;
use lupa::store::{Epoch, Point, Revision};
use uuid::Uuid;

use super::faults;
use crate::store::history::log::{Acknowledged, Answered, Deed, Log, Promised, Row, Table, Told};

const OLD: Epoch = Epoch(Uuid::from_u128(1));
const NEW: Epoch = Epoch(Uuid::from_u128(2));

const PROMISED: Promised = Promised { max_staleness: Duration::from_millis(1_000), are_clocks_right: true };

fn table(epoch: Epoch, keys: &[&str]) -> Table {
    let directory = Row { revision: 1, deed: None };
    // Everything is about one declaration.
    let deed = |key: &&str| Deed { key: (*key).to_owned(), declaration_id: "id".to_owned() };
    let rows = (2..).zip(keys).map(|(revision, key)| Row { revision, deed: Some(deed(key)) });
    Table { epoch, rows: std::iter::once(directory).chain(rows).collect() }
}

fn at(epoch: Epoch, revision: u64) -> Point {
    Point { epoch, revision: Revision(revision) }
}

/// Of one replica and one person, at milliseconds after the beginning.
struct Script {
    began_at: Instant,
    began_at_wall: DateTime<Utc>,
    log: Log,
    promised: Promised,
}

impl Script {
    fn new() -> Self {
        Self {
            began_at: Instant::now(),
            began_at_wall: clock::now(),
            log: Log::default(),
            promised: PROMISED,
        }
    }

    fn acknowledged(mut self, at: u64, key: &str, point: Point) -> Self {
        let after = Duration::from_millis(at);
        self.log.acknowledged.push(Acknowledged {
            key: key.to_owned(),
            at: self.began_at + after,
            point,
            has_waited: false,
            effective_everywhere_after: self.began_at_wall + after + PROMISED.max_staleness,
        });
        self
    }

    fn answered(mut self, asked: u64, at_least: Option<Point>, point: Point, is_permit: bool) -> Self {
        let asked = Duration::from_millis(asked);
        self.log.answered.push(Answered {
            replica: 0,
            person: 0,
            asked_at: self.began_at + asked,
            asked_at_wall: self.began_at_wall + asked,
            answered_at: self.began_at + asked + Duration::from_millis(1),
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

const KEYS: [&str; 4] = ["0 informed 0", "0 consents 1", "0 denies 2", "0 lifts 3"];

#[test]
fn what_is_right_is_not_found_fault_with() {
    let mut script = Script::new()
        .acknowledged(0, KEYS[1], at(OLD, 3))
        .answered(10, None, at(OLD, 3), true)
        .acknowledged(20, KEYS[2], at(OLD, 4))
        .answered(30, None, at(OLD, 3), true)
        .answered(40, Some(at(OLD, 4)), at(OLD, 4), false)
        .answered(2_000, None, at(OLD, 5), true);
    script.log.told.push(Told { after: at(OLD, 1), checkpoint: at(OLD, 4), people: vec![0, 0, 0] });
    script.is_wrong(&[table(OLD, &KEYS)], &[]);
}

#[test]
fn a_wrong_answer_is_found() {
    let tables = [table(OLD, &KEYS)];
    Script::new().answered(0, None, at(OLD, 4), true).is_wrong(&tables, &["DENY is right"]);
    Script::new().answered(0, None, at(OLD, 5), false).is_wrong(&tables, &["PERMIT is right"]);
    Script::new().answered(0, None, at(OLD, 6), true).is_wrong(&tables, &["revision that never was"]);
    Script::new().answered(0, None, at(NEW, 5), true).is_wrong(&tables, &["epoch that never was"]);
}

#[test]
fn an_answer_before_its_token_is_found() {
    let script = Script::new().answered(0, Some(at(OLD, 5)), at(OLD, 3), true);
    script.is_wrong(&[table(OLD, &KEYS)], &["before its token"]);
    let script = Script::new().answered(0, Some(at(OLD, 3)), at(NEW, 3), true);
    script.is_wrong(&[table(OLD, &KEYS), table(NEW, &KEYS)], &["before its token"]);
}

#[test]
fn an_answer_that_is_too_old_is_found() {
    let denied = || Script::new().acknowledged(0, KEYS[2], at(OLD, 4));
    let tables = [table(OLD, &KEYS)];
    denied().answered(999, None, at(OLD, 3), true).is_wrong(&tables, &[]);
    denied().answered(1_001, None, at(OLD, 3), true).is_wrong(&tables, &["too old"]);
    let mut waited = denied().answered(1, None, at(OLD, 3), true);
    waited.log.acknowledged[0].has_waited = true;
    waited.is_wrong(&tables, &["too old"]);
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
        .is_wrong(&tables, &["too old"]);
}

#[test]
fn going_back_is_found() {
    let tables = [table(OLD, &KEYS), table(NEW, &KEYS)];
    let first = |point| Script::new().answered(0, None, point, true);
    first(at(OLD, 5)).answered(5, None, at(OLD, 3), true).is_wrong(&tables, &["went back"]);
    first(at(NEW, 3)).answered(5, None, at(OLD, 5), true).is_wrong(&tables, &["went back"]);
    // What was asked before the other was answered may be of either.
    first(at(OLD, 5)).answered(0, None, at(OLD, 3), true).is_wrong(&tables, &[]);
}

#[test]
fn a_lost_or_doubled_declaration_is_found() {
    let denied = Script::new().acknowledged(0, KEYS[2], at(OLD, 4));
    denied.is_wrong(&[table(OLD, &KEYS[..2])], &["is not there"]);
    // In an epoch in which it was not acknowledged it may be missing.
    denied.is_wrong(&[table(OLD, &KEYS), table(NEW, &KEYS[..2])], &[]);
    denied.is_wrong(&[table(OLD, &[KEYS[0], KEYS[1], KEYS[1]])], &["stored twice", "is not there"]);
    let mut holes = table(OLD, &KEYS);
    holes.rows.remove(1);
    denied.is_wrong(&[holes], &["holes"]);
}

#[test]
fn a_denial_that_is_gone_when_it_is_to_be_lifted_is_found() {
    let mut script = Script::new().acknowledged(0, KEYS[2], at(OLD, 4));
    script.log.missed.push(KEYS[3].to_owned());
    script.is_wrong(&[table(OLD, &KEYS)], &["the denial is lost"]);
    script.is_wrong(&[table(OLD, &KEYS), table(NEW, &KEYS[..2])], &[]);
}

#[test]
fn an_epoch_that_does_not_end_is_found() {
    Script::new().is_wrong(&[table(OLD, &KEYS), table(OLD, &KEYS)], &["did not end"]);
}

#[test]
fn a_watcher_that_is_told_otherwise_is_found() {
    for people in [vec![], vec![0, 0], vec![0, 1, 0], vec![0, 0, 0, 0]] {
        let mut script = Script::new();
        script.log.told.push(Told { after: at(OLD, 1), checkpoint: at(OLD, 4), people });
        script.is_wrong(&[table(OLD, &KEYS)], &["instead of"]);
    }
}
