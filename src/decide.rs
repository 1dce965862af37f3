//! The one place where records are decided: `Decide`, `Explain`, `Simulate`,
//! Envoy's calls, scenarios and the matrix of rules all come here, so that what
//! holds for one way in holds for all. A log of decisions belongs here.
//!
//! ```text
//!  situation, facts ─ World::question ─▶ Question      once a request
//!  records ─ decide ─▶ verdict, verdict, …             one a record, in order
//! ```

use std::convert::Infallible;

use crate::policy::Question;
use crate::policy::calendar::Calendar;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::policy::facts::Facts;
use crate::policy::request::Situation;
use crate::policy::verdict::Verdict;
use crate::wire::codec::EncodedRecords;
use crate::wire::decision::{ReadRecord, record};
use crate::wire::v1;
use crate::wire::view::Malformed;

/// What a decision depends on besides the request and the client's declarations.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The organisations and registers.
    pub directory: &'a Directory,
    /// The dates of the rules.
    pub calendar: &'a Calendar,
    /// The instant of the decision.
    pub now: Instant,
}

/// The records of a request, read one after the other.
pub trait Records<'r> {
    /// Why the rest of the request cannot be read.
    type Malformed;

    /// Reads every record in order. A record with an invalid field is passed on
    /// as that: it is denied by itself.
    ///
    /// # Errors
    /// If the request itself is malformed; the verdicts so far are then void.
    fn read_each(self, each: impl FnMut(ReadRecord<'r>)) -> Result<(), Self::Malformed>;
}

impl<'q> World<'q> {
    /// The question that a situation and the facts of a client's declarations, in
    /// revision order, pose.
    #[inline]
    #[must_use]
    pub fn question<'f>(
        self,
        situation: &'q Situation<'q>,
        facts: impl IntoIterator<Item = Facts<'f>>,
    ) -> Question<'q, 'f> {
        Question::new(situation, facts, self.directory, self.calendar, self.now)
    }
}

/// Decides each record and passes its verdict to `each`, in the order of the
/// records. Nothing is allocated for a record.
///
/// # Errors
/// If the records are malformed; the verdicts so far are then void.
#[inline]
pub fn decide<'r, R: Records<'r>>(
    question: &Question<'_, '_>,
    records: R,
    mut each: impl FnMut(&Verdict),
) -> Result<(), R::Malformed> {
    records.read_each(|record| each(&question.decide_read(record)))
}

/// Records in the message that was received, read where they lie.
impl<'r> Records<'r> for &'r EncodedRecords {
    type Malformed = Malformed;

    #[inline]
    fn read_each(self, each: impl FnMut(ReadRecord<'r>)) -> Result<(), Malformed> {
        self.read(each)
    }
}

/// Records of a message that was read whole.
impl<'r> Records<'r> for &'r [v1::Record] {
    type Malformed = Infallible;

    fn read_each(self, each: impl FnMut(ReadRecord<'r>)) -> Result<(), Infallible> {
        self.iter().map(record).for_each(each);
        Ok(())
    }
}
