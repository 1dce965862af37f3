//! The receipts of information: when a client was informed, and which
//! information each consent could rely on.

use smallvec::SmallVec;

use super::Moment;
use crate::calendar::{Calendar, InformationVersion};
use crate::day::Day;
use crate::declaration::Information;

/// A client's receipts of information.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipts {
    /// Of version 1.0 or later.
    informing: Steps,
    /// Of earlier versions, which count only until the Act.
    of_earlier_law: Steps,
}

/// The receipts that a later question may need, in the order of recording: of two
/// receipts the one recorded later is kept only if it was given on an earlier day.
/// So the last one before a moment is the one given first.
#[derive(Clone, Debug, Default)]
struct Steps(SmallVec<[Receipt; 2]>);

/// The receipt of a version that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    recorded: Moment,
    /// The day on which the client received it.
    pub(crate) given_on: Day,
    /// Whether the version is 1.0 or later; otherwise the receipt counts only
    /// until the Act.
    informs: bool,
    /// The version, by its index from the oldest.
    version: usize,
}

impl Receipts {
    /// Adds a receipt.
    #[inline]
    pub(super) fn add(&mut self, receipt: Receipt) {
        if receipt.informs {
            self.informing.add(receipt);
        } else {
            self.of_earlier_law.add(receipt);
        }
    }

    /// The first receipt of version 1.0 or later.
    pub(crate) fn first_informing(&self) -> Option<&Receipt> {
        self.informing.0.first()
    }

    /// The first day on which a consent recorded at a moment could be given in
    /// reliance on received information; none if no receipt was recorded before it.
    pub(crate) fn informed_on(&self, before: Moment, is_before_act: bool) -> Option<Day> {
        let of_earlier_law = is_before_act.then(|| self.of_earlier_law.first_day(before)).flatten();
        [self.informing.first_day(before), of_earlier_law].into_iter().flatten().min()
    }

    /// Whether a receipt recorded before a moment shows that the client was
    /// informed on the day on which a consent was given (002, 003, 004: "once they
    /// have received the information"). Before the Act, information under the
    /// earlier law is enough.
    pub(crate) fn had_informed(
        &self,
        before: Moment,
        consent_given_on: Day,
        is_before_act: impl FnOnce() -> bool,
    ) -> bool {
        let had = |steps: &Steps| steps.first_day(before).is_some_and(|day| day <= consent_given_on);
        // The day of recording matters to few consents, and its computation takes
        // longer than the rest.
        had(&self.informing) || (had(&self.of_earlier_law) && is_before_act())
    }
}

impl Steps {
    #[inline]
    fn add(&mut self, receipt: Receipt) {
        let at = self.before(receipt.recorded);
        let is_needed = |earlier: &Receipt| receipt.given_on < earlier.given_on;
        if !at.checked_sub(1).and_then(|last| self.0.get(last)).is_none_or(is_needed) {
            return;
        }
        let later = self.0.get(at..).unwrap_or_default();
        let covered = later.iter().take_while(|later| later.given_on >= receipt.given_on).count();
        self.0.drain(at..at + covered);
        self.0.insert(at, receipt);
    }

    /// The first day on which one was given of those recorded before a moment.
    fn first_day(&self, moment: Moment) -> Option<Day> {
        let last = self.before(moment).checked_sub(1)?;
        self.0.get(last).map(|receipt| receipt.given_on)
    }

    /// The number of those recorded before a moment.
    #[inline]
    fn before(&self, moment: Moment) -> usize {
        self.0.partition_point(|receipt| receipt.recorded < moment)
    }
}

impl Receipt {
    /// The receipt of a version that counts, given by its index and the version.
    #[inline]
    pub(super) fn of(
        recorded: Moment,
        given_on: Day,
        (place, version): (usize, &InformationVersion),
    ) -> Self {
        Self { recorded, given_on, informs: version.informs(), version: place }
    }

    /// Whether it counts for a consent that is recorded at a moment.
    #[cfg(test)]
    pub(super) fn counts(&self, before: Moment, is_before_act: bool) -> bool {
        self.recorded < before && (self.informs || is_before_act)
    }

    /// The place of the declaration.
    pub(crate) fn place(&self) -> u32 {
        self.recorded.1
    }

    /// The name of the version.
    pub(crate) fn version<'c>(&self, calendar: &'c Calendar) -> &'c str {
        calendar.versions.get(self.version).map_or("", |version| &version.version)
    }
}

/// The version of information received, with its index, if it counts. A receipt
/// dated before the release or after the end of validity is a data error (001).
#[inline]
pub(crate) fn counted_version<'c>(
    information: &Information,
    given_on: Day,
    calendar: &'c Calendar,
) -> Option<(usize, &'c InformationVersion)> {
    calendar.version(&information.version).filter(|(_, version)| version.is_valid_on(given_on))
}
