//! Domain §4, information.

use chrono::NaiveDate;
use lupa::wire::v1::Register;

use super::calendar::{Calendar, EARLIER_LAW, Version, day};
use super::directory::{Side, shares_within_sector, side};
use super::world::{Place, World};

/// Information that counts.
struct Received<'a> {
    place: Place,
    given_on: NaiveDate,
    newness: usize,
    version: &'a Version,
}

/// The newness of a version is its place in the calendar's list.
pub(super) fn version<'a>(calendar: &'a Calendar, name: &str) -> Option<(usize, &'a Version)> {
    let mut versions = calendar.versions.iter().enumerate();
    versions.find(|(_, version)| version.version == name)
}

/// Given on a day on which the version was valid.
pub(super) fn was_valid(version: &Version, given_on: NaiveDate) -> bool {
    version.valid_from.is_none_or(|from| from <= given_on)
        && version.valid_until.is_none_or(|until| given_on < until)
}

/// What was received and counts: unknown versions and those dated before their
/// release or after their end are ignored, a withdrawal has no effect, and so has
/// who acknowledged it.
fn received<'a>(world: &World<'a>) -> Vec<Received<'a>> {
    let mut received = Vec::new();
    for recorded in world.recorded() {
        let Some(information) = recorded.information() else {
            continue;
        };
        let Some((newness, version)) = version(world.calendar, &information.version) else {
            continue;
        };
        let (place, given_on) = (recorded.place, recorded.given_on());
        if was_valid(version, given_on) {
            received.push(Received { place, given_on, newness, version });
        }
    }
    received
}

/// "A client informed with version 1.0 or later is informed." Who received
/// `earlier-law` alone is not, even where a consent of theirs still counts.
pub(super) fn is_informed(world: &World) -> bool {
    received(world).iter().any(|received| received.version.version != EARLIER_LAW)
}

/// Recorded before a consent, and given on the consent's day or an earlier one;
/// `earlier-law` counts for consents recorded before the Act. The client's "first
/// information" is the one given first: any that was given in time shows it.
pub(super) fn was_informed_before(world: &World, consent: Place, given_on: NaiveDate) -> bool {
    let before_the_act = day(consent.recorded_at) < world.calendar.act_in_force;
    received(world)
        .iter()
        .filter(|received| received.version.version != EARLIER_LAW || before_the_act)
        .any(|received| received.place < consent && received.given_on <= given_on)
}

pub(super) fn opens_uusimaa(world: &World) -> bool {
    received(world).iter().any(|received| received.version.opens_uusimaa)
}

/// Nothing received that is as new as the newest, or would be with `besides`.
pub(super) fn must_inform(world: &World, besides: Option<&str>) -> bool {
    let newest = world
        .calendar
        .versions
        .iter()
        .enumerate()
        .filter(|(_, version)| {
            let from = version.newest_from.or(version.valid_from);
            from.is_none_or(|from| from <= world.today())
        })
        .map(|(newness, _)| newness)
        .max();
    let besides = besides.and_then(|name| version(world.calendar, name));
    let mut had: Vec<usize> = received(world).into_iter().map(|received| received.newness).collect();
    had.extend(besides.map(|(newness, _)| newness));
    !had.into_iter().any(|newness| Some(newness) >= newest)
}

/// "For a requester in social welfare only once its register has joined Kanta
/// and shares within the sector."
pub(super) fn concerns(world: &World, register: Option<&Register>) -> bool {
    register.is_none_or(|register| {
        side(register) != Side::SocialWelfare || shares_within_sector(register, world.today())
    })
}
