//! The declarations and withdrawals of all clients, in order of time.
//!
//! A bucket queue with one bucket per week: the changes of a client are put into
//! their weeks at the time of its first declaration, and a week is sorted when
//! it is reached. So only the changes that are still to come need memory.

use std::collections::VecDeque;
use std::vec::IntoIter;

use super::plan::{DAY, Micros, Planned, instant};
use super::{FIRST_AT, Population, Stated};
use lupa::policy::client_id::ClientId;
use lupa::policy::day::Instant;
use lupa::policy::declaration::{Declarer, RecordedBy};

const WEEK: Micros = 7 * DAY;

/// One change of the population's history.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it is recorded.
    pub recorded_at: Instant,
    /// The client.
    pub client: ClientId,
    /// The act.
    pub act: Act,
}

/// An act of a client.
#[derive(Clone, Debug)]
pub enum Act {
    /// Makes a declaration.
    Declares(Stated),
    /// Withdraws a declaration.
    Withdraws {
        /// The place of that declaration among the changes: 0 for the first.
        declared_as: u64,
        /// The person who withdraws.
        by: Declarer,
        /// The recorder.
        recorded_by: RecordedBy,
    },
}

/// The changes of a population, in order of time.
#[derive(Debug)]
pub struct Changes<'p> {
    population: &'p Population,
    /// The client whose first declaration is next.
    next_client: u64,
    /// The end of the current week.
    week_ends: Micros,
    week: IntoIter<Scheduled>,
    /// The changes of the weeks after it.
    later: VecDeque<Vec<Scheduled>>,
    /// The number of changes returned so far.
    returned: u64,
}

/// An act at its time.
#[derive(Clone, Copy, Debug)]
struct Scheduled {
    at: Micros,
    client: u32,
    planned: Planned,
    /// For a withdrawal: the place of the declaration among the changes.
    declared_as: Option<u64>,
}

impl<'p> Changes<'p> {
    pub(super) fn of(population: &'p Population) -> Self {
        Self {
            population,
            next_client: 0,
            week_ends: FIRST_AT,
            week: Vec::new().into_iter(),
            later: VecDeque::new(),
            returned: 0,
        }
    }

    /// Starts the next week; false if there are no more changes.
    fn start_week(&mut self) -> bool {
        if self.next_client >= self.population.clients() && self.later.is_empty() {
            return false;
        }
        let mut week = self.later.pop_front().unwrap_or_default();
        self.week_ends += WEEK;
        while self.next_client < self.population.clients()
            && self.population.first_at(self.next_client) < self.week_ends
        {
            // Fits: there are no more clients than codes.
            let client = u32::try_from(self.next_client).unwrap_or(u32::MAX);
            for planned in self.population.plan(self.next_client) {
                self.schedule(Scheduled { at: planned.at, client, planned, declared_as: None }, &mut week);
            }
            self.next_client += 1;
        }
        week.sort_unstable_by_key(|scheduled| (scheduled.at, scheduled.client, scheduled.planned.place));
        self.week = week.into_iter();
        true
    }

    /// Puts an act into its week.
    fn schedule(&mut self, scheduled: Scheduled, this_week: &mut Vec<Scheduled>) {
        let beyond = scheduled.at - self.week_ends;
        if beyond < 0 {
            this_week.push(scheduled);
            return;
        }
        let place = usize::try_from(beyond / WEEK).unwrap_or_default();
        if self.later.len() <= place {
            self.later.resize_with(place + 1, Vec::new);
        }
        if let Some(week) = self.later.get_mut(place) {
            week.push(scheduled);
        }
    }

    fn change(&mut self, scheduled: Scheduled) -> Option<Change> {
        let Scheduled { at, client, planned, declared_as } = scheduled;
        let number = u64::from(client);
        let act = match declared_as {
            Some(declared_as) => {
                let (by, recorded_by) = self.population.withdrawn(number, &planned, at);
                Act::Withdraws { declared_as, by, recorded_by }
            }
            None => {
                if let Some(at) = planned.withdrawn_at {
                    let declared_as = Some(self.returned);
                    // Never into this week: a withdrawal is more than a week later.
                    self.schedule(Scheduled { at, client, planned, declared_as }, &mut Vec::new());
                }
                Act::Declares(self.population.stated(number, &planned))
            }
        };
        self.returned += 1;
        Some(Change { recorded_at: instant(at), client: self.population.client(number)?, act })
    }
}

impl Iterator for Changes<'_> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(scheduled) = self.week.next() {
                return self.change(scheduled);
            }
            if !self.start_week() {
                return None;
            }
        }
    }
}
