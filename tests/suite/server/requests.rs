//! What the tests ask, in the words of the demo directory.

use chrono::{DateTime, Utc};
use lupa::cli::document::Document;
use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use pbjson_types::Timestamp;
use serde::de::DeserializeOwned;
use tonic::transport::Channel;

/// Southwest Finland, healthcare: it asks.
pub(crate) const ASKING: &str = "1.2.246.10.99999999.5.1";
/// Pirkanmaa, healthcare: it holds.
pub(crate) const HOLDING: &str = "1.2.246.10.32213086.19.1";
/// In no directory.
pub(crate) const UNKNOWN: &str = "1.2.246.10.99999999.999.1";

/// A message in the protobuf JSON mapping, written as YAML.
pub(crate) fn message<T: DeserializeOwned>(yaml: &str) -> T {
    match Document::read(yaml).and_then(|document| document.parse()) {
        Ok(message) => message,
        Err(faults) => panic!("{faults:#?} in {yaml}"),
    }
}

/// The directory of the demonstration.
pub(crate) fn demo_directory() -> v1::Directory {
    message(include_str!("../../../deploy/demo/directory.yaml"))
}

/// The identity code of someone, of the 900-series.
pub(crate) const AINO: &str = "010181-900C";

/// Someone with an identity code.
pub(crate) fn aino() -> v1::ClientId {
    v1::ClientId { extension: AINO.to_owned(), root: String::new() }
}

/// One of as many people as are needed, with an identifier of another system.
pub(crate) fn person(number: usize) -> v1::ClientId {
    v1::ClientId { extension: format!("person-{number}"), root: "1.2.246.10.99999999.999.5".to_owned() }
}

/// A question to which a consent is the answer.
pub(crate) fn question(client: v1::ClientId, records: Vec<v1::Record>) -> v1::DecideRequest {
    v1::DecideRequest {
        client: Some(client),
        requester: Some(v1::Requester {
            register: ASKING.to_owned(),
            organisation: "1.2.246.10.99999999.5.0".to_owned(),
            professional: "doctor-1".to_owned(),
            system: String::new(),
        }),
        channel: v1::Channel::Kanta.into(),
        access_right: true,
        ground: v1::Ground::CareRelationship.into(),
        claims: Vec::new(),
        records,
        at_least: String::new(),
        request_id: String::new(),
    }
}

/// An entry of a service event, held in [`HOLDING`].
pub(crate) fn entry(id: &str, event: &str) -> v1::Record {
    v1::Record {
        id: id.to_owned(),
        register: HOLDING.to_owned(),
        service_event: event.to_owned(),
        recorded_on: "2025-03-18".to_owned(),
        kind: v1::RecordKind::ServiceEventEntry.into(),
        service_tasks: Vec::new(),
        original_controller: String::new(),
        outsourcing: None,
    }
}

/// The newest information, as YAML.
pub(crate) const INFORMATION: &str = "information: { version: '2.0' }";
/// A consent to sharing patient data.
pub(crate) const CONSENT: &str = "consent: { kind: CONSENT_KIND_HEALTHCARE }";
/// A denial of one visit.
pub(crate) const DENIAL: &str = "denial: { sector: SECTOR_HEALTHCARE, service_event: visit-1 }";

/// What the client declares in MyKanta, as YAML.
pub(crate) fn recording(client: v1::ClientId, key: &str, declaration: &str) -> v1::RecordDeclarationRequest {
    v1::RecordDeclarationRequest {
        client: Some(client),
        declaration: Some(message(declaration)),
        given_at: None,
        declarer: Some(the_client()),
        recorded_by: Some(my_kanta()),
        idempotency_key: key.to_owned(),
        wait: v1::Wait::Unspecified.into(),
    }
}

/// What the client ends in MyKanta.
pub(crate) fn withdrawal(
    client: v1::ClientId,
    key: &str,
    declaration_id: &str,
) -> v1::WithdrawDeclarationRequest {
    v1::WithdrawDeclarationRequest {
        client: Some(client),
        declaration_id: declaration_id.to_owned(),
        declarer: Some(the_client()),
        recorded_by: Some(my_kanta()),
        given_at: None,
        idempotency_key: key.to_owned(),
        wait: v1::Wait::Unspecified.into(),
    }
}

/// Everything that the client has declared, to change it.
pub(crate) fn listing(client: v1::ClientId) -> v1::ListDeclarationsRequest {
    v1::ListDeclarationsRequest {
        client: Some(client),
        kinds: Vec::new(),
        include_ended: true,
        viewing_purpose: v1::ViewingPurpose::ClientChangesDenials.into(),
        viewer: Some(my_kanta()),
        page_size: 0,
        page_token: String::new(),
    }
}

pub(crate) fn the_client() -> v1::Declarer {
    v1::Declarer { role: v1::Role::Client.into(), name: String::new(), id: String::new() }
}

pub(crate) fn my_kanta() -> v1::RecordedBy {
    message("my_kanta: {}")
}

/// A doctor of [`ASKING`].
pub(crate) fn professional() -> v1::RecordedBy {
    message(&format!(
        "professional: {{ register: {ASKING}, organisation: 1.2.246.10.99999999.5.0, professional: doctor-1 }}"
    ))
}

pub(crate) fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos()).expect("nanoseconds"),
    }
}

pub(crate) fn instant(at: &Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).expect("nanoseconds")).expect("an instant")
}

/// The directory of the demonstration, in which Aino is informed, consents, and
/// denies one visit; the token of that.
pub(crate) async fn aino_declares(channel: Channel) -> String {
    let directory = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()) };
    DirectoryServiceClient::new(channel.clone()).replace_directory(directory).await.unwrap();
    let mut token = String::new();
    for (key, declaration) in [
        ("1", "{ information: { version: '2.0' } }"),
        ("2", "{ consent: { kind: CONSENT_KIND_HEALTHCARE } }"),
        ("3", "{ denial: { sector: SECTOR_HEALTHCARE, service_event: visit-2 } }"),
    ] {
        let request: v1::RecordDeclarationRequest = message(&format!(
            "{{ client: {{ extension: {AINO} }}, declaration: {declaration}, declarer: {{ role: ROLE_CLIENT }}, \
             recorded_by: {{ my_kanta: {{}} }}, idempotency_key: '{key}' }}"
        ));
        let recorded = DeclarationServiceClient::new(channel.clone()).record_declaration(request).await;
        token = recorded.unwrap().into_inner().token;
    }
    token
}
