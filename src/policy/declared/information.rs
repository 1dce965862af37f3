//! When a client was informed, and what each consent could rely on.

use smallvec::SmallVec;

use super::Moment;
use crate::policy::calendar::{Calendar, InformationVersion};
use crate::policy::day::Day;
use crate::policy::declaration::Information;

/// What a client had received by when. Of two receipts the later recorded one
/// is kept only if it was given on an earlier day or informs under the Act.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received(SmallVec<[Receipt; 2]>);

/// A version that counts, received.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    recorded: Moment,
    given_on: Day,
    /// Version 1.0 or later; else it counts only until the Act.
    informs: bool,
}

impl Received {
    /// Adds a version that counts.
    pub(super) fn add(&mut self, recorded: Moment, given_on: Day, version: &InformationVersion) {
        let receipt = Receipt { recorded, given_on, informs: version.informs() };
        if !self.0.iter().any(|earlier| earlier.says_as_much_as(&receipt)) {
            self.0.retain(|other| !receipt.says_as_much_as(other));
            self.0.push(receipt);
        }
    }

    /// Whether version 1.0 or later was received.
    pub(super) fn has_informed(&self) -> bool {
        self.0.iter().any(|receipt| receipt.informs)
    }

    /// Whether the client had been informed, by what was recorded before a
    /// moment, on the day on which a consent was given (002, 003, 004: "once
    /// they have received the information"). Before the Act, under the earlier
    /// law is enough.
    pub(crate) fn had_informed(&self, before: Moment, consent_given_on: Day, is_before_act: bool) -> bool {
        self.0
            .iter()
            .filter(|receipt| receipt.recorded < before && (receipt.informs || is_before_act))
            .any(|receipt| receipt.given_on <= consent_given_on)
    }
}

impl Receipt {
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
