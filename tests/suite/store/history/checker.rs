//! The rules, checked on everything that was noted.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use lupa::store::{Epoch, Point};

use super::log::{Acknowledged, Answered, Deed, Log, Promised, Row, Table, What};

/// What is wrong, by what was stored in each epoch, the oldest first.
pub(crate) fn faults(log: &Log, promised: Promised, tables: &[Table]) -> Vec<String> {
    let truth = Truth::of(tables);
    let mut faults: Vec<String> = log.unexpected.iter().chain(&log.unrecovered).cloned().collect();
    faults.extend(truth.faults());
    faults.extend(log.acknowledged.iter().filter_map(|acknowledged| truth.lacks(acknowledged)));
    faults.extend(log.missed.iter().filter_map(|key| truth.should_have(log, key)));
    let visible = Visible::of(log, promised, &truth);
    for answered in &log.answered {
        let answered_badly = |fault: &str| format!("{fault}: {answered:?}");
        faults.extend(truth.contradicts(answered).map(|fault| answered_badly(&fault)));
        faults.extend(visible.hidden_from(answered, &truth).map(|fault| answered_badly(&fault)));
        if let Some(asked) = answered.at_least
            && (asked.epoch != answered.point.epoch || asked.revision > answered.point.revision)
        {
            faults.push(answered_badly("before its token"));
        }
    }
    faults.extend(backwards(log, &truth));
    faults.extend(log.told.iter().filter_map(|told| {
        let expected = truth.people_between(told.after, told.checkpoint);
        (expected.as_ref() != Some(&told.people)).then(|| format!("{told:?} instead of {expected:?}"))
    }));
    faults
}

/// What was stored.
struct Truth<'t> {
    tables: &'t [Table],
    /// By epoch and person: from each revision on, whether it is permitted.
    permits: HashMap<(usize, usize), BTreeMap<u64, bool>>,
    /// By epoch and key.
    revisions: HashMap<(usize, &'t str), u64>,
}

impl<'t> Truth<'t> {
    fn of(tables: &'t [Table]) -> Self {
        let mut truth = Self { tables, permits: HashMap::new(), revisions: HashMap::new() };
        for (epoch, table) in tables.iter().enumerate() {
            let mut declared: HashMap<usize, Declared<'_>> = HashMap::new();
            for row in &table.rows {
                let Some(Deed { key, declaration_id }) = &row.deed else { continue };
                let (person, what) = What::of(key);
                let declared = declared.entry(person).or_default();
                declared.apply(what, declaration_id);
                let is_permit = declared.consents && declared.denials.is_empty();
                truth.permits.entry((epoch, person)).or_default().insert(row.revision, is_permit);
                truth.revisions.insert((epoch, key), row.revision);
            }
        }
        truth
    }

    /// The how manieth.
    fn epoch(&self, epoch: Epoch) -> Option<usize> {
        self.tables.iter().position(|table| table.epoch == epoch)
    }

