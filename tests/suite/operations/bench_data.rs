//! `lupa bench-data` creates a store that the server serves.

use std::path::Path;
use std::process::{Command, Output};

use lupa::policy::declaration::Content;
use lupa::policy::directory::RegisterKind;
use lupa::population::{Population, PopulationSize};
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tempfile::TempDir;

use crate::fixtures::process::{LUPA, Process, serve};

const CLIENTS: u64 = 500;
const DECLARATIONS: u64 = 1_520;
const UNTIL: &str = "2025-12-01";

fn bench_data(store: &Path, more: &[&str]) -> Output {
    let (clients, declarations) = (CLIENTS.to_string(), DECLARATIONS.to_string());
    Command::new(LUPA)
        .env_clear()
        .args(["bench-data", "--json", "--seed", "3", "--until", UNTIL, "--store"])
        .arg(store)
        .args(["--clients", &clients, "--declarations", &declarations])
        .args(more)
        .output()
        .unwrap()
}

fn population() -> Population {
    let until = format!("{UNTIL}T00:00:00Z").parse().unwrap();
    Population::new(PopulationSize { clients: CLIENTS, declarations: DECLARATIONS, seed: 3, until }).unwrap()
}

/// The registers of two counties, and whether the client of a number was informed.
fn question(population: &Population, number: u64) -> (v1::DecideRequest, bool) {
    let registers: Vec<_> = population
        .directory()
        .registers()
        .iter()
        .filter(|register| register.kind == RegisterKind::PublicHealthcare)
        .collect();
    let record = v1::Record {
        id: "document-1".to_owned(),
        register: registers[5].oid.to_string(),
        recorded_on: "2025-03-18".to_owned(),
        kind: v1::RecordKind::Prescription.into(),
        ..Default::default()
    };
    let client = population.client(number).unwrap();
    let request = v1::DecideRequest {
        client: Some(v1::ClientId { extension: client.extension().to_owned(), root: String::new() }),
        requester: Some(v1::Requester { register: registers[6].oid.to_string(), ..Default::default() }),
        channel: v1::Channel::Kanta.into(),
        access_right: true,
        ground: v1::Ground::CareRelationship.into(),
        records: vec![record],
        ..Default::default()
    };
    let is_informed =
        population.history(number).any(|(_, said, _)| matches!(said.content, Content::Information(_)));
    (request, is_informed)
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_store_is_served() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("town.sqlite");
    let made = bench_data(&store, &[]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let reported: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let number = |name: &str| reported[name].as_u64().unwrap();
    assert_eq!((number("clients"), number("declarations")), (CLIENTS, DECLARATIONS));
    assert_eq!(number("information") + number("consents") + number("denials"), DECLARATIONS);
    assert!(number("denials") > 0 && number("withdrawals") > 0, "{reported}");

    let population = population();
    let server = Process::start(serve(&store)).unwrap();
    let channel = server.connect().await;
    let mut decisions = DecisionServiceClient::new(channel.clone());
    let (mut permitted, mut denied) = (0, 0);
    for client in 0..CLIENTS {
        let (request, is_informed) = question(&population, client);
        let answer = decisions.decide(request).await.unwrap().into_inner();
        match (answer.verdicts[0].effect(), is_informed) {
            (v1::Effect::Permit, true) => permitted += 1,
            (v1::Effect::Deny, _) => denied += 1,
            reported => panic!("{reported:?}: {:?}", answer.verdicts),
        }
    }
    // A few of those who are informed have denied the register or the prescription.
    assert!(permitted > 440 && denied > 20, "{permitted} {denied}");

    let mut declarations = DeclarationServiceClient::new(channel);
    let mut found = 0;
    for number in 0..CLIENTS {
        let client = population.client(number).unwrap();
        let list = v1::ListRequest {
            client: Some(v1::ClientId { extension: client.extension().to_owned(), root: String::new() }),
            include_ended: true,
            kinds: vec![v1::Kind::Information.into(), v1::Kind::Consent.into()],
            ..Default::default()
        };
        found += declarations.list(list).await.unwrap().into_inner().declarations.len() as u64;
    }
    assert_eq!(found, number("information") + number("consents"));
}

#[test]
fn existing_file_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("town.sqlite");
    std::fs::write(&store, "mine").unwrap();
    let refused = bench_data(&store, &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    assert_eq!(std::fs::read_to_string(&store).unwrap(), "mine");
}

#[test]
fn too_many_clients_and_future_dates_are_refused() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("town.sqlite");
    for (more, reported) in [(["--clients", "21915001"], "21915000"), (["--until", "2999-01-01"], "to come")]
    {
        let refused = Command::new(LUPA)
            .env_clear()
            .args(["bench-data", "--store"])
            .arg(&store)
            .args(more)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{output}");
        assert!(output.contains(reported), "{output}");
        assert!(!store.exists());
    }
}
