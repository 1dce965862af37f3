//! A client with many records, and with few declarations or many.

use lupa::wire::v1;
use lupa::wire::v1::declaration::Declaration::{Consent, Denial, Information};
use lupa::wire::v1::denial::Scope;

pub(crate) const RECORDS: usize = 1_000;

/// Where the records are: in four registers, the first the requester's own.
const HOLDERS: [&str; 4] = [
    "1.2.246.10.99999999.5.1",
    "1.2.246.10.32213086.19.1",
    "1.2.246.10.32213086.19.2",
    "1.2.246.10.99999999.101.1",
];

/// A thousand records, five of each service event.
pub(crate) fn request() -> v1::DecideRequest {
    let [requester, ..] = HOLDERS;
    let records = HOLDERS.iter().cycle().take(RECORDS).enumerate().map(|(place, holder)| v1::Record {
        id: format!("1.2.246.10.99999999.5.1.11.2026.{place}"),
        register: (*holder).to_owned(),
        service_event: format!("1.2.246.10.99999999.5.1.14.2026.{}", place / 5),
        recorded_on: "2025-03-18".to_owned(),
        kind: v1::RecordKind::ServiceEventEntry.into(),
        ..Default::default()
    });
    v1::DecideRequest {
        client: Some(client()),
        requester: Some(v1::Requester { register: requester.to_owned(), ..Default::default() }),
        channel: v1::Channel::Kanta.into(),
        access_right: true,
        ground: v1::Ground::CareRelationship.into(),
        records: records.collect(),
        ..Default::default()
    }
}

pub(crate) fn client() -> v1::ClientId {
    v1::ClientId { extension: "010181-900C".to_owned(), root: String::new() }
}

/// Information, a consent and denials, so many in all. The first denial is of
/// a service event in the request, the others are of others.
pub(crate) fn declarations(count: usize) -> Vec<v1::Declaration> {
    let information = Information(v1::Information { version: "2.0".to_owned(), ..Default::default() });
    let consent = Consent(v1::Consent { kind: v1::ConsentKind::Healthcare.into(), ..Default::default() });
    let denials = (0..).map(|place| {
        let event = if place == 0 { 7 } else { 1_000_000 + place };
        Denial(v1::Denial {
            sector: v1::Sector::Healthcare.into(),
            scope: Some(Scope::ServiceEvent(format!("1.2.246.10.99999999.5.1.14.2026.{event}"))),
            ..Default::default()
        })
    });
    [information, consent]
        .into_iter()
        .chain(denials)
        .take(count)
        .map(|declaration| v1::Declaration { declaration: Some(declaration) })
        .collect()
}
