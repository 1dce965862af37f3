//! The client's acts on consents of one kind, in every order: given and withdrawn
//! on a few days, recorded at a few instants, so that both tie often.

use chrono::{DateTime, TimeDelta, Utc};
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::recipient::Kind;
use lupa::wire::v1::{AllPublic, Allocation, Information, Role, StoredDeclaration, Way};

use super::{Setting, by_client, consent, declarer};
use crate::core::generator::requests::Ends;
use crate::core::generator::rng::Rng;
use crate::core::generator::times::timestamp;
use crate::core::reference::day;

pub(super) fn acts(
    rng: &mut Rng,
    setting: &Setting,
    ends: &Ends,
    stored: &mut Vec<(DateTime<Utc>, StoredDeclaration)>,
) {
    let at = setting.at;
    inform(rng, setting, stored);
    let hour = TimeDelta::hours(1);
    let instants = [at, at - hour, at - hour, at - TimeDelta::days(1), at - TimeDelta::days(40)];
    let instants = if rng.chance(40) { vec![at - hour] } else { instants.to_vec() };
    let template = consent(rng, setting, ends, true);
    for _ in 0..=rng.between(1, 3) {
        let recorded_at = rng.pick(&instants);
        let mut act = template.clone();
        // Acts of one rank differ in their content.
        match rng.below(3) {
            0 => act.allocation = None,
            1 => act.allocation = Some(to_everyone_public()),
            _ => {}
        }
        let mut declaration = by_client(rng, Content::Consent(act), recorded_at);
        declaration.given_at = given_at(rng, at, recorded_at);
        let others = [Role::Guardian, Role::LegalRepresentative, Role::Unspecified];
        if rng.chance(15) {
            declaration.declarer = declarer(rng.pick(&others));
        }
        if rng.chance(40) {
            let withdrawn_at = rng.pick(&instants).max(recorded_at);
            declaration.withdrawn_at = Some(timestamp(withdrawn_at));
            declaration.withdrawal_given_at = given_at(rng, at, withdrawn_at);
            declaration.withdrawn_by =
                declarer(rng.weighted(&[(70, Role::Client), (30, Role::AuthorisedPerson)]));
        }
        stored.push((recorded_at, declaration));
    }
}

fn to_everyone_public() -> Allocation {
    let kind = Some(Kind::AllPublic(AllPublic {}));
    Allocation {
        recipients: vec![lupa::wire::v1::Recipient { kind }],
        data: Vec::new(),
        service_tasks: Vec::new(),
        recorded_from: String::new(),
        recorded_to: String::new(),
    }
}

/// Long enough before, mostly.
fn inform(rng: &mut Rng, setting: &Setting, stored: &mut Vec<(DateTime<Utc>, StoredDeclaration)>) {
    let informed_at = setting.at - TimeDelta::days(rng.pick(&[41, 60, 60, 60, 3]));
    let on = day(informed_at);
    let mut versions = setting.calendar.versions.iter().rev();
    let valid = versions.find(|version| {
        version.valid_from.is_none_or(|from| from <= on) && version.valid_until.is_none_or(|until| on < until)
    });
    let version = valid.expect("one is valid on every day").version.clone();
    let information = Content::Information(Information { version, way: Way::MyKanta.into() });
    stored.push((informed_at, by_client(rng, information, informed_at)));
}

/// When it was recorded, or on one of a few days before.
fn given_at(rng: &mut Rng, at: DateTime<Utc>, recorded_at: DateTime<Utc>) -> Option<pbjson_types::Timestamp> {
    let days = [at, at - TimeDelta::days(1), at - TimeDelta::days(40), at - TimeDelta::days(50)];
    let earlier = rng.pick(&days).min(recorded_at);
    let given_at = rng.weighted(&[(40, None), (50, Some(earlier)), (5, Some(at))]);
    given_at.map(timestamp)
}
