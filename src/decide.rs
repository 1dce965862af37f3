//! The one place where records are decided: `Decide`, `Explain`, `Simulate`,
//! Envoy's calls, scenarios and the matrix of rules all come here, so that what
//! holds for one way in holds for all. A log of decisions belongs here.
//!
//! ```text
//!  situation, facts ─ World::question ─▶ Question           once a request
//!  records ─ Decider ─▶ verdict, verdict, …                 in order, a slice at a time
//!            equal to an earlier record? its verdict again
//! ```

mod repeats;

use std::convert::Infallible;

use crate::policy::Question;
use crate::policy::verdict::Verdict;
use crate::wire::decide_call::EncodedCursor;
use crate::wire::decision::record_of;
use crate::wire::v1;
use crate::wire::view::{Malformed, RecordView};

use repeats::Repeats;

/// The records of a request, read one after the other.
pub trait Records<'r> {
    /// Why the rest of the request cannot be read.
    type Malformed;
    /// A record as it was received: equal ones get the same verdict.
    type Received: Copy + Eq;

    /// The number of records.
    fn count(&self) -> usize;

    /// Reads the next record, unless there is none. A record with an invalid field is
    /// read as that: it is denied by itself.
    ///
    /// # Errors
    /// If the request itself is malformed; the verdicts so far are then void.
    fn read_next(&mut self) -> Result<Option<(Self::Received, &RecordView<'r>)>, Self::Malformed>;
}

/// Decides the records of a request in order, a slice at a time. Of equal records
/// one is decided. Nothing is allocated for a record.
pub struct Decider<R, K> {
    records: R,
    repeats: Repeats<K>,
}

// The lifetime of the records is one of the methods, and not of the type: a future
// that holds a `Decider` would not be `Send` for every lifetime.
impl<R, K: Copy + Eq> Decider<R, K> {
    /// Starts before the first record.
    pub fn new<'r>(records: R) -> Self
    where
        R: Records<'r, Received = K>,
    {
        let repeats = Repeats::among(records.count());
        Self { records, repeats }
    }

    /// Decides the next records, at most a number of them, and passes the verdict of
    /// each to `each`. False: there are no more records.
    ///
    /// # Errors
    /// If the records are malformed; the verdicts so far are then void.
    #[inline]
    pub fn decide_next<'r>(
        &mut self,
        question: &Question<'_, '_>,
        records_max: usize,
        mut each: impl FnMut(&Verdict),
    ) -> Result<bool, R::Malformed>
    where
        R: Records<'r, Received = K>,
    {
        for _ in 0..records_max {
            let Some((received, view)) = self.records.read_next()? else { return Ok(false) };
            let decide = || question.decide_read(record_of(view));
            self.repeats.verdict(received, view, decide, &mut each);
        }
        Ok(true)
    }
}

/// Decides each record and passes its verdict to `each`, in the order of the
/// records.
///
/// # Errors
/// If the records are malformed; the verdicts so far are then void.
#[inline]
pub fn decide<'r, R: Records<'r>>(
    question: &Question<'_, '_>,
    records: R,
    each: impl FnMut(&Verdict),
) -> Result<(), R::Malformed> {
    Decider::new(records).decide_next(question, usize::MAX, each).map(drop)
}

/// Records in the message that was received, read where they lie.
impl<'r> Records<'r> for EncodedCursor<'r> {
    type Malformed = Malformed;
    type Received = &'r [u8];

    #[inline]
    fn count(&self) -> usize {
        self.count()
    }

    #[inline]
    fn read_next(&mut self) -> Result<Option<(&'r [u8], &RecordView<'r>)>, Malformed> {
        self.read_next()
    }
}

/// Records of a message that was read whole.
pub struct ReadRecords<'r> {
    left: std::slice::Iter<'r, v1::Record>,
    view: RecordView<'r>,
}

impl<'r> From<&'r [v1::Record]> for ReadRecords<'r> {
    fn from(records: &'r [v1::Record]) -> Self {
        Self { left: records.iter(), view: RecordView::default() }
    }
}

impl<'r> Records<'r> for ReadRecords<'r> {
    type Malformed = Infallible;
    type Received = Whole<'r>;

    fn count(&self) -> usize {
        self.left.len()
    }

    fn read_next(&mut self) -> Result<Option<(Whole<'r>, &RecordView<'r>)>, Infallible> {
        let Some(record) = self.left.next() else { return Ok(None) };
        self.view = RecordView::from(record);
        Ok(Some((Whole(record), &self.view)))
    }
}

/// A record of a message that was read whole.
#[derive(Clone, Copy, PartialEq)]
pub struct Whole<'r>(&'r v1::Record);

/// No field of a record is a number that differs from itself.
impl Eq for Whole<'_> {}
