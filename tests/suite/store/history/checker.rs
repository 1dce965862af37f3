//! Checks a recorded history for
//!
//! - durability: no acknowledged write is missing in its epoch, and none is stored twice;
//! - epochs: what an epoch is said to continue is stored there as it was before;
//! - linearizability of token-bounded reads: a decision is the one of its revision, and
//!   its revision is not older than the token of the request;
//! - bounded staleness: a decision knows every write that was acknowledged more than
//!   `max_staleness` before the request;
//! - monotonic reads: a replica does not answer at an older revision than before;
//! - watch streams: each message has exactly the clients changed between its checkpoints.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use lupa::store::{Epoch, Point, Revision};

use super::log::{
    Acknowledged, Action, Answered, Log, Operation, Promised, Row, Table, other_code, person_of,
};

/// The violations, given the tables before each loss and the last one, the oldest first.
pub(crate) fn faults(log: &Log, promised: Promised, tables: &[Table]) -> Vec<String> {
    let truth = Truth::of(tables);
    let mut faults: Vec<String> = log.unexpected.iter().chain(&log.unrecovered).cloned().collect();
    faults.extend(truth.faults());
    faults.extend(log.acknowledged.iter().filter_map(|acknowledged| truth.lacks(acknowledged)));
    faults.extend(log.missed.iter().filter_map(|key| truth.should_have(log, key)));
    let visible = Visible::of(log, promised, &truth);
    for answered in &log.answered {
        let violation = |fault: &str| format!("{fault}: {answered:?}");
        faults.extend(truth.contradicts(answered).map(|fault| violation(&fault)));
        faults.extend(visible.hidden_from(answered, &truth).map(|fault| violation(&fault)));
        if let Some(token) = answered.at_least
            && (!truth.continues(answered.point, token) || token.revision > answered.point.revision)
        {
            faults.push(violation("before its token"));
        }
    }
    faults.extend(backwards(log, &truth));
    faults.extend(log.watched.iter().filter_map(|watched| {
        let expected = truth.people_between(watched.after, watched.checkpoint);
        let is_right = expected.as_ref().is_some_and(|expected| truth.may_report(expected, &watched.people));
        (!is_right).then(|| format!("{watched:?} instead of {expected:?}"))
    }));
    faults
}

/// What was stored: the model that answers are compared with.
struct Truth<'t> {
    tables: &'t [Table],
    /// By table and number of a code: whether the record is permitted from a revision on.
    permits: HashMap<(usize, usize), BTreeMap<u64, bool>>,
    /// By table and idempotency key.
    revisions: HashMap<(usize, &'t str), u64>,
    /// The people whose codes have been linked.
    linking: BTreeSet<usize>,
}

impl<'t> Truth<'t> {
    fn of(tables: &'t [Table]) -> Self {
        let (permits, revisions, linking) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        let mut truth = Self { tables, permits, revisions, linking };
        for (number, table) in tables.iter().enumerate() {
            let mut declared: HashMap<usize, Declared<'_>> = HashMap::new();
            for row in &table.rows {
                let Some(Operation { key, declaration_id, first_revision }) = &row.operation else {
                    continue;
                };
                let (person, what) = Action::of(key);
                let declared = declared.entry(person).or_default();
                declared.apply(what, declaration_id);
                // The other code has no consent of its own.
                let other = (other_code(person), declared.permits() && !declared.links.is_empty());
                for (code, is_permit) in [(person, declared.permits()), other] {
                    truth.permits.entry((number, code)).or_default().insert(*first_revision, is_permit);
                }
                truth.revisions.insert((number, key), row.revision);
                if what == Action::Links {
                    truth.linking.insert(person);
                }
            }
        }
        truth
    }

    /// The number of the table that has the whole of an epoch: the first that knows it. Later ones may have
    /// lost a part.
    fn epoch(&self, epoch: Epoch) -> Option<usize> {
        self.tables.iter().position(|table| table.lineage.iter().any(|own| own.epoch == epoch))
    }

    /// Whether the epoch of a point has the change of another point.
    fn continues(&self, point: Point, before: Point) -> bool {
        self.epoch(point.epoch).is_some_and(|table| self.tables[table].contains(point.epoch, before))
    }

