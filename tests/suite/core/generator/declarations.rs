//! Declarations of clients: most affect the request, many are unusual.

mod acts;
mod denials;

use chrono::{DateTime, TimeDelta, Utc};
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::recorded_by::System as Recorder;
use lupa::wire::v1::{
    Consent, ConsentKind, Declaration, Declarer, Denial, Information, MyKanta, RecordedBy, Role, Sector,
    StoredDeclaration, Way,
};

use super::directory::organisation_oid;
use super::requests::{Ends, Theme};
use super::rng::Rng;
use super::times::{any_instant, timestamp};
use super::{Setting, allocations};
use crate::core::reference::{day, ymd};
pub(super) use denials::another_denial;
use denials::{denial, deny_again, deny_predecessor};

/// The earliest anything is recorded.
const BEGINNING: (i32, u32, u32) = (2018, 1, 1);

/// In revision order, which is mostly also that of recording.
pub(super) fn declarations(rng: &mut Rng, setting: &Setting, ends: &Ends) -> Vec<StoredDeclaration> {
    let mut stored: Vec<(DateTime<Utc>, StoredDeclaration)> = Vec::new();
    if rng.chance(65) {
        cooperate(rng, setting, ends, &mut stored);
    }
    if rng.chance(42) {
        for _ in 0..=rng.below(2) {
            let denial = denial(rng, setting, ends);
            store(rng, setting, Content::Denial(denial), &mut stored);
        }
    }
    if rng.chance(68) {
        deny_predecessor(rng, setting, ends, &mut stored);
    }
    if rng.chance(40) {
        acts::acts(rng, setting, ends, &mut stored);
    }
    for _ in 0..rng.weighted(&[(45, 0), (30, 1), (15, 2), (10, 4)]) {
        let content = content(rng, setting, ends);
        store(rng, setting, content, &mut stored);
    }
    if rng.chance(12) {
        deny_again(rng, setting, &mut stored);
    }
    if rng.chance(95) {
        stored.sort_by_key(|(recorded_at, _)| *recorded_at);
    }
    let mut stored: Vec<StoredDeclaration> = stored.into_iter().map(|(_, stored)| stored).collect();
    for (number, stored) in (1..).zip(&mut stored) {
        if rng.chance(85) {
            stored.id = format!("stored-{number}");
        }
    }
    stored
}

/// Informs the client with a good version, and then has them consent.
fn cooperate(
    rng: &mut Rng,
    setting: &Setting,
    ends: &Ends,
    stored: &mut Vec<(DateTime<Utc>, StoredDeclaration)>,
) {
    let beginning = ymd(BEGINNING.0, BEGINNING.1, BEGINNING.2);
    let today = day(setting.at);
    let informed_at = match rng.below(3) {
        0 => setting.anchors.near(rng, beginning, today),
        1 => any_instant(rng, beginning, today),
        _ => any_instant(rng, today - TimeDelta::days(400), today),
    };
    let informed_at = informed_at.min(setting.at);
    let informed_on = day(informed_at);
    let valid: Vec<String> = setting
        .calendar
        .versions
        .iter()
        .filter(|version| version.valid_from.is_none_or(|from| from <= informed_on))
        .filter(|version| version.valid_until.is_none_or(|until| informed_on < until))
        .map(|version| version.version.clone())
        .collect();
    let version = match rng.below(100) {
        0..70 => valid.last().unwrap().clone(),
        70..92 => rng.pick(&valid),
        _ => rng.pick(&setting.calendar.versions).version,
    };
    let information = Content::Information(Information { version, way: Way::MyKanta.into() });
    stored.push((informed_at, by_client(rng, information, informed_at)));
    if rng.chance(25) {
        return;
    }
    let consent = consent(rng, setting, ends, true);
    let left = (setting.at - informed_at).num_seconds();
    let consented_at = informed_at + TimeDelta::seconds(rng.between(0, left));
    let mut declaration = by_client(rng, Content::Consent(consent), consented_at);
    if rng.chance(22) {
        // As if before the information, and with a clock that is ahead.
        let days = TimeDelta::days(rng.between(0, 30));
        let given_at = rng.pick(&[informed_at - days, consented_at - days, consented_at + days / 10]);
        declaration.given_at = Some(timestamp(given_at));
    }
    let guardian = if setting.theme == Theme::Wellbeing { 85 } else { 40 };
    if day(consented_at) < setting.adult_from && rng.chance(guardian) {
        declaration.declarer = declarer(rng.pick(&[Role::Guardian, Role::LegalRepresentative]));
    }
    if rng.chance(15) {
        withdraw(rng, setting, consented_at, &mut declaration);
    }
    stored.push((consented_at, declaration));
}

