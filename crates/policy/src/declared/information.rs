//! The receipts of information: when a client was informed, and which
//! information each consent could rely on.

use smallvec::SmallVec;

use super::Moment;
use crate::calendar::{Calendar, InformationVersion};
use crate::day::Day;
use crate::declaration::Information;

/// A client's receipts of information. Of two receipts the one recorded later is
/// kept only if it was given on an earlier day or informs under the Act.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipts(SmallVec<[Receipt; 2]>);

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
        if !self.0.iter().any(|earlier| earlier.covers(&receipt)) {
            self.0.retain(|other| !receipt.covers(other));
            self.0.push(receipt);
        }
    }

    /// The first receipt of version 1.0 or later.
    pub(crate) fn first_informing(&self) -> Option<&Receipt> {
        self.0.iter().filter(|receipt| receipt.informs).min_by_key(|receipt| receipt.recorded)
    }

    /// The first day on which a consent recorded at a moment could be given in
    /// reliance on received information; none if no receipt was recorded before it.
    pub(crate) fn informed_on(&self, before: Moment, is_before_act: bool) -> Option<Day> {
        self.counting(before, is_before_act).map(|receipt| receipt.given_on).min()
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
        let had = |is_before_act| {
            self.counting(before, is_before_act).any(|receipt| receipt.given_on <= consent_given_on)
        };
        // The day of recording matters to few consents, and its computation takes
        // longer than the rest.
        had(false) || (!self.0.is_empty() && is_before_act() && had(true))
    }

    fn counting(&self, before: Moment, is_before_act: bool) -> impl Iterator<Item = &Receipt> {
        let counts =
            move |receipt: &&Receipt| receipt.recorded < before && (receipt.informs || is_before_act);
        self.0.iter().filter(counts)
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

    /// The place of the declaration.
    pub(crate) fn place(&self) -> u32 {
        self.recorded.1
    }

    /// The name of the version.
    pub(crate) fn version<'c>(&self, calendar: &'c Calendar) -> &'c str {
        calendar.versions.get(self.version).map_or("", |version| &version.version)
    }

    /// Whether it informs wherever the other receipt does.
    fn covers(&self, other: &Self) -> bool {
        self.recorded <= other.recorded && self.given_on <= other.given_on && (self.informs || !other.informs)
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
