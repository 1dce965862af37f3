//! Which information a client has received, and whether newer must be given
//! (000, 001).

use super::calendar::{Calendar, InformationVersion};
use super::day::{Day, Instant};
use super::declaration::{ClientDeclarations, Content, Declaration, Information};
use super::declared::counted_version;

/// Which information a client has received by an instant.
#[derive(Clone, Debug)]
pub struct InformationStatus<'a> {
    /// Each version received, in revision order.
    pub received: Vec<Received<'a>>,
    /// The newest version there is.
    pub newest: Option<&'a InformationVersion>,
    /// Nothing received that is as new as the newest.
    pub must_inform: bool,
}

/// A version received.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The declaration.
    pub declaration: &'a Declaration,
    /// What it says.
    pub information: &'a Information,
    /// False: of an unknown version or dated before its release, a data error.
    pub counts: bool,
}

/// What a client has been informed of by an instant.
#[must_use]
pub fn information_status<'a>(
    declarations: &'a ClientDeclarations,
    calendar: &'a Calendar,
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
    let must_inform = newest.is_some_and(|(place, _)| newest_received < Some(place));
    InformationStatus { received, newest: newest.map(|(_, version)| version), must_inform }
}
