//! `lupa-bench data` creates a store that a server serves.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use lupa::clock;
use lupa::policy::calendar::Calendar;
use lupa::policy::declaration::Content;
use lupa::policy::directory::RegisterKind;
use lupa::server::{Listeners, Server};
use lupa::telemetry::Telemetry;
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa_bench::population::{Population, PopulationSize};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

const LUPA_BENCH: &str = env!("CARGO_BIN_EXE_lupa-bench");
const CLIENTS: u64 = 500;
const DECLARATIONS: u64 = 1_520;
const UNTIL: &str = "2025-12-01";

fn lupa_bench_data(store: &Path, more: &[&str]) -> Output {
    Command::new(LUPA_BENCH).env_clear().args(["data", "--store"]).arg(store).args(more).output().unwrap()
}

fn create(store: &Path) -> Output {
    let (clients, declarations) = (CLIENTS.to_string(), DECLARATIONS.to_string());
    let size = ["--clients", &clients, "--declarations", &declarations, "--seed", "3", "--until", UNTIL];
    lupa_bench_data(store, &[&["--json"], &size[..]].concat())
}

fn population() -> Population {
    let until = format!("{UNTIL}T00:00:00Z").parse().unwrap();
    Population::new(PopulationSize { clients: CLIENTS, declarations: DECLARATIONS, seed: 3, until }).unwrap()
}

/// A server in this process.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    /// Serves a store and waits until its index is loaded.
    async fn start(store: &Path) -> Self {
        let path = ("LUPA_STORE__PATH".into(), store.as_os_str().to_owned());
        let no_wait = ("LUPA_SERVER__SHUTDOWN_WAIT_MS".into(), "0".into());
        let config = lupa::config::load(None, [path, no_wait]).unwrap().config;
        let telemetry = Telemetry::unsent();
        let server = Server::open(&config, Calendar::published(), clock::now, telemetry).await.unwrap();
        let mut readiness = server.index().readiness();
        readiness.wait_for(|is_ready| *is_ready).await.unwrap();
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = grpc.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let listeners = Listeners { grpc, socket: None, http: None };
        let shutdown = async { stopped.await.unwrap() };
        let serving = tokio::spawn(async { server.run(listeners, shutdown).await.unwrap() });
        Self { address, stop, serving }
    }

    async fn connect(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
    }
}

/// A question about registers of two counties, and whether the client of a
/// number is informed.
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
    let request = v1::DecideRequest {
        client: Some(client_id(population, number)),
        requester: Some(v1::Requester { register: registers[6].oid.to_string(), ..Default::default() }),
        channel: v1::Channel::Kanta.into(),
        access_right: true,
        ground: v1::Ground::CareRelationship.into(),
        records: vec![record],
        ..Default::default()
    };
    let is_informed =
        population.history(number).any(|(_, stated, _)| matches!(stated.content, Content::Information(_)));
    (request, is_informed)
}

fn client_id(population: &Population, number: u64) -> v1::ClientId {
    let client = population.client(number).unwrap();
    v1::ClientId { extension: client.extension().to_owned(), root: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_decides_by_the_created_population() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("town.sqlite");
    let created = create(&store);
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&created.stdout).unwrap();
    let number = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((number("clients"), number("declarations")), (CLIENTS, DECLARATIONS));
    assert_eq!(number("information") + number("consents") + number("denials"), DECLARATIONS);
    assert!(number("denials") > 0 && number("withdrawals") > 0, "{summary}");

    let population = population();
    let server = Served::start(&store).await;
    let channel = server.connect().await;
    let mut decisions = DecisionServiceClient::new(channel.clone());
    let (mut permitted, mut denied) = (0, 0);
    for client in 0..CLIENTS {
        let (request, is_informed) = question(&population, client);
        let answer = decisions.decide(request).await.unwrap().into_inner();
        match (answer.verdicts[0].effect(), is_informed) {
            (v1::Effect::Permit, true) => permitted += 1,
            (v1::Effect::Deny, _) => denied += 1,
            unexpected => panic!("{unexpected:?}: {:?}", answer.verdicts),
        }
    }
    // A few of the informed clients have denied the register or the prescription.
    assert!(permitted > 440 && denied > 20, "{permitted} {denied}");

    let mut declarations = DeclarationServiceClient::new(channel);
    let mut found = 0;
    for number in 0..CLIENTS {
        let list = v1::ListDeclarationsRequest {
            client: Some(client_id(&population, number)),
            include_ended: true,
            kinds: vec![v1::Kind::Information.into(), v1::Kind::Consent.into()],
            ..Default::default()
        };
        found += declarations.list_declarations(list).await.unwrap().into_inner().declarations.len() as u64;
    }
    assert_eq!(found, number("information") + number("consents"));
    drop((decisions, declarations));
    server.stop().await;
}

#[test]
fn an_existing_file_is_not_touched() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("town.sqlite");
    std::fs::write(&store, "mine").unwrap();
    let rejected = create(&store);
    assert_eq!(rejected.status.code(), Some(2), "{}", String::from_utf8_lossy(&rejected.stderr));
    assert_eq!(std::fs::read_to_string(&store).unwrap(), "mine");
}

#[test]
fn more_clients_than_codes_and_future_days_are_rejected() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("town.sqlite");
    for (more, expected) in
        [(["--clients", "21915001"], "21915000"), (["--until", "2999-01-01"], "in the future")]
    {
        let rejected = lupa_bench_data(&store, &more);
        let message = String::from_utf8_lossy(&rejected.stderr);
        assert_eq!(rejected.status.code(), Some(2), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(!store.exists());
    }
}
