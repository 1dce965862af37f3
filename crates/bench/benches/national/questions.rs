//! The requests of the benches.

use bytes::Bytes;
use lupa::policy::client_id::ClientId;
use lupa::policy::directory::RegisterKind;
use lupa::wire::v1;
use lupa::wire::v1::declaration::Content::{Consent, Denial, Information};
use lupa::wire::v1::denial::Scope;
use lupa_bench::measure::caller::framed;
use lupa_bench::population::Population;

/// The registers of the client's records, with their controllers. The first is the
/// requester's own.
const HOLDERS: [(&str, &str); 4] = [
    ("1.2.246.10.99999999.5.1", "1.2.246.10.99999999.5.0"),
    ("1.2.246.10.32213086.19.1", "1.2.246.10.32213086.10.0"),
    ("1.2.246.10.32213086.19.2", "1.2.246.10.32213086.10.0"),
    ("1.2.246.10.99999999.101.1", "1.2.246.10.99999999.101.0"),
];

/// A question about records of one client, five of each service event, about 170
/// bytes each.
pub(crate) fn decide(records: usize) -> v1::DecideRequest {
    let [(requester, _), ..] = HOLDERS;
    // A question about one record is about a record of another register.
    let first = usize::from(records == 1);
    let records = HOLDERS.iter().cycle().skip(first).take(records).enumerate();
    let records = records.map(|(place, (register, controller))| v1::Record {
        id: format!("1.2.246.10.32213086.11.2025.{:016}.{:03}", 90_000 + place, place % 7),
        register: (*register).to_owned(),
        service_event: event(place / 5),
        recorded_on: "2025-03-18".to_owned(),
        kind: v1::RecordKind::ServiceEventEntry.into(),
        original_controller: (*controller).to_owned(),
        ..Default::default()
    });
    question(the_client(), requester, records.collect())
}

/// A question about a prescription, which is permitted if the client is informed.
pub(crate) fn prescription(client: &ClientId) -> v1::DecideRequest {
    let [(requester, _), (register, _), ..] = HOLDERS;
    let record = v1::Record {
        id: "1.2.246.10.32213086.93.2025.1".to_owned(),
        register: register.to_owned(),
        recorded_on: "2025-03-18".to_owned(),
        kind: v1::RecordKind::Prescription.into(),
        ..Default::default()
    };
    question(id(client), requester, vec![record])
}

/// Questions about one record each of `count` clients of a population, in no
/// particular order, each framed.
pub(crate) fn about(population: &Population, count: u64) -> Vec<Bytes> {
    let registers: Vec<&str> = population
        .directory()
        .registers()
        .iter()
        .filter(|register| register.kind == RegisterKind::PublicHealthcare)
        .map(|register| register.oid.as_str())
        .collect();
    let register = |number: u64| {
        let place = usize::try_from(number).unwrap_or_default() % registers.len();
        registers.get(place).copied().expect("a register")
    };
    let step = population.clients() / count.clamp(1, population.clients());
    (0..count.min(population.clients()))
        .map(|number| {
            let client = population.client(number * step).expect("a client");
            let record = v1::Record {
                id: format!("1.2.246.10.99999998.1.11.2025.{number}"),
                register: register(number * 7 + 1).to_owned(),
                service_event: format!("1.2.246.10.99999998.1.14.2025.{number}"),
                recorded_on: "2025-03-18".to_owned(),
                kind: v1::RecordKind::ServiceEventEntry.into(),
                ..Default::default()
            };
            framed(&question(id(&client), register(number), vec![record]))
        })
        .collect()
}

/// The declarations of the client: information, a consent, and the denial of a
/// service event that a question about a thousand records contains.
pub(crate) fn declarations_of_the_client() -> Vec<v1::RecordDeclarationRequest> {
    declarations_of_a_client(3)
        .enumerate()
        .map(|(place, declaration)| record(the_client(), declaration, &format!("set-up-{place}")))
        .collect()
}

/// Information, a consent and denials, `count` in all. The first denial is of a
/// service event that a question contains; the others are not.
pub(crate) fn declarations_of_a_client(count: usize) -> impl Iterator<Item = v1::declaration::Content> {
    [information(), consent()].into_iter().chain((7..).step_by(1_000_000).map(denial)).take(count)
}

/// Records that a client has received the information.
pub(crate) fn informed(client: &ClientId, key: &str) -> v1::RecordDeclarationRequest {
    record(id(client), information(), key)
}

fn information() -> v1::declaration::Content {
    Information(v1::Information { version: "2.0".to_owned(), ..Default::default() })
}

fn consent() -> v1::declaration::Content {
    Consent(v1::Consent { kind: v1::ConsentKind::Healthcare.into(), ..Default::default() })
}

fn denial(of: usize) -> v1::declaration::Content {
    Denial(v1::Denial {
        sector: v1::Sector::Healthcare.into(),
        scope: Some(Scope::ServiceEvent(event(of))),
        ..Default::default()
    })
}

fn record(
    client: v1::ClientId,
    declaration: v1::declaration::Content,
    key: &str,
) -> v1::RecordDeclarationRequest {
    v1::RecordDeclarationRequest {
        client: Some(client),
        declaration: Some(v1::Declaration { content: Some(declaration) }),
        declarer: Some(v1::Declarer { role: v1::Role::Client.into(), ..Default::default() }),
        recorded_by: Some(v1::RecordedBy { system: Some(v1::recorded_by::System::MyKanta(v1::MyKanta {})) }),
        idempotency_key: key.to_owned(),
        ..Default::default()
    }
}

fn question(client: v1::ClientId, requester: &str, records: Vec<v1::Record>) -> v1::DecideRequest {
    v1::DecideRequest {
        client: Some(client),
        requester: Some(v1::Requester { register: requester.to_owned(), ..Default::default() }),
        channel: v1::Channel::Kanta.into(),
        access_right: true,
        ground: v1::Ground::CareRelationship.into(),
        records,
        ..Default::default()
    }
}

fn event(number: usize) -> String {
    format!("1.2.246.10.32213086.14.2025.{:016}.1", 70_000 + number)
}

fn the_client() -> v1::ClientId {
    v1::ClientId { extension: "010181-900C".to_owned(), root: String::new() }
}

fn id(client: &ClientId) -> v1::ClientId {
    v1::ClientId { extension: client.extension().to_owned(), root: String::new() }
}
