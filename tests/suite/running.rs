//! A server with a calendar and a clock, on a store of its own.

use std::path::Path;

use lupa::config;
use lupa::index::Reached;
use lupa::policy::calendar::Calendar;
use lupa::policy::day::Instant;
use lupa::server::{Listeners, Server};
use lupa::store::{Point, Store};
use lupa::telemetry::Telemetry;
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

pub(crate) struct Running {
    pub(crate) channel: Channel,
    file: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    folder: TempDir,
}

impl Running {
    /// With nothing stored.
    pub(crate) async fn start(calendar: &Calendar, clock: fn() -> Instant) -> Self {
        Self::start_with(calendar, clock, async |_| ()).await
    }

    /// With what is stored first.
    pub(crate) async fn start_with(
        calendar: &Calendar,
        clock: fn() -> Instant,
        first: impl AsyncFnOnce(&Store),
    ) -> Self {
        Self::start_by("", calendar, clock, first).await
    }

    /// By a configuration file.
    pub(crate) async fn start_by(
        file: &str,
        calendar: &Calendar,
        clock: fn() -> Instant,
        first: impl AsyncFnOnce(&Store),
    ) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), file, calendar, clock, first).await
    }

    /// Ends it and starts another one on the same store.
    pub(crate) async fn restart(self, calendar: &Calendar, clock: fn() -> Instant) -> Self {
        let file = self.file.clone();
        let folder = self.end().await;
        Self::start_in(folder, &file, calendar, clock, async |_| ()).await
    }

    async fn start_in(
        folder: TempDir,
        file: &str,
        calendar: &Calendar,
        clock: fn() -> Instant,
        first: impl AsyncFnOnce(&Store),
    ) -> Self {
        let path = folder.path().join("lupa.toml");
        std::fs::write(&path, file).unwrap();
        let mut config = config::load(Some(&path), []).unwrap().config;
        config.store.path = folder.path().join("lupa.sqlite");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = config
            .sidecar
            .socket_path
            .as_ref()
            .map(|path| UnixListener::bind(folder.path().join(path)).unwrap());
        let server = Server::open(&config, calendar.clone(), clock, Telemetry::unsent()).await.unwrap();
        first(server.store()).await;
        server.index().readiness().wait_for(|ready| *ready).await.unwrap();
        let revision = *server.store().committed().borrow();
        let last = Point { epoch: server.store().epoch(), revision };
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        assert_eq!(server.index().reached(last, deadline).await, Reached::Yes);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let until = async { stopped.await.unwrap_or(()) };
            server.run(Listeners { grpc: listener, socket, http: None }, until).await.unwrap();
        });
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { channel, file: file.to_owned(), stop, task, folder }
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until it has ended in order.
    pub(crate) async fn end(self) -> TempDir {
        drop(self.stop);
        drop(self.channel);
        self.task.await.unwrap();
        self.folder
    }
}