    /// In themselves: epochs differ, revisions have no holes, nothing is there twice.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let epochs: BTreeSet<String> = self.tables.iter().map(|table| table.epoch.to_string()).collect();
        if epochs.len() != self.tables.len() {
            faults.push("an epoch did not end though changes were lost".to_owned());
        }
        for table in self.tables {
            if !table.rows.iter().map(|row| row.revision).eq(1..=table.rows.len() as u64) {
                faults.push("revisions with holes".to_owned());
            }
            let mut keys: Vec<&str> = table.rows.iter().filter_map(Row::key).collect();
            keys.sort_unstable();
            let doubled = keys.windows(2).filter(|pair| pair[0] == pair[1]);
            faults.extend(doubled.map(|pair| format!("{} is stored twice", pair[0])));
        }
        faults
    }

    /// Something acknowledged that is not stored, in the epoch in which it was.
    fn lacks(&self, acknowledged: &Acknowledged) -> Option<String> {
        let Acknowledged { key, point, .. } = acknowledged;
        let stored = self.epoch(point.epoch).and_then(|epoch| self.revisions.get(&(epoch, key)));
        let is_there = stored.is_some_and(|revision| *revision <= point.revision.0);
        (!is_there).then(|| format!("acknowledged and is not there: {acknowledged:?}"))
    }

    /// A denial that was to be lifted and was not there, though nothing was lost since.
    fn should_have(&self, log: &Log, key: &str) -> Option<String> {
        let (person, _) = What::of(key);
        let number = |key: &str| key.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
        let denial = log.acknowledged.iter().find(|acknowledged| {
            What::of(&acknowledged.key) == (person, What::Denies)
                && number(&acknowledged.key) + 1 == number(key)
        });
        let is_last =
            denial.is_none_or(|denial| self.epoch(denial.point.epoch) == Some(self.tables.len() - 1));
        is_last.then(|| format!("the denial is lost: {key}"))
    }

    /// An answer that is not that of its revision.
    fn contradicts(&self, answered: &Answered) -> Option<String> {
        let Some(epoch) = self.epoch(answered.point.epoch) else {
            return Some("of an epoch that never was".to_owned());
        };
        if answered.point.revision.0 > self.tables[epoch].rows.last().map_or(0, |row| row.revision) {
            return Some("of a revision that never was".to_owned());
        }
        let permits = self.permits.get(&(epoch, answered.person));
        let last = permits.and_then(|permits| permits.range(..=answered.point.revision.0).next_back());
        let is_permit = last.is_some_and(|(_, is_permit)| *is_permit);
        (is_permit != answered.is_permit).then(|| {
            let right = if is_permit { "PERMIT" } else { "DENY" };
            format!("{right} is right at its revision")
        })
    }

    /// Whose declarations were changed after one point until another.
    fn people_between(&self, after: Point, until: Point) -> Option<Vec<usize>> {
        let epoch = self.epoch(until.epoch).filter(|_| after.epoch == until.epoch)?;
        let rows = self.tables[epoch].rows.iter();
        let rows = rows.filter(|row| (after.revision.0 + 1..=until.revision.0).contains(&row.revision));
        Some(rows.filter_map(Row::key).map(|key| What::of(key).0).collect())
    }
}

/// What is in force of a person.
#[derive(Default)]
struct Declared<'t> {
    consents: bool,
    denials: BTreeSet<&'t str>,
}

impl<'t> Declared<'t> {
    fn apply(&mut self, what: What, id: &'t str) {
        match what {
            What::Informed => {}
            What::Consents => self.consents = true,
            What::Denies => assert!(self.denials.insert(id), "an id is given once"),
            What::Lifts => assert!(self.denials.remove(id), "it was in force"),
        }
    }
}

/// From when on what must be known everywhere: by time, each with the newest until then.
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
        // Another clock of the wall tells another time.
        let by_wall = placed()
            .filter(|_| promised.are_clocks_right)
            .map(|(acknowledged, place)| (acknowledged.effective_everywhere_after, place));
        Self { by_clock: newest_until(by_clock.collect()), by_wall: newest_until(by_wall.collect()) }
    }

    /// What an answer had to know, and did not.
    fn hidden_from(&self, answered: &Answered, truth: &Truth<'_>) -> Option<String> {
        let known = (truth.epoch(answered.point.epoch)?, answered.point.revision.0);
        let must = last_before(&self.by_clock, answered.asked_at);
        if must.is_some_and(|must| known < must) {
            return Some(format!("too old, without {must:?}"));
        }
        let must = last_before(&self.by_wall, answered.asked_at_wall);
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

/// Where a replica answered of something older than it had answered of before.
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
            let before = last_before(&answers_by_end, answered.asked_at);
            if before.is_some_and(|before| place(answered) < (Some(before.0), before.1)) {
                faults.push(format!("after {before:?} it went back: {answered:?}"));
            }
        }
    }
    faults
}
