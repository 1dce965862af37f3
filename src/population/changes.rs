//! Everything that everyone declares and withdraws, in order of time.
//!
//! Clients come one after another, evenly over the years. What a client
//! declares later waits, sorted roughly, by the week; when its week comes, the
//! week is sorted and told. So the order costs no more memory than what waits.

use std::collections::VecDeque;
use std::vec::IntoIter;

use super::plan::{DAY, Micros, Planned, instant};
use super::{FIRST_AT, Population, Said};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Declarer, RecordedBy};

const WEEK: Micros = 7 * DAY;

/// One change of the population's history.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it is recorded.
    pub recorded_at: Instant,
    /// Who.
    pub client: ClientId,
    /// What.
    pub act: Act,
}

/// What a client does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Declares something.
    Declares(Said),
    /// Ends a declaration.
    Withdraws {
        /// The place of that declaration among the changes: 0 for the first.
        declared_as: u64,
        /// Who withdraws.
        by: Declarer,
        /// Who records.
        recorded_by: RecordedBy,
    },
}

/// The changes of a population, in order of time.
#[derive(Debug)]
pub struct Changes<'p> {
    population: &'p Population,
    /// The client who comes next.
    coming: u64,
    /// Where the week under way ends.
    week_ends: Micros,
    week: IntoIter<Waiting>,
    /// What waits for the weeks after it.
    later: VecDeque<Vec<Waiting>>,
    told: u64,
}

/// An act that waits for its time.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    at: Micros,
    client: u32,
    planned: Planned,
    /// As which change that was declared which is now withdrawn.
    declared_as: Option<u64>,
}

impl<'p> Changes<'p> {
    pub(super) fn of(population: &'p Population) -> Self {
        Self {
            population,
            coming: 0,
            week_ends: FIRST_AT,
            week: Vec::new().into_iter(),
            later: VecDeque::new(),
            told: 0,
        }
    }

    /// Begins the next week; false if nothing comes any more.
    fn begin_week(&mut self) -> bool {
        if self.coming >= self.population.clients() && self.later.is_empty() {
            return false;
        }
        let mut week = self.later.pop_front().unwrap_or_default();
        self.week_ends += WEEK;
        while self.coming < self.population.clients()
            && self.population.comes_at(self.coming) < self.week_ends
        {
            // Fits: no more clients than there are codes.
            let client = u32::try_from(self.coming).unwrap_or(u32::MAX);
            for planned in self.population.plan(self.coming) {
                self.wait(Waiting { at: planned.at, client, planned, declared_as: None }, &mut week);
            }
            self.coming += 1;
        }
        week.sort_unstable_by_key(|waiting| (waiting.at, waiting.client, waiting.planned.place));
        self.week = week.into_iter();
        true
    }

    /// Puts something into its week.
    fn wait(&mut self, waiting: Waiting, this_week: &mut Vec<Waiting>) {
        let beyond = waiting.at - self.week_ends;
        if beyond < 0 {
            this_week.push(waiting);
            return;
        }
        let place = usize::try_from(beyond / WEEK).unwrap_or_default();
        if self.later.len() <= place {
            self.later.resize_with(place + 1, Vec::new);
        }
        if let Some(week) = self.later.get_mut(place) {
            week.push(waiting);
        }
    }

    fn tell(&mut self, waiting: Waiting) -> Option<Change> {
        let Waiting { at, client, planned, declared_as } = waiting;
        let number = u64::from(client);
        let act = match declared_as {
            Some(declared_as) => {
                let (by, recorded_by) = self.population.withdrawn(number, &planned, at);
                Act::Withdraws { declared_as, by, recorded_by }
            }
            None => {
                if let Some(at) = planned.withdrawn_at {
                    let declared_as = Some(self.told);
                    // Never this week: a withdrawal comes more than a week later.
                    self.wait(Waiting { at, client, planned, declared_as }, &mut Vec::new());
                }
                Act::Declares(self.population.said(number, &planned))
            }
        };
        self.told += 1;
        Some(Change { recorded_at: instant(at), client: self.population.client(number)?, act })
    }
}

impl Iterator for Changes<'_> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(waiting) = self.week.next() {
                return self.tell(waiting);
            }
            if !self.begin_week() {
                return None;
            }
        }
    }
}