fn by_client(rng: &mut Rng, content: Content, at: DateTime<Utc>) -> StoredDeclaration {
    StoredDeclaration {
        id: String::new(),
        declaration: Some(Declaration { content: Some(content) }),
        given_at: rng.chance(50).then(|| timestamp(at)),
        recorded_at: Some(timestamp(at)),
        withdrawn_at: None,
        withdrawn_by: None,
        declarer: declarer(Role::Client),
        recorded_by: Some(RecordedBy { system: Some(Recorder::MyKanta(MyKanta {})) }),
        withdrawal_given_at: None,
        replaced_by: String::new(),
        covers: Vec::new(),
    }
}

pub(super) fn declarer(role: Role) -> Option<Declarer> {
    (role != Role::Unspecified).then(|| Declarer {
        role: role.into(),
        name: String::new(),
        id: String::new(),
    })
}

pub(super) fn role(rng: &mut Rng) -> Role {
    rng.weighted(&[
        (76, Role::Client),
        (8, Role::Guardian),
        (9, Role::LegalRepresentative),
        (4, Role::AuthorisedPerson),
        (3, Role::Unspecified),
    ])
}

fn store(
    rng: &mut Rng,
    setting: &Setting,
    content: Content,
    stored: &mut Vec<(DateTime<Utc>, StoredDeclaration)>,
) {
    let earlier: Vec<DateTime<Utc>> = stored.iter().map(|(at, _)| *at).collect();
    let recorded_at =
        if !earlier.is_empty() && rng.chance(12) { rng.pick(&earlier) } else { moment(rng, setting) };
    let content = may_be_for_both(rng, content);
    let withdrawn = if matches!(content, Content::Denial(_)) { 36 } else { 22 };
    let mut declaration = by_client(rng, content, recorded_at);
    if rng.chance(20) {
        let late = TimeDelta::days(rng.between(0, 500)) + TimeDelta::seconds(rng.between(0, 9));
        declaration.given_at = Some(timestamp(recorded_at - late));
    } else if rng.chance(14) {
        let ahead = TimeDelta::hours(rng.between(1, 72));
        declaration.given_at = Some(timestamp(recorded_at + ahead));
    }
    declaration.declarer = declarer(role(rng));
    if rng.chance(withdrawn) {
        withdraw(rng, setting, recorded_at, &mut declaration);
    }
    stored.push((recorded_at, declaration));
}

/// Refused at recording but of an extensive denial, and stored all the same.
fn may_be_for_both(rng: &mut Rng, content: Content) -> Content {
    match content {
        Content::Denial(denial) if rng.chance(4) => {
            Content::Denial(Denial { sector: Sector::Both.into(), ..denial })
        }
        content => content,
    }
}

fn moment(rng: &mut Rng, setting: &Setting) -> DateTime<Utc> {
    let at = setting.at;
    let beginning = ymd(BEGINNING.0, BEGINNING.1, BEGINNING.2);
    match rng.below(100) {
        0..8 => at,
        8..12 => at - TimeDelta::seconds(1),
        12..16 => at + TimeDelta::seconds(1),
        16..20 => at - TimeDelta::nanoseconds(1),
        20..45 => setting.anchors.near(rng, beginning, day(at)),
        45..65 => any_instant(rng, day(at - TimeDelta::days(60)), day(at)),
        _ => any_instant(rng, beginning, day(at)),
    }
}

