//! A synthetic population: as many clients and declarations as a country has,
//! all of them made up, for trying a server out and for the benches.
//!
//! A seed gives the same population everywhere. Nothing of it is kept: who the
//! client of a number is, and what that client declared, is computed when asked
//! for, and [`Population::changes`] tells all of it in order of time.
//!
//! # Who
//!
//! The client of a number has an identity code of the 900-series, which is
//! given to nobody. There are [`CODES_MAX`] of them: 36,525 birth dates (a
//! century, which ends before the first declaration), the six signs of each
//! century and the individual numbers 900 to 999. A number is taken apart into
//! these three, so that no two numbers have one code, and a seeded permutation
//! before it spreads neighbouring numbers over the century. Ages are therefore
//! even, not a pyramid.
//!
//! # What
//!
//! - 95 % of the clients are informed, with the version of the day: 1.0 until
//!   2022-11-21, 1.1 until 2023-11-29, 2.0 since; some again with a newer one.
//!   The others have denied something without it.
//! - Most declarations are consents: in healthcare, in social welfare from
//!   2024, for wellbeing data and across sectors (ahead of that sharing) from
//!   2026, one in three of the latter allocated; a few local ones. A tenth is
//!   withdrawn.
//! - Three to four in a hundred declarations are denials: of service events,
//!   registers, all patient data, former providers (given before 2023),
//!   prescriptions, and in social welfare of registers, transactions, documents
//!   and tasks; none extensive, which cannot be recorded yet. One in eight is
//!   withdrawn.
//! - Most clients have one to five declarations; one in 500 has 12 to 60; for
//!   every two million declarations one client has 10,000, denials of service
//!   events.
//! - Guardians speak for children under twelve, legal representatives for some
//!   adults. Three of four declarations are recorded in MyKanta, the others, and
//!   every denial by a guardian, by professionals; some information and denials
//!   are given on paper up to 30 days earlier.
//! - Each of them would have been admitted by the policy when it was recorded.
//!
//! # When
//!
//! From 2022-11-01, to the microsecond. Clients come evenly over the years, in
//! an order that has nothing to do with their codes.
//!
//! The directory is made up too, and as large as the country's: 270
//! organisations and 495 registers.

mod changes;
mod codes;
mod country;
mod declared;
mod permutation;
mod plan;
mod random;
mod shares;

use smallvec::SmallVec;

pub use changes::{Act, Change, Changes};
pub use codes::CODES_MAX;
pub use declared::Said;

use crate::policy::client_id::ClientId;
use crate::policy::day::{Day, Instant};
use crate::policy::declaration::{Declarer, RecordedBy};
use crate::policy::directory::Directory;
use codes::Codes;
use country::Country;
use permutation::Permutation;
use plan::{DAY, Micros, Person, Planned, instant};
use random::Random;
use shares::Shares;

/// Noon of 2022-11-01 in UTC: nothing is recorded before.
const FIRST_AT: Micros = 1_667_304_000_000_000;

/// Clients come until so long before the end, so that the last ones too have
/// time for more than one declaration.
const LAST_COMES_BEFORE_END: Micros = DAY;

/// What tells the sequences of random numbers apart.
mod purpose {
    pub(super) const CODES: u64 = 1;
    pub(super) const RANKS: u64 = 2;
    pub(super) const COMING: u64 = 3;
    pub(super) const PLAN: u64 = 4;
    pub(super) const SAID: u64 = 5;
    pub(super) const WITHDRAWN: u64 = 6;
}

/// A synthetic population.
#[derive(Clone, Debug)]
pub struct Population {
    size: PopulationSize,
    codes: Codes,
    ranks: Permutation,
    shares: Shares,
    country: Country,
    until: Micros,
}

/// How large a population is, and which one of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PopulationSize {
    /// How many clients; each has declared something.
    pub clients: u64,
    /// How many declarations all of them have made; withdrawals are not counted.
    pub declarations: u64,
    /// Which population.
    pub seed: u64,
    /// Everything is recorded before this instant, kept to the microsecond.
    pub until: Instant,
}

