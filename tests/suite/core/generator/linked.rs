//! Persons under several codes: the declarations of a case, spread over two to five codes
//! that links join, with ends of links and withdrawals under other codes.

use chrono::{DateTime, TimeDelta, Utc};
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::link_recorder::System;
use lupa::wire::v1::{
    ClientId, Kind, LinkEnd, LinkReason, LinkRecorder, PopulationRegister, StoredDeclaration, StoredLink,
    StoredWithdrawal,
};
use pbjson_types::Timestamp;

use super::clients;
use super::declarations::{declarer, role};
use super::rng::Rng;
use super::times::timestamp;
use super::{Case, case};
use crate::core::reference::{LinkedRegister, instant};

/// A case about a person under several codes.
#[derive(Clone, Debug)]
pub(crate) struct Linked {
    /// Without declarations; the request is about the first code.
    pub(crate) case: Case,
    /// Two to five.
    pub(crate) codes: Vec<ClientId>,
    pub(crate) register: LinkedRegister,
}

/// The codes differ from those of up to a hundred other seeds in a row, and the ids from those of all.
pub(crate) fn linked(seed: u64) -> Linked {
    let mut case = case(seed);
    let mut rng = Rng::new(seed ^ 0x11_4b5);
    let declarations = std::mem::take(&mut case.declarations);
    let codes: Vec<ClientId> = (0..2 + rng.below(4)).map(|place| code(&mut rng, seed, place)).collect();
    case.request.client = codes.first().cloned();
    let mut register = LinkedRegister::default();
    for (number, mut stored) in declarations.into_iter().enumerate() {
        stored.id = format!("{seed}-{number}");
        to_micros(&mut stored);
        // More under the first than under the others.
        let place = if rng.chance(40) { 0 } else { rng.below(codes.len()) };
        let others: Vec<ClientId> = codes.iter().filter(|code| **code != codes[place]).cloned().collect();
        withdraw_elsewhere(&mut rng, &others, case.at, &mut stored, &mut register);
        register.declarations.push((codes[place].clone(), stored));
    }
    for number in 0..1 + rng.below(codes.len() + 1) {
        let link = link(&mut rng, &codes, format!("{seed}-link-{number}"));
        register.links.push(link);
    }
    Linked { case, codes, register }
}

/// Mostly a national code; otherwise one of another system, which has no age.
fn code(rng: &mut Rng, seed: u64, place: usize) -> ClientId {
    if rng.chance(25) {
        return ClientId {
            extension: format!("{seed}-{place}"),
            root: "1.2.246.10.99999999.999.5".to_owned(),
        };
    }
    let ordinal = usize::try_from(seed % 100).unwrap() * 6 + place;
    clients::numbered(rng, ordinal)
}

/// Two or three of the codes.
fn link(rng: &mut Rng, codes: &[ClientId], id: String) -> StoredLink {
    let mut clients = codes.to_vec();
    while clients.len() > 2 && (clients.len() > 3 || rng.chance(70)) {
        clients.remove(rng.below(clients.len()));
    }
    if rng.chance(50) {
        clients.reverse();
    }
    let recorded_at = Some(Timestamp { seconds: 1_700_000_000, nanos: 0 });
    let recorder = || Some(LinkRecorder { system: Some(System::PopulationRegister(PopulationRegister {})) });
    StoredLink {
        id,
        current: Some(rng.pick(&clients)),
        clients,
        reason: LinkReason::DuplicateMerged.into(),
        given_at: None,
        recorded_at,
        recorded_by: recorder(),
        end: rng.chance(25).then(|| LinkEnd { given_at: None, recorded_at, recorded_by: recorder() }),
    }
}

/// Withdraws a declaration under some of the other codes; a withdrawal under its own may stay.
fn withdraw_elsewhere(
    rng: &mut Rng,
    codes: &[ClientId],
    at: DateTime<Utc>,
    stored: &mut StoredDeclaration,
    register: &mut LinkedRegister,
) {
    let recorded_at = instant(stored.recorded_at.as_ref().unwrap());
    let left = (at - recorded_at).num_seconds().max(1);
    for code in codes {
        if !rng.chance(12) {
            continue;
        }
        // No two at one instant.
        let micros = TimeDelta::microseconds(i64::try_from(register.withdrawals.len()).unwrap() + 1);
        let withdrawn_at = recorded_at + TimeDelta::seconds(rng.between(0, left)) + micros;
        let days = TimeDelta::days(rng.between(0, 300));
        let given_at = rng.chance(20).then(|| withdrawn_at - days);
        let withdrawal = StoredWithdrawal {
            declaration_id: stored.id.clone(),
            kind: kind(stored).into(),
            recorded_at: Some(timestamp(withdrawn_at)),
            given_at: given_at.map(timestamp),
            withdrawn_by: declarer(role(rng)),
        };
        register.withdrawals.push((code.clone(), withdrawal));
    }
    if rng.chance(30) {
        (stored.withdrawn_at, stored.withdrawal_given_at, stored.withdrawn_by) = (None, None, None);
    }
}

fn kind(stored: &StoredDeclaration) -> Kind {
    match stored.declaration.as_ref().unwrap().content.as_ref().unwrap() {
        Content::Information(_) => Kind::Information,
        Content::Consent(_) => Kind::Consent,
        Content::Denial(_) => Kind::Denial,
    }
}

/// A store keeps microseconds.
fn to_micros(stored: &mut StoredDeclaration) {
    let times = [
        &mut stored.given_at,
        &mut stored.recorded_at,
        &mut stored.withdrawn_at,
        &mut stored.withdrawal_given_at,
    ];
    times.into_iter().flatten().for_each(|time| time.nanos -= time.nanos % 1_000);
}