    /// Invariants of the tables alone: what two of them have in common is the same, revisions have no gaps,
    /// keys are unique.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (number, table) in self.tables.iter().enumerate() {
            let contradicted = self.tables[..number].iter().any(|before| !are_consistent(before, table));
            if contradicted {
                faults.push("an epoch is continued beyond what was kept of it".to_owned());
            }
        }
        for table in self.tables {
            if !table.rows.iter().map(|row| row.revision).eq(1..=table.rows.len() as u64) {
                faults.push("gaps in the revisions".to_owned());
            }
            let mut keys: Vec<&str> = table.rows.iter().filter_map(Row::key).collect();
            keys.sort_unstable();
            let doubled = keys.windows(2).filter(|pair| pair[0] == pair[1]);
            faults.extend(doubled.map(|pair| format!("{} is stored twice", pair[0])));
        }
        faults
    }

    /// A lost write: acknowledged, and not stored in the epoch of the acknowledgement.
    fn lacks(&self, acknowledged: &Acknowledged) -> Option<String> {
        let Acknowledged { key, point, .. } = acknowledged;
        let stored = self.epoch(point.epoch).and_then(|epoch| self.revisions.get(&(epoch, key)));
        let is_there = stored.is_some_and(|revision| *revision <= point.revision.0);
        (!is_there).then(|| format!("acknowledged and lost: {acknowledged:?}"))
    }

    /// A denial or link that its end did not find, although no later epoch has lost it.
    fn should_have(&self, log: &Log, key: &str) -> Option<String> {
        let (person, _) = Action::of(key);
        let (_, needs) = Action::numbers(key);
        let is_last = |need: usize| {
            let found = log.acknowledged.iter().find(|acknowledged| {
                Action::of(&acknowledged.key).0 == person && Action::numbers(&acknowledged.key).0 == need
            });
            let last = self.tables.last().unwrap();
            found.is_none_or(|found| last.contains(last.lineage[0].epoch, found.point))
        };
        needs.into_iter().all(is_last).then(|| format!("what it ends is lost: {key}"))
    }

    /// A decision that differs from the one at its revision.
    fn contradicts(&self, answered: &Answered) -> Option<String> {
        let Some(epoch) = self.epoch(answered.point.epoch) else {
            return Some("of an unknown epoch".to_owned());
        };
        if answered.point.revision.0 > self.tables[epoch].rows.last().map_or(0, |row| row.revision) {
            return Some("of an unknown revision".to_owned());
        }
        let permits = self.permits.get(&(epoch, answered.person));
        let last = permits.and_then(|permits| permits.range(..=answered.point.revision.0).next_back());
        let is_permit = last.is_some_and(|(_, is_permit)| *is_permit);
        (is_permit != answered.is_permit).then(|| {
            let right = if is_permit { "PERMIT" } else { "DENY" };
            format!("{right} is correct at its revision")
        })
    }

    /// The codes that changed after one point, up to another.
    fn people_between(&self, after: Point, until: Point) -> Option<Vec<usize>> {
        let epoch = self.epoch(until.epoch).filter(|_| self.continues(until, after))?;
        let rows = self.tables[epoch].rows.iter();
        let rows = rows.filter(|row| (after.revision.0 + 1..=until.revision.0).contains(&row.revision));
        Some(rows.filter_map(|row| row.code).collect())
    }

    /// Whether a message may report these codes. While codes are linked, a change of one is reported as one of
    /// both, once in a message.
    fn may_report(&self, changed: &[usize], reported: &[usize]) -> bool {
        let is_linking = |code: &&usize| self.linking.contains(&person_of(**code));
        let alone =
            |codes: &[usize]| codes.iter().filter(|code| !is_linking(code)).copied().collect::<Vec<_>>();
        let linking = |codes: &[usize]| codes.iter().filter(is_linking).copied().collect::<BTreeSet<usize>>();
        let people = |codes: &[usize]| linking(codes).into_iter().map(person_of).collect::<BTreeSet<usize>>();
        alone(changed) == alone(reported)
            && linking(changed).is_subset(&linking(reported))
            && people(changed) == people(reported)
    }
}

/// Whether two tables have the same changes as far as both have those of one epoch.
fn are_consistent(before: &Table, after: &Table) -> bool {
    let shared = before.lineage.iter().filter_map(|one| {
        let other = after.lineage.iter().find(|other| other.epoch == one.epoch)?;
        Some(one.revision.min(other.revision))
    });
    let rows = |table: &Table| table.rows.iter().map(|row| row.key().map(str::to_owned)).collect::<Vec<_>>();
    let (before, after) = (rows(before), rows(after));
    match shared.max() {
        None => true,
        // Nobody has started another epoch yet, so nobody has written since.
        Some(Revision(u64::MAX)) => before.starts_with(&after),
        Some(Revision(common)) => {
            let common = usize::try_from(common).unwrap();
            before.get(..common).is_some_and(|before| after.get(..common) == Some(before))
        }
    }
}

