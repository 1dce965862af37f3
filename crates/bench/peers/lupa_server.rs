//! Lupa with the demo directory and the client.

use std::path::Path;

use bytes::Bytes;
use lupa::cli::document::Document;
use lupa::wire::v1;
use lupa::wire::v1::declaration::Content::{Consent, Denial, Information};
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use lupa_bench::measure::caller::{Call, framed};
use prost::Message;

use crate::facts::{DENIED_REGISTER, REQUESTER, Record, denied_event};
use crate::process::Server;

pub(crate) const DECIDE: Call = Call::DECIDE;

pub(crate) fn start(program: &Path, folder: &Path) -> Server {
    let mut command = std::process::Command::new(program);
    command
        .arg("serve")
        .env_clear()
        .env("LUPA_STORE__PATH", folder.join("lupa.sqlite"))
        .env("LUPA_SERVER__LISTEN_ADDRESS", "127.0.0.1:0")
        .env("LUPA_LOG__FORMAT", "json");
    let server = Server::with_address_on_stderr(command, |line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_listening = line.get("message")? == "listening";
        is_listening.then(|| line.get("address")?.as_str()?.parse().ok())?
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(set_up(&server));
    server
}

pub(crate) fn question(records: &[Record]) -> Bytes {
    framed(&message(records))
}

pub(crate) fn message(records: &[Record]) -> v1::DecideRequest {
    let records = records.iter().map(|record| v1::Record {
        id: record.id.clone(),
        register: record.register.to_owned(),
        service_event: record.event.clone(),
        recorded_on: "2025-03-18".to_owned(),
        kind: v1::RecordKind::ServiceEventEntry.into(),
        ..Default::default()
    });
    v1::DecideRequest {
        client: Some(client()),
        requester: Some(v1::Requester { register: REQUESTER.to_owned(), ..Default::default() }),
        channel: v1::Channel::Kanta.into(),
        access_right: true,
        ground: v1::Ground::CareRelationship.into(),
        records: records.collect(),
        ..Default::default()
    }
}

/// Whether each record is permitted.
pub(crate) fn read(answer: Bytes) -> Vec<bool> {
    let answer = v1::DecideResponse::decode(answer).expect("an answer");
    answer.verdicts.iter().map(|verdict| verdict.effect() == v1::Effect::Permit).collect()
}

/// The declarations of the client.
pub(crate) fn declarations() -> Vec<v1::declaration::Content> {
    let denial = |scope| {
        Denial(v1::Denial { sector: v1::Sector::Healthcare.into(), scope: Some(scope), ..Default::default() })
    };
    vec![
        Information(v1::Information { version: "2.0".to_owned(), ..Default::default() }),
        Consent(v1::Consent { kind: v1::ConsentKind::Healthcare.into(), ..Default::default() }),
        denial(Scope::ServiceEvent(denied_event())),
        denial(Scope::Register(DENIED_REGISTER.to_owned())),
    ]
}

pub(crate) fn directory() -> v1::Directory {
    let document = Document::read(include_str!("../../../deploy/demo/directory.yaml")).expect("YAML");
    document.parse().expect("a directory")
}

async fn set_up(server: &Server) {
    let channel = server.connect().await;
    let replace = v1::ReplaceDirectoryRequest { directory: Some(directory()), ..Default::default() };
    let mut directories = DirectoryServiceClient::new(channel.clone());
    while let Err(status) = directories.replace_directory(replace.clone()).await {
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
    }
    let mut service = DeclarationServiceClient::new(channel);
    for (place, declaration) in declarations().into_iter().enumerate() {
        let request = v1::RecordDeclarationRequest {
            client: Some(client()),
            declaration: Some(v1::Declaration { content: Some(declaration) }),
            declarer: Some(v1::Declarer { role: v1::Role::Client.into(), ..Default::default() }),
            recorded_by: Some(v1::RecordedBy {
                system: Some(v1::recorded_by::System::MyKanta(v1::MyKanta {})),
            }),
            idempotency_key: format!("peers-{place}"),
            ..Default::default()
        };
        service.record_declaration(request).await.expect("recorded");
    }
}

fn client() -> v1::ClientId {
    v1::ClientId { extension: "010181-900C".to_owned(), root: String::new() }
}