/// Why there is no such population.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PopulationFault {
    /// More clients than codes.
    #[error("the identity codes of the 900-series are for at most {CODES_MAX} clients")]
    TooManyClients,
    /// A client without a declaration is in no store.
    #[error("each client has at least one declaration: ask for at least as many declarations as clients")]
    TooFewDeclarations,
    /// Not enough time.
    #[error("the population begins on 2022-11-01 and needs at least ten days")]
    TooEarly,
    /// The made-up directory is not one.
    #[error("the made-up directory has a fault")]
    Country,
}

impl Population {
    /// The population of a size and a seed.
    pub fn new(size: PopulationSize) -> Result<Self, PopulationFault> {
        let PopulationSize { clients, declarations, seed, until } = size;
        let until = until.timestamp_micros();
        if clients > CODES_MAX {
            return Err(PopulationFault::TooManyClients);
        }
        if declarations < clients {
            return Err(PopulationFault::TooFewDeclarations);
        }
        if until < FIRST_AT + 10 * DAY {
            return Err(PopulationFault::TooEarly);
        }
        Ok(Self {
            size,
            codes: Codes::new(random::mix(seed ^ purpose::CODES)),
            ranks: Permutation::new(clients, random::mix(seed ^ purpose::RANKS)),
            shares: Shares::new(clients, declarations),
            country: Country::build()?,
            until,
        })
    }

    /// How many clients there are.
    #[must_use]
    pub fn clients(&self) -> u64 {
        self.size.clients
    }

    /// The directory of the made-up country.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.country.directory
    }

    /// When the directory is recorded: before everything else.
    #[must_use]
    pub fn begins_at(&self) -> Instant {
        instant(FIRST_AT)
    }

    /// The client of a number; none if there is no such client.
    #[must_use]
    pub fn client(&self, number: u64) -> Option<ClientId> {
        let code = (number < self.size.clients).then(|| self.codes.of(number)).flatten()?;
        Some(ClientId::National(code))
    }

    /// What the client of a number declared, each with when it was recorded
    /// and when it was withdrawn, in order of time.
    pub fn history(&self, number: u64) -> impl Iterator<Item = (Instant, Said, Option<Instant>)> {
        let planned = if number < self.size.clients { self.plan(number) } else { SmallVec::new() };
        planned.into_iter().map(move |planned| {
            (instant(planned.at), self.said(number, &planned), planned.withdrawn_at.map(instant))
        })
    }

    /// Everything that everyone did, in order of time.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        Changes::of(self)
    }

    /// When the client of a number declares for the first time.
    fn comes_at(&self, number: u64) -> Micros {
        let span = self.until - LAST_COMES_BEFORE_END - FIRST_AT;
        let clients = i128::from(self.size.clients.max(1));
        let share = |number: u64| {
            Micros::try_from(i128::from(span) * i128::from(number) / clients).unwrap_or_default()
        };
        let room = share(number + 1) - share(number);
        let mut random = Random::of(self.size.seed, [purpose::COMING, number]);
        let jitter = Micros::try_from(random.below(room.unsigned_abs())).unwrap_or_default();
        FIRST_AT + share(number) + jitter
    }

    fn plan(&self, number: u64) -> SmallVec<[Planned; 8]> {
        let (count, sort) = self.shares.of(self.ranks.of(number));
        let person =
            Person { born: self.born(number), count, sort, from: self.comes_at(number), until: self.until };
        plan::plan(&person, &mut Random::of(self.size.seed, [purpose::PLAN, number]))
    }

    fn born(&self, number: u64) -> Option<Day> {
        self.codes.of(number)?.born()
    }

    fn said(&self, number: u64, planned: &Planned) -> Said {
        let things = [purpose::SAID, number, u64::from(planned.place)];
        let mut random = Random::of(self.size.seed, things);
        declared::declared(&self.country, number, self.born(number), planned, &mut random)
    }

    fn withdrawn(&self, number: u64, planned: &Planned, at: Micros) -> (Declarer, RecordedBy) {
        let things = [purpose::WITHDRAWN, number, u64::from(planned.place)];
        let mut random = Random::of(self.size.seed, things);
        declared::withdrawn(&self.country, self.born(number), planned, at, &mut random)
    }
}

#[cfg(test)]
mod tests;
