//! When a client was informed, and what each consent could rely on.

use smallvec::SmallVec;

use super::Moment;
use crate::calendar::{Calendar, InformationVersion};
use crate::day::Day;
use crate::declaration::Information;

/// What a client had received by when. Of two receipts the later recorded one
/// is kept only if it was given on an earlier day or informs under the Act.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received(SmallVec<[Receipt; 2]>);

/// A version that counts, received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    recorded: Moment,
    /// The day on which the client received it.
    pub(crate) given_on: Day,
    /// Version 1.0 or later; else it counts only until the Act.
    informs: bool,
    /// The version, by its place from the oldest.
    version: usize,
}

impl Received {
    /// Adds a version that counts.
    pub(super) fn add(&mut self, receipt: Receipt) {
        if !self.0.iter().any(|earlier| earlier.says_as_much_as(&receipt)) {
            self.0.retain(|other| !receipt.says_as_much_as(other));
            self.0.push(receipt);
        }
    }

    /// The first receipt of version 1.0 or later.
    pub(crate) fn first_informing(&self) -> Option<&Receipt> {
        self.0.iter().filter(|receipt| receipt.informs).min_by_key(|receipt| receipt.recorded)
    }

    /// The day from which consents recorded after a moment could rely on
    /// information received; none if none was recorded before it.
    pub(crate) fn informed_on(&self, before: Moment, is_before_act: bool) -> Option<Day> {
        self.counting(before, is_before_act).map(|receipt| receipt.given_on).min()
    }

    /// Whether the client had been informed, by what was recorded before a
    /// moment, on the day on which a consent was given (002, 003, 004: "once
    /// they have received the information"). Before the Act, under the earlier
    /// law is enough.
    pub(crate) fn had_informed(
        &self,
        before: Moment,
        consent_given_on: Day,
        is_before_act: impl FnOnce() -> bool,
    ) -> bool {
        let had = |is_before_act| {
            self.counting(before, is_before_act).any(|receipt| receipt.given_on <= consent_given_on)
        };
        // Which day it was recorded on matters to few, and takes longer than the rest.
        had(false) || (!self.0.is_empty() && is_before_act() && had(true))
    }

    fn counting(&self, before: Moment, is_before_act: bool) -> impl Iterator<Item = &Receipt> {
        let counts =
            move |receipt: &&Receipt| receipt.recorded < before && (receipt.informs || is_before_act);
        self.0.iter().filter(counts)
    }
}

impl Receipt {
    /// The receipt of a version that counts.
    pub(super) fn of(
        recorded: Moment,
        given_on: Day,
        (place, version): (usize, &InformationVersion),
    ) -> Self {
        Self { recorded, given_on, informs: version.informs(), version: place }
    }

    /// Where its declaration is among the client's.
    pub(crate) fn place(&self) -> u32 {
        self.recorded.1
    }

    /// The name of the version.
    pub(crate) fn version<'c>(&self, calendar: &'c Calendar) -> &'c str {
        calendar.versions.get(self.version).map_or("", |version| &version.version)
    }

    fn says_as_much_as(&self, other: &Self) -> bool {
        self.recorded <= other.recorded && self.given_on <= other.given_on && (self.informs || !other.informs)
    }
}

/// The version of information received, if it counts. One dated before its
/// release or after its validity is a data error (001).
pub(crate) fn counted_version<'c>(
    information: &Information,
    given_on: Day,
    calendar: &'c Calendar,
) -> Option<(usize, &'c InformationVersion)> {
    calendar.version(&information.version).filter(|(_, version)| version.is_valid_on(given_on))
}