/// The declarations of a person that are in force.
#[derive(Default)]
struct Declared<'t> {
    consents: bool,
    denials: BTreeSet<&'t str>,
    /// Under the other code, which count while the codes are linked.
    denials_elsewhere: BTreeSet<&'t str>,
    links: BTreeSet<&'t str>,
}

impl<'t> Declared<'t> {
    fn apply(&mut self, what: Action, id: &'t str) {
        match what {
            Action::Informed => {}
            Action::Consents => self.consents = true,
            Action::Denies => assert!(self.denials.insert(id), "an id is given once"),
            Action::Lifts => assert!(self.denials.remove(id), "it was in force"),
            Action::Links => assert!(self.links.insert(id), "an id is given once"),
            Action::Unlinks => assert!(self.links.remove(id), "it was in force"),
            Action::DeniesElsewhere => assert!(self.denials_elsewhere.insert(id), "an id is given once"),
            Action::LiftsElsewhere => assert!(self.denials_elsewhere.remove(id), "it was in force"),
        }
    }

    /// Whether the record is permitted under the person's own code.
    fn permits(&self) -> bool {
        let is_denied_elsewhere = !self.links.is_empty() && !self.denials_elsewhere.is_empty();
        self.consents && self.denials.is_empty() && !is_denied_elsewhere
    }
}

/// The revision that every replica must have applied, by time.
struct Visible {
    by_clock: Vec<(Instant, (usize, u64))>,
    by_wall: Vec<(DateTime<Utc>, (usize, u64))>,
}

impl Visible {
    fn of(log: &Log, promised: Promised, truth: &Truth<'_>) -> Self {
        let place = |acknowledged: &Acknowledged| {
            let epoch = truth.epoch(acknowledged.point.epoch)?;
            Some((epoch, *truth.revisions.get(&(epoch, acknowledged.key.as_str()))?))
        };
        let placed =
            || log.acknowledged.iter().filter_map(|acknowledged| Some((acknowledged, place(acknowledged)?)));
        let by_clock = placed().map(|(acknowledged, place)| {
            let Acknowledged { at, has_waited, .. } = acknowledged;
            (if *has_waited { *at } else { *at + promised.max_staleness }, place)
        });
        // Wall-clock times of replicas are comparable only while nothing steps their clocks.
        let by_wall = placed()
            .filter(|_| promised.are_clocks_right)
            .map(|(acknowledged, place)| (acknowledged.effective_everywhere_after, place));
        Self { by_clock: newest_until(by_clock.collect()), by_wall: newest_until(by_wall.collect()) }
    }

    /// The write that a decision had to include and did not.
    fn hidden_from(&self, answered: &Answered, truth: &Truth<'_>) -> Option<String> {
        let known = (truth.epoch(answered.point.epoch)?, answered.point.revision.0);
        let must = last_before(&self.by_clock, answered.requested_at);
        if must.is_some_and(|must| known < must) {
            return Some(format!("stale, without {must:?}"));
        }
        let must = last_before(&self.by_wall, answered.requested_at_wall);
        must.filter(|must| known < *must)
            .map(|must| format!("without {must:?}, which is effective everywhere"))
    }
}

fn newest_until<T: Ord + Copy>(mut places: Vec<(T, (usize, u64))>) -> Vec<(T, (usize, u64))> {
    places.sort();
    let mut newest = (0, 0);
    for (_, place) in &mut places {
        newest = newest.max(*place);
        *place = newest;
    }
    places
}

fn last_before<T: Ord + Copy>(places: &[(T, (usize, u64))], time: T) -> Option<(usize, u64)> {
    let before = places.partition_point(|(at, _)| *at < time);
    before.checked_sub(1).map(|last| places[last].1)
}

/// Non-monotonic reads: a replica that answered at an older point than before.
fn backwards(log: &Log, truth: &Truth<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut by_replica: BTreeMap<usize, Vec<&Answered>> = BTreeMap::new();
    for answered in &log.answered {
        by_replica.entry(answered.replica).or_default().push(answered);
    }
    for answers in by_replica.values_mut() {
        let place = |answered: &Answered| (truth.epoch(answered.point.epoch), answered.point.revision.0);
        let answers_by_end = newest_until(
            answers
                .iter()
                .filter_map(|answered| Some((answered.answered_at, (place(answered).0?, place(answered).1))))
                .collect(),
        );
        for answered in answers.iter() {
            let before = last_before(&answers_by_end, answered.requested_at);
            if before.is_some_and(|before| place(answered) < (Some(before.0), before.1)) {
                faults.push(format!("non-monotonic after {before:?}: {answered:?}"));
            }
        }
    }
    faults
}
