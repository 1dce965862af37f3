//! The declarations of a client and their times, without the details: small
//! enough that millions can be scheduled.

use smallvec::SmallVec;

use super::random::Random;
use super::shares::Group;
use lupa::policy::day::{Day, Instant};

/// Microseconds since 1970.
pub(super) type Micros = i64;

pub(super) const SECOND: Micros = 1_000_000;
pub(super) const DAY: Micros = 86_400 * SECOND;

/// Longer than the week of [`super::changes`], so that a withdrawal is never
/// scheduled into the current week.
const WITHDRAWN_AFTER_MIN: Micros = 8 * DAY;

/// Guardians declare for younger clients.
const OWN_DECLARATIONS_YEARS: u32 = 12;

/// The days from which the newer kinds of consent are recorded.
const SOCIAL_WELFARE_FROM: Option<Day> = Day::from_ymd(2024, 1, 1);
const WELLBEING_FROM: Option<Day> = Day::from_ymd(2026, 1, 1);
/// Before the sharing itself, which starts later.
const CROSS_SECTOR_FROM: Option<Day> = Day::from_ymd(2026, 1, 1);
const NEWEST_VERSION_FROM: Option<Day> = Day::from_ymd(2025, 6, 13);
/// The end of the import of denials of former providers.
const FORMER_PROVIDERS_UNTIL: Option<Day> = Day::from_ymd(2023, 7, 1);

/// A planned declaration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    /// The place among the client's declarations.
    pub(super) place: u32,
    pub(super) at: Micros,
    pub(super) what: What,
    pub(super) withdrawn_at: Option<Micros>,
}

/// The subject of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Information,
    Consent(Consented),
    Denial(Denied),
}

/// The kind of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consented {
    Healthcare,
    SocialWelfare,
    PatientDataToSocialWelfare,
    ClientDataToHealthcare,
    WellbeingData,
    Local,
}

/// The scope of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    ServiceEvent,
    Register,
    AllPatientData,
    FormerProvider,
    Prescription,
    SocialWelfareRegister,
    ServiceTransaction,
    Document,
    ServiceTask,
}

/// The properties of a client that its plan follows from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) born: Option<Day>,
    /// Number of declarations.
    pub(super) count: u64,
    pub(super) group: Group,
    /// The time of the first declaration.
    pub(super) from: Micros,
    /// The end of the period.
    pub(super) until: Micros,
}

/// All declarations of a client, in order of time.
pub(super) fn plan(person: &Person, random: &mut Random) -> SmallVec<[Planned; 8]> {
    let mut planned: SmallVec<[Planned; 8]> = SmallVec::new();
    let mut at = person.from;
    let mut newest_given = false;
    for (place, left) in (0_u32..).zip((1..=person.count).rev()) {
        if place > 0 {
            at += step(left, person.until - at, random);
        }
        let today = Day::of(instant(at));
        let what = if is_child(person.born, today) {
            for_child(person.group, place, random)
        } else {
            let given = |what| planned.iter().any(|earlier| earlier.what == what);
            by_client(person.group, place, today, newest_given, given, random)
        };
        newest_given |= what == What::Information && NEWEST_VERSION_FROM.is_some_and(|from| from <= today);
        let withdrawn_at = withdrawn_at(what, at, person.until, random);
        end_replaced(&mut planned, what, at);
        planned.push(Planned { place, at, what, withdrawn_at });
    }
    planned
}

/// Whether a guardian declares for the client.
pub(super) fn is_child(born: Option<Day>, today: Day) -> bool {
    born.and_then(|born| born.years_until(today)).is_none_or(|years| years < OWN_DECLARATIONS_YEARS)
}

/// An instant by its microseconds.
pub(super) fn instant(at: Micros) -> Instant {
    Instant::from_timestamp_micros(at).unwrap_or_default()
}

/// The time since the previous declaration, which is often of the same session.
/// The remaining room is divided by the number of declarations that are left,
/// so that all of them fit.
fn step(left: u64, room: Micros, random: &mut Random) -> Micros {
    let room = room / Micros::try_from(left).unwrap_or(Micros::MAX);
    let most = if random.per_mille(650) { room.min(300 * SECOND) } else { room };
    1 + Micros::try_from(random.below(most.unsigned_abs())).unwrap_or_default()
}

