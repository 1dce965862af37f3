//! A server as production starts it, on a store of its own, with clients.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use lupa::config;
use lupa::index::Reached;
use lupa::server::{Listeners, Server, ServerError};
use lupa::telemetry::Telemetry;
use lupa::wire::admin::index_service_client::IndexServiceClient;
use lupa::wire::directory::directory;
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::fixtures::patience::{PATIENT_SETTINGS, deadline, variable};
use crate::fixtures::process::request;
use crate::fixtures::requests::demo_directory;

/// The time of the tests, before sharing across sectors starts, so that their answers do
/// not change with the calendar.
pub(super) const BEGINNING: &str = "2026-11-21T10:00:00Z";

/// The clock of the tests, which starts at [`BEGINNING`].
pub(super) fn clock() -> DateTime<Utc> {
    static STARTED: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    let beginning: DateTime<Utc> = BEGINNING.parse().expect("an instant");
    let elapsed = STARTED.elapsed();
    beginning + elapsed
}

/// A running server. It stops when this is dropped.
pub(super) struct Fixture {
    endpoint: Endpoint,
    channel: Channel,
    http: SocketAddr,
    store: PathBuf,
    clock: fn() -> DateTime<Utc>,
    folder: TempDir,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServerError>>,
}

impl Fixture {
    /// With the demo directory and the default settings.
    pub(super) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With the demo directory and these settings.
    pub(super) async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_at(clock, settings).await
    }

    /// The same with another clock, also after a restart.
    pub(super) async fn start_at(clock: fn() -> DateTime<Utc>, settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a directory");
        let server = open(&folder.path().join("store.sqlite"), settings, clock).await;
        let demo = directory(&demo_directory()).expect("a directory");
        let stored = server.store().replace_directory(demo).await.expect("stored");
        assert_eq!(server.index().reached(stored.point, deadline()).await, Reached::Yes);
        Self::run(folder, server, clock).await
    }

    /// Restarts the server on the same store with these settings.
    pub(super) async fn restart_with(self, settings: &[(&str, &str)]) -> Self {
        self.restart_after(settings, |_| ()).await
    }

    /// The same, with a change to the file of the store between stop and start.
    pub(super) async fn restart_after(
        self,
        settings: &[(&str, &str)],
        meanwhile: impl FnOnce(&Path),
    ) -> Self {
        let Self { endpoint: _, channel: _, http: _, store, clock, folder, stop, ended } = self;
        drop(stop);
        ended.await.expect("no panic").expect("an ordered end");
        meanwhile(&store);
        let server = open(&store, settings, clock).await;
        Self::run(folder, server, clock).await
    }

    async fn run(folder: TempDir, server: Server, clock: fn() -> DateTime<Utc>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let http_listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let http = http_listener.local_addr().expect("an address");
        let listeners = Listeners { grpc: listener, socket: None, http: Some(http_listener) };
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(server.run(listeners, async move { stopped.await.unwrap_or(()) }));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an endpoint");
        let channel = endpoint.connect().await.expect("a connection");
        let store = folder.path().join("store.sqlite");
        let fixture = Self { endpoint, channel, http, store, clock, folder, stop, ended };
        fixture.serving().await;
        fixture
    }

    /// Waits until the server reports SERVING.
    async fn serving(&self) {
        let request = HealthCheckRequest { service: "lupa.v1.DecisionService".to_owned() };
        let mut statuses = self.health().watch(request).await.expect("a stream").into_inner();
        while let Some(status) = statuses.message().await.expect("a status") {
            if status.status() == ServingStatus::Serving {
                return;
            }
        }
        panic!("the server never served");
    }

    /// The file of the store.
    pub(super) fn store(&self) -> &Path {
        &self.store
    }

    /// The rows of viewings of a kind, and the viewings that they stand for. All are
    /// written once the server has stopped.
    pub(super) fn viewings(&self, what: &str) -> (u64, u64) {
        let store = rusqlite::Connection::open(&self.store).expect("the store");
        let sql =
            "SELECT count(*), coalesce(sum(times), 0) FROM viewing WHERE what = ?1 AND purpose IS NOT NULL";
        store.query_row(sql, [what], |row| Ok((row.get(0)?, row.get(1)?))).expect("a row")
    }

    /// The connection that the clients share.
    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Where it listens.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// A connection of its own.
    pub(super) async fn connect(&self) -> Channel {
        self.endpoint.connect().await.expect("a connection")
    }

    pub(super) fn decisions(&self) -> DecisionServiceClient<Channel> {
        DecisionServiceClient::new(self.channel())
    }

    pub(super) fn declarations(&self) -> DeclarationServiceClient<Channel> {
        DeclarationServiceClient::new(self.channel())
    }

    pub(super) fn directories(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel())
    }

    pub(super) fn indexes(&self) -> IndexServiceClient<Channel> {
        IndexServiceClient::new(self.channel())
    }

    /// Gets a page of the HTTP port: the head and the body.
    pub(super) async fn get(&self, path: &str) -> (String, String) {
        request(self.http, "GET", path, "").await
    }

    pub(super) async fn put(&self, path: &str, body: &str) -> (String, String) {
        request(self.http, "PUT", path, body).await
    }

    pub(super) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel())
    }

    /// Records a declaration that must be accepted.
    pub(super) async fn record(
        &self,
        request: v1::RecordDeclarationRequest,
    ) -> v1::RecordDeclarationResponse {
        self.declarations().record_declaration(request).await.expect("recorded").into_inner()
    }

    /// Withdraws a declaration, which must be accepted.
    pub(super) async fn withdraw(
        &self,
        request: v1::WithdrawDeclarationRequest,
    ) -> v1::WithdrawDeclarationResponse {
        self.declarations().withdraw_declaration(request).await.expect("withdrawn").into_inner()
    }

    /// A decision that must be made.
    pub(super) async fn decide(&self, request: v1::DecideRequest) -> v1::DecideResponse {
        self.decisions().decide(request).await.expect("decided").into_inner()
    }
}

async fn open(store: &Path, settings: &[(&str, &str)], clock: fn() -> DateTime<Utc>) -> Server {
    let path = [("store.path", store.to_str().expect("UTF-8"))];
    // The last of two with one name stands.
    let variables: Vec<(OsString, OsString)> = PATIENT_SETTINGS
        .iter()
        .filter(|(name, _)| !settings.iter().any(|(given, _)| given == name))
        .chain(settings)
        .chain(&path)
        .map(|setting| variable(*setting))
        .collect();
    let loaded = config::load(None, variables).expect("a configuration");
    Server::open(&loaded.config, loaded.calendar, clock, Telemetry::unsent()).await.expect("a server")
}