/// By any declarer, at the earliest at its recording.
fn withdraw(
    rng: &mut Rng,
    setting: &Setting,
    recorded_at: DateTime<Utc>,
    declaration: &mut StoredDeclaration,
) {
    let withdrawn_at = if rng.chance(15) { recorded_at } else { moment(rng, setting).max(recorded_at) };
    declaration.withdrawn_at = Some(timestamp(withdrawn_at));
    // On another day than it is recorded, now and then before what it ends was given.
    let days = TimeDelta::days(rng.between(0, 600));
    let given_at = rng.weighted(&[
        (55, None),
        (20, Some(withdrawn_at - days)),
        (10, Some(recorded_at)),
        (28, Some(recorded_at - days / 200)),
        (5, Some(withdrawn_at + days / 200)),
    ]);
    declaration.withdrawal_given_at = given_at.map(timestamp);
    declaration.withdrawn_by = declarer(rng.weighted(&[
        (50, Role::Client),
        (15, Role::Guardian),
        (15, Role::LegalRepresentative),
        (10, Role::AuthorisedPerson),
        (10, Role::Unspecified),
    ]));
}

/// Any content, mostly one that affects the request.
pub(super) fn content(rng: &mut Rng, setting: &Setting, ends: &Ends) -> Content {
    match rng.below(100) {
        0..30 => Content::Information(information(rng, setting)),
        30..75 => {
            let relevant = rng.chance(70);
            Content::Consent(consent(rng, setting, ends, relevant))
        }
        _ => Content::Denial(denial(rng, setting, ends)),
    }
}

fn information(rng: &mut Rng, setting: &Setting) -> Information {
    let version = if rng.chance(4) { "9.9".to_owned() } else { rng.pick(&setting.calendar.versions).version };
    let way = rng.pick(&[Way::Unspecified, Way::MyKanta, Way::Professional]);
    Information { version, way: way.into() }
}

fn consent(rng: &mut Rng, setting: &Setting, ends: &Ends, relevant: bool) -> Consent {
    let kind = if relevant {
        relevant_kind(rng, setting)
    } else {
        rng.pick(&[
            ConsentKind::Healthcare,
            ConsentKind::SocialWelfare,
            ConsentKind::PatientDataToSocialWelfare,
            ConsentKind::ClientDataToHealthcare,
            ConsentKind::WellbeingData,
            ConsentKind::LocalCrossSector,
            ConsentKind::VerbalPrescription,
        ])
    };
    let controllers = [
        setting.controller(&ends.requester),
        setting.controller(&ends.requester),
        setting.controller(&ends.requester),
        setting.controller(&ends.requester),
        setting.controller(&ends.holder),
        organisation_oid(1),
    ];
    let controller =
        if kind == ConsentKind::LocalCrossSector { rng.pick(&controllers) } else { String::new() };
    let allocation = allocations::allocation(rng, setting, ends, kind);
    Consent { kind: kind.into(), allocation, controller }
}

/// The kind of consent that would permit the request.
fn relevant_kind(rng: &mut Rng, setting: &Setting) -> ConsentKind {
    let before_start = day(setting.at) < setting.calendar.cross_sector_from;
    let local = rng.chance(if before_start { 96 } else { 8 });
    match setting.theme {
        Theme::Healthcare if day(setting.at) < setting.calendar.act_in_force => {
            rng.pick(&[ConsentKind::Healthcare, ConsentKind::VerbalPrescription])
        }
        Theme::Healthcare => ConsentKind::Healthcare,
        Theme::SocialWelfare => ConsentKind::SocialWelfare,
        Theme::ToSocialWelfare | Theme::ToHealthcare if local => ConsentKind::LocalCrossSector,
        Theme::ToSocialWelfare => ConsentKind::PatientDataToSocialWelfare,
        Theme::ToHealthcare => ConsentKind::ClientDataToHealthcare,
        Theme::Wellbeing => ConsentKind::WellbeingData,
    }
}

pub(super) fn given_near(rng: &mut Rng, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let days = TimeDelta::days(rng.between(1, 1_000));
    rng.weighted(&[
        (35, None),
        (15, Some(at)),
        (3, Some(at + TimeDelta::seconds(1))),
        (2, Some(at + TimeDelta::seconds(5))),
        (2, Some(at + TimeDelta::seconds(5) + TimeDelta::nanoseconds(1))),
        (3, Some(at + TimeDelta::minutes(1))),
        (20, Some(at - TimeDelta::hours(3))),
        (24, Some(at - days)),
    ])
}
