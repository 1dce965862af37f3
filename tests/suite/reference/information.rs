//! Domain §4, information.

use lupa::wire::v1::Register;

use super::calendar::Calendar;
use super::calendar::EARLIER_LAW;
use super::calendar::Version;
use super::directory::Side;
use super::directory::shares_within_sector;
use super::directory::side;
use super::world::Place;
use super::world::World;

/// The newness of a version is its place in the calendar's list.
pub(super) fn version<'a>(calendar: &'a Calendar, name: &str) -> Option<(usize, &'a Version)> {
    let mut versions = calendar.versions.iter().enumerate();
    versions.find(|(_, version)| version.version == name)
}

/// What was received and counts: unknown versions and those dated before their
/// release are ignored, a withdrawal has no effect, and so has who acknowledged it.
fn received<'a>(world: &World<'a>) -> Vec<(Place, usize, &'a Version)> {
    let mut received = Vec::new();
    for recorded in world.recorded() {
        let Some(information) = recorded.information() else {
            continue;
        };
        let Some((newness, version)) = version(world.calendar, &information.version) else {
            continue;
        };
        if version.valid_from.is_none_or(|from| from <= recorded.given_on()) {
            received.push((recorded.place, newness, version));
        }
    }
    received
}

/// "A client informed with version 1.0 or later is informed." Who received
/// `earlier-law` alone is not, even where a consent of theirs still counts.
pub(super) fn is_informed(world: &World) -> bool {
    received(world).iter().any(|(_, _, version)| version.version != EARLIER_LAW)
}

/// Before this consent; `earlier-law` counts for those recorded before the Act.
pub(super) fn was_informed_before(world: &World, consent: Place) -> bool {
    let before_the_act = super::calendar::day(consent.recorded_at) < world.calendar.act_in_force;
    received(world)
        .iter()
        .any(|(place, _, version)| *place < consent && (version.version != EARLIER_LAW || before_the_act))
}

pub(super) fn opens_uusimaa(world: &World) -> bool {
    received(world).iter().any(|(_, _, version)| version.opens_uusimaa)
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
    let mut had: Vec<usize> = received(world).into_iter().map(|(_, newness, _)| newness).collect();
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