/// A declaration by a guardian: seldom a denial, never a consent.
fn for_child(group: Group, place: u32, random: &mut Random) -> What {
    let is_denial = match group {
        Group::Uninformed => true,
        Group::Heavy => place > 0,
        Group::Dozens => place > 0 && random.per_mille(500),
        Group::Informed => place > 0 && random.per_mille(25),
    };
    if !is_denial {
        return What::Information;
    }
    let scope = if group == Group::Heavy {
        Some(Denied::ServiceEvent)
    } else {
        random.weighted(&[
            (60, Denied::ServiceEvent),
            (15, Denied::AllPatientData),
            (15, Denied::Register),
            (10, Denied::Prescription),
        ])
    };
    scope.map_or(What::Information, What::Denial)
}

/// A declaration by the client: first the information.
fn by_client(
    group: Group,
    place: u32,
    today: Day,
    newest_given: bool,
    given: impl Fn(What) -> bool,
    random: &mut Random,
) -> What {
    // Per mille of the declarations after the first: information and denials. The rest are consents.
    let (information, denials) = match group {
        Group::Uninformed => (0, 1_000),
        Group::Heavy => return heavy(place),
        Group::Dozens => (150, 500),
        Group::Informed if newest_given => (20, 4),
        Group::Informed if NEWEST_VERSION_FROM.is_some_and(|from| from <= today) => (450, 4),
        Group::Informed => (40, 4),
    };
    if place == 0 && group != Group::Uninformed {
        return What::Information;
    }
    let drawn = random.below(1_000);
    if drawn < information {
        What::Information
    } else if drawn < information + denials {
        denial(today, random)
    } else {
        consent(today, given, random)
    }
}

/// Information, a consent, and then denials of service events.
fn heavy(place: u32) -> What {
    match place {
        0 => What::Information,
        1 => What::Consent(Consented::Healthcare),
        _ => What::Denial(Denied::ServiceEvent),
    }
}

/// A kind that was given before is given again only if it is drawn twice.
fn consent(today: Day, given: impl Fn(What) -> bool, random: &mut Random) -> What {
    let from = |day: Option<Day>, weight| if day.is_some_and(|day| day <= today) { weight } else { 0 };
    let weights = [
        (50, Consented::Healthcare),
        (from(SOCIAL_WELFARE_FROM, 22), Consented::SocialWelfare),
        (from(WELLBEING_FROM, 14), Consented::WellbeingData),
        (from(CROSS_SECTOR_FROM, 8), Consented::PatientDataToSocialWelfare),
        (from(CROSS_SECTOR_FROM, 8), Consented::ClientDataToHealthcare),
        (2, Consented::Local),
    ];
    let mut draw = || What::Consent(random.weighted(&weights).unwrap_or(Consented::Healthcare));
    let first = draw();
    if given(first) { draw() } else { first }
}

fn denial(today: Day, random: &mut Random) -> What {
    let former = if FORMER_PROVIDERS_UNTIL.is_some_and(|until| today < until) { 15 } else { 0 };
    let scope = random.weighted(&[
        (45, Denied::ServiceEvent),
        (14, Denied::Register),
        (14, Denied::AllPatientData),
        (former, Denied::FormerProvider),
        (9, Denied::Prescription),
        (6, Denied::SocialWelfareRegister),
        (4, Denied::ServiceTransaction),
        (4, Denied::Document),
        (4, Denied::ServiceTask),
    ]);
    What::Denial(scope.unwrap_or(Denied::ServiceEvent))
}

/// The time of the withdrawal of some consents and denials, at least eight days later.
fn withdrawn_at(what: What, at: Micros, until: Micros, random: &mut Random) -> Option<Micros> {
    let cases = match what {
        What::Information => 0,
        What::Consent(_) => 115,
        What::Denial(_) => 150,
    };
    let earliest = at + WITHDRAWN_AFTER_MIN;
    if !random.per_mille(cases) || earliest >= until {
        return None;
    }
    let later = random.below((until - earliest).unsigned_abs());
    Some(earliest + Micros::try_from(later).unwrap_or_default())
}

/// A consent that has been replaced cannot be withdrawn.
fn end_replaced(planned: &mut [Planned], what: What, at: Micros) {
    if let What::Consent(_) = what {
        for earlier in planned.iter_mut().filter(|earlier| earlier.what == what) {
            earlier.withdrawn_at = earlier.withdrawn_at.filter(|withdrawn| *withdrawn < at);
        }
    }
}
