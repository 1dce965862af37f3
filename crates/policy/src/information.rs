//! Which versions of the "Information about the Kanta Services" a client has
//! received, and whether a newer version must be given (000, 001).

use super::calendar::{Calendar, InformationVersion};
use super::day::{Day, Instant};
use super::declaration::{ClientDeclarations, Content, Declaration, Information};
use super::declared::counted_version;
use super::directory::{Party, Sector};

/// Which information a client has received by an instant.
#[derive(Clone, Debug)]
pub struct InformationStatus<'a> {
    /// Each version received, in revision order.
    pub received: Vec<Received<'a>>,
    /// The newest version there is.
    pub newest: Option<&'a InformationVersion>,
    /// The client has not received the newest version or a later one.
    pub is_outdated: bool,
    /// The register that asks must give the newest version; a register of social
    /// welfare only once it shares within the sector (000, 001).
    pub must_inform: bool,
}

/// A version that the client has received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The declaration.
    pub declaration: &'a Declaration,
    /// The content of the declaration.
    pub information: &'a Information,
    /// False: the version is unknown, or the receipt is dated before the
    /// version's release or after the end of its validity, which is a data error.
    pub counts: bool,
}

/// Which information a client has received by an instant. `asked_by` is the
/// register that asks; none: the duty to inform does not depend on a register.
#[must_use]
pub fn information_status<'a>(
    declarations: &'a ClientDeclarations,
    calendar: &'a Calendar,
    asked_by: Option<&Party<'_>>,
    now: Instant,
) -> InformationStatus<'a> {
    let newest = calendar.newest_version(Day::of(now));
    let mut newest_received = None;
    let received = declarations
        .iter()
        .filter(|declaration| declaration.recorded_at <= now)
        .filter_map(|declaration| {
            let Content::Information(information) = &declaration.content else {
                return None;
            };
            let counted =
                counted_version(information, declaration.given_on(), calendar).map(|(place, _)| place);
            newest_received = newest_received.max(counted);
            Some(Received { declaration, information, counts: counted.is_some() })
        })
        .collect();
    let is_outdated = newest.is_some_and(|(place, _)| newest_received < Some(place));
    let has_duty = asked_by.is_none_or(|register| must_inform_through(register, Day::of(now)));
    let newest = newest.map(|(_, version)| version);
    InformationStatus { received, newest, is_outdated, must_inform: is_outdated && has_duty }
}

/// Whether the duty to inform has started for a register: in social welfare only
/// once the register has joined Kanta and shares within the sector (000, 001).
pub(crate) fn must_inform_through(party: &Party<'_>, today: Day) -> bool {
    party.register.kind.sector() != Some(Sector::SocialWelfare) || party.register.shares_within_sector(today)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{declared, noon};

    fn received(version: &str, day: &str) -> Declaration {
        declared("information", day, Content::Information(Information { version: version.into(), way: None }))
    }

    #[test]
    fn only_a_receipt_that_counts_of_the_newest_version_is_enough() {
        let calendar = Calendar::published();
        let old = received("1.1", "2024-01-01");
        let unknown = received("9.9", "2025-07-01");
        let newest = received("2.0", "2025-07-01");
        let later = received("2.0", "2026-02-02");
        for (declarations, counts, must_inform) in [
            (vec![], vec![], true),
            (vec![old.clone()], vec![true], true),
            (vec![old.clone(), unknown], vec![true, false], true),
            (vec![newest, old.clone()], vec![true, true], false),
            (vec![old, later], vec![true], true),
        ] {
            let status = information_status(&declarations, &calendar, None, noon("2026-02-01"));
            let counted: Vec<bool> = status.received.iter().map(|received| received.counts).collect();
            assert_eq!((counted, status.must_inform), (counts, must_inform), "{declarations:?}");
        }
    }

    #[test]
    fn information_counts_from_the_instant_at_which_it_is_recorded() {
        let declarations = [received("2.0", "2026-02-01")];
        let calendar = Calendar::published();
        assert!(!information_status(&declarations, &calendar, None, noon("2026-02-01")).must_inform);
        assert!(information_status(&declarations, &calendar, None, noon("2026-01-31")).must_inform);
    }
}
