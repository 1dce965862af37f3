//! The one place where records are decided. `Decide`, `Explain`, `Simulate`,
//! Envoy's checks, scenarios and the matrix differ in where the facts come from
//! and in what becomes of the verdicts; all of them decide here. A decision log
//! would stand here too: it would see every record with its verdict.
//!
//! ```text
//! situation, facts, circumstances ─ Decider::new ─▶ Decider       once a request
//! records ─────────────────────── Decider::decide ─▶ each verdict  in their order
//! ```

use std::convert::Infallible;

use crate::policy::Question;
use crate::policy::calendar::Calendar;
use crate::policy::day::Instant;
use crate::policy::directory::{Directory, RegisterKind};
use crate::policy::explain::Explanation;
use crate::policy::facts::Facts;
use crate::policy::request::Situation;
use crate::policy::verdict::Verdict;
use crate::wire::codec::RawRecords;
use crate::wire::decision::{self, ReadRecord};
use crate::wire::v1;
use crate::wire::verdict::{Disclosure, to_verdict};
use crate::wire::view::Malformed;

/// What decides besides the request and the client's declarations.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'q> {
    /// The organisations and registers.
    pub directory: &'q Directory,
    /// The dates from which rules are in force.
    pub calendar: &'q Calendar,
    /// The instant at which the request is decided.
    pub now: Instant,
}

/// The records of a request, read one after the other.
pub trait Records {
    /// Why reading them can fail as a whole.
    type Fault;

    /// Passes each record, in order, to `visit`.
    fn try_each<'r>(&'r self, visit: impl FnMut(ReadRecord<'r>)) -> Result<(), Self::Fault>;
}

/// Decides the records of one request.
///
/// `'a` is the lifetime of the client's declarations.
#[derive(Debug)]
pub struct Decider<'q, 'a> {
    question: Question<'q, 'a>,
}

impl<'q, 'a> Decider<'q, 'a> {
    /// Evaluates the situation and the client's declarations, in revision order.
    #[must_use]
    pub fn new(
        situation: &'q Situation<'q>,
        declarations: impl IntoIterator<Item = Facts<'a>>,
        circumstances: Circumstances<'q>,
    ) -> Self {
        let Circumstances { directory, calendar, now } = circumstances;
        Self { question: Question::new(situation, declarations, directory, calendar, now) }
    }

    /// The kind of the requester's register; none if the directory does not know it.
    #[must_use]
    pub fn requester(&self) -> Option<RegisterKind> {
        self.question.requester()
    }

    /// Decides every record, in order, and passes each verdict to `each`. It
    /// allocates nothing for a record.
    #[inline]
    pub fn decide<R: Records + ?Sized>(
        &self,
        records: &R,
        mut each: impl FnMut(&Verdict),
    ) -> Result<(), R::Fault> {
        records.try_each(|record| each(&self.question.decide_read(record)))
    }

    /// The verdicts on records of a message, with what the caller may see.
    /// `id_of` gives the id of the declaration at a place.
    pub fn verdicts<I: AsRef<str>>(
        &self,
        records: &[v1::Record],
        disclosure: Disclosure,
        id_of: impl Fn(u32) -> Option<I>,
    ) -> Vec<v1::Verdict> {
        let mut verdicts = Vec::with_capacity(records.len());
        let Ok(()) = self.decide(records, |verdict| verdicts.push(to_verdict(verdict, disclosure, &id_of)));
        verdicts
    }

    /// The verdict on one record, with every rule that was evaluated.
    #[must_use]
    pub fn explain(&self, record: &ReadRecord<'_>) -> Explanation {
        match record {
            Ok(record) => self.question.explain(record),
            Err(field) => Explanation { verdict: Verdict::invalid(*field), steps: Vec::new() },
        }
    }
}

impl Records for RawRecords {
    type Fault = Malformed;

    #[inline]
    fn try_each<'r>(&'r self, visit: impl FnMut(ReadRecord<'r>)) -> Result<(), Malformed> {
        self.read(visit)
    }
}

impl Records for [v1::Record] {
    type Fault = Infallible;

    #[inline]
    fn try_each<'r>(&'r self, visit: impl FnMut(ReadRecord<'r>)) -> Result<(), Infallible> {
        self.iter().map(decision::record).for_each(visit);
        Ok(())
    }
}
