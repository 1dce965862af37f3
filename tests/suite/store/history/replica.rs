//! A replica of Lupa, its link to PostgreSQL and its clock, which libfaketime can step.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use super::MAX_STALENESS;
use crate::fixtures::patience::block_until;
use crate::fixtures::ports::free_port;
use crate::fixtures::process::{Process, serve};
use crate::fixtures::relay::Relay;

pub(super) struct Replica {
    pub(super) relay: Relay,
    /// `None` while it is killed.
    process: Option<Process>,
    address: SocketAddr,
    url: String,
    /// Contains the file of its clock.
    folder: TempDir,
}

impl Replica {
    /// Starts a replica on a database of the PostgreSQL server at this local port.
    pub(super) async fn start(port: u16, database: &str) -> Self {
        let relay = Relay::start(([127, 0, 0, 1], port).into()).await;
        let url = format!("postgres://lupa@{}/{database}", relay.address());
        let mut replica =
            Self { relay, process: None, address: free_port(), url, folder: TempDir::new().unwrap() };
        replica.set_clock(0);
        replica.run();
        replica
    }

    /// Starts it, if it does not run.
    pub(super) fn run(&mut self) {
        if self.process.is_some() {
            return;
        }
        block_until("a replica listens", || {
            // A replica that does not reach PostgreSQL within its connect timeout exits.
            match Process::start(self.command()) {
                Ok(process) => self.process = Some(process),
                Err(ended) => assert!(!ended.output.contains("panicked"), "{ended:?}"),
            }
            self.process.is_some()
        });
    }

    fn command(&self) -> Command {
        let mut command = command(&self.url, self.address, MAX_STALENESS);
        command.envs([
            ("LUPA_STORE__CONNECT_TIMEOUT_MS", "500"),
            ("LUPA_STORE__READ_TIMEOUT_MS", "500"),
            ("LUPA_STORE__WRITE_TIMEOUT_MS", "2000"),
        ]);
        // Only the wall clock is faked, not the monotonic one.
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME_TIMESTAMP_FILE", self.clock())
            .envs([("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]);
        command
    }

    pub(super) fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    pub(super) fn signal(&self, name: &str) {
        self.process.as_ref().expect("it runs").signal(name);
    }

    /// Steps its wall clock by these seconds.
    pub(super) fn set_clock(&self, seconds: i32) {
        // Replaced atomically, so that no reader sees half of it.
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{seconds:+}s\n")).unwrap();
        fs::rename(new, self.clock()).unwrap();
    }

    fn clock(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    pub(super) fn channel(&self) -> Channel {
        channel(self.address)
    }
}

/// The command of a replica that listens at an address.
pub(super) fn command(url: &str, address: SocketAddr, max_staleness: Duration) -> Command {
    let mut command = serve(Path::new("unused"));
    command
        .env("LUPA_STORE__URL", url)
        .env("LUPA_SERVER__LISTEN_ADDRESS", address.to_string())
        .env("LUPA_INDEX__MAX_STALENESS_MS", max_staleness.as_millis().to_string())
        .env("LUPA_INDEX__POLL_INTERVAL_MS", "50")
        .env("LUPA_CONSISTENCY__WAIT_MS_MAX", "1000")
        .env("LUPA_WATCH__CHECKPOINT_INTERVAL_MS", "200");
    command
}

/// A channel that reconnects after each failure.
pub(super) fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_timeout(Duration::from_millis(500)).connect_lazy()
}

/// Debian's libfaketime for multithreaded programs.
fn faketime() -> PathBuf {
    let found = fs::read_dir("/usr/lib").unwrap().flatten().map(|folder| {
        let folder: PathBuf = folder.path();
        folder.join("faketime/libfaketimeMT.so.1")
    });
    found.into_iter().find(|path| path.exists()).expect("Debian's package libfaketime")
}
