//! A synthetic population with as many clients and declarations as a country, to
//! try a server out and to measure it.
//!
//! A seed gives the same population everywhere. Nothing is stored: a client and
//! its declarations are computed from the client's number, and
//! [`Population::changes`] computes all changes in order of time.
//!
//! # Clients
//!
//! The client of a number has an identity code of the 900-series, which is
//! given to nobody. There are [`CODES_MAX`] of them: 36,525 birth dates (a
//! century, which ends before the first declaration), the six signs of each
//! century and the individual numbers 900 to 999. A number is split into these
//! three, so that no two numbers have the same code; a seeded permutation
//! before that spreads neighbouring numbers over the century. The ages are
//! therefore distributed evenly, not as a pyramid.
//!
//! # Declarations
//!
//! - 95 % of the clients are informed, with the version of the day: 1.0 until
//!   2022-11-21, 1.1 until 2023-11-29, 2.0 since; some again with a newer one.
//!   The others have denied something without it.
//! - Most declarations are consents: in healthcare, in social welfare from
//!   2024, for wellbeing data and across sectors (before that sharing starts)
//!   from 2026, one in three of the latter allocated; a few local ones. A tenth
//!   is withdrawn.
//! - Three to four in a hundred declarations are denials: of service events,
//!   registers, all patient data, former providers (given before 2023),
//!   prescriptions, and in social welfare of registers, transactions, documents
//!   and tasks; none extensive, which cannot be recorded yet. One in eight is
//!   withdrawn.
//! - Most clients have one to five declarations; one in 500 has 12 to 60; for
//!   every two million declarations one client has 10,000, denials of service
//!   events.
//! - Guardians declare for children under twelve, legal representatives for some
//!   adults. Three of four declarations are recorded in MyKanta, the others, and
//!   every denial by a guardian, by professionals; some information and denials
//!   are given on paper up to 30 days earlier.
//! - The policy would have admitted each of them when it was recorded.
//!
//! # Times
//!
//! From 2022-11-01, to the microsecond. The first declarations of the clients
//! are spread evenly over the years, in an order that is independent of their
//! codes.
//!
//! The directory is synthetic too, and as large as the country's: 270
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
pub use declared::Stated;

use codes::Codes;
use country::Country;
use lupa::policy::client_id::ClientId;
use lupa::policy::day::{Day, Instant};
use lupa::policy::declaration::{Declarer, RecordedBy};
use lupa::policy::directory::Directory;
use permutation::Permutation;
use plan::{DAY, Micros, Person, Planned, instant};
use random::Random;
use shares::Shares;

/// Noon of 2022-11-01 in UTC: the time of the first change.
const FIRST_AT: Micros = 1_667_304_000_000_000;

/// The period at the end in which no client declares for the first time, so that
/// the last clients have time for more than one declaration.
const NO_FIRST_BEFORE_END: Micros = DAY;

/// Makes the sequences of random numbers independent of each other.
mod purpose {
    pub(super) const CODES: u64 = 1;
    pub(super) const RANKS: u64 = 2;
    pub(super) const FIRST: u64 = 3;
    pub(super) const PLAN: u64 = 4;
    pub(super) const STATED: u64 = 5;
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

/// The size of a population, and which one of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PopulationSize {
    /// Number of clients; each has at least one declaration.
    pub clients: u64,
    /// Number of declarations of all clients, without withdrawals.
    pub declarations: u64,
    /// Selects one of the populations of this size.
    pub seed: u64,
    /// Every change is recorded before this instant. Used to the microsecond.
    pub until: Instant,
}

/// Why there is no population of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PopulationFault {
    /// There are more clients than identity codes.
    #[error("the identity codes of the 900-series are enough for at most {CODES_MAX} clients")]
    TooManyClients,
    /// There are more clients than declarations.
    #[error("each client has at least one declaration: request at least as many declarations as clients")]
    TooFewDeclarations,
    /// The period is too short.
    #[error("the population starts on 2022-11-01 and needs at least ten days")]
    TooEarly,
    /// The synthetic directory is invalid.
    #[error("the synthetic directory has a fault")]
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

    /// The number of clients.
    #[must_use]
    pub fn clients(&self) -> u64 {
        self.size.clients
    }

    /// The synthetic directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.country.directory
    }

    /// The time at which the directory is recorded, before every other change.
    #[must_use]
    pub fn starts_at(&self) -> Instant {
        instant(FIRST_AT)
    }

    /// The client of a number; `None` if there is no such client.
    #[must_use]
    pub fn client(&self, number: u64) -> Option<ClientId> {
        let code = (number < self.size.clients).then(|| self.codes.of(number)).flatten()?;
        Some(ClientId::National(code))
    }

    /// The declarations of the client of a number, each with the times at which
    /// it was recorded and withdrawn, in order of time.
    pub fn history(&self, number: u64) -> impl Iterator<Item = (Instant, Stated, Option<Instant>)> {
        let planned = if number < self.size.clients { self.plan(number) } else { SmallVec::new() };
        planned.into_iter().map(move |planned| {
            (instant(planned.at), self.stated(number, &planned), planned.withdrawn_at.map(instant))
        })
    }

    /// The changes of all clients, in order of time.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        Changes::of(self)
    }

    /// The time of the first declaration of the client of a number.
    fn first_at(&self, number: u64) -> Micros {
        let span = self.until - NO_FIRST_BEFORE_END - FIRST_AT;
        let clients = i128::from(self.size.clients.max(1));
        let share = |number: u64| {
            Micros::try_from(i128::from(span) * i128::from(number) / clients).unwrap_or_default()
        };
        let room = share(number + 1) - share(number);
        let mut random = Random::of(self.size.seed, [purpose::FIRST, number]);
        let jitter = Micros::try_from(random.below(room.unsigned_abs())).unwrap_or_default();
        FIRST_AT + share(number) + jitter
    }

    fn plan(&self, number: u64) -> SmallVec<[Planned; 8]> {
        let (count, group) = self.shares.of(self.ranks.of(number));
        let person =
            Person { born: self.born(number), count, group, from: self.first_at(number), until: self.until };
        plan::plan(&person, &mut Random::of(self.size.seed, [purpose::PLAN, number]))
    }

    fn born(&self, number: u64) -> Option<Day> {
        self.codes.of(number)?.born()
    }

    fn stated(&self, number: u64, planned: &Planned) -> Stated {
        let key = [purpose::STATED, number, u64::from(planned.place)];
        let mut random = Random::of(self.size.seed, key);
        declared::declared(&self.country, number, self.born(number), planned, &mut random)
    }

    fn withdrawn(&self, number: u64, planned: &Planned, at: Micros) -> (Declarer, RecordedBy) {
        let key = [purpose::WITHDRAWN, number, u64::from(planned.place)];
        let mut random = Random::of(self.size.seed, key);
        declared::withdrawn(&self.country, self.born(number), planned, at, &mut random)
    }
}

#[cfg(test)]
mod tests;
