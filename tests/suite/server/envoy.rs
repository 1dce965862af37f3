//! The real Envoy with the configuration of `deploy/envoy`, in front of the record service
//! of `deploy/envoy`, with the real binary as the authorizer. A proxy between Envoy and
//! the service logs every call that reaches the service.

mod bodies;
mod upstream;
mod calls;
mod outages;
mod patterns;
mod preflight;
mod traced;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixtures::patience::until;
use crate::fixtures::ports::free_port;
use crate::fixtures::process::{Process, serve};
use crate::fixtures::requests::{AINO, HOLDING, aino_declares};
use upstream::{Reached, Upstream};

/// The deployed timeouts of Envoy, and the patient ones of tests that are not about
/// outages: the machine may be busy for longer than a second.
const TIMEOUTS: [(&str, &str); 3] = [
    (" timeout: 1s", " timeout: 60s"),
    (" timeout: 5s", " timeout: 120s"),
    ("connect_timeout: 0.25s", "connect_timeout: 60s"),
];

/// Envoy and its upstream service. Both are killed when this is dropped.
struct Envoy {
    child: Child,
    address: SocketAddr,
    upstream: Upstream,
    token: String,
    _folder: TempDir,
}

/// The answer to a caller.
#[derive(Debug)]
struct Answer {
    status: u16,
    text: String,
}

impl Envoy {
    /// By `deploy/envoy/envoy.yaml`, but with free ports and patient timeouts: Envoy looks
    /// up the records, then sends a check to this authorizer.
    async fn start(authorizer: SocketAddr) -> Self {
        Self::start_asking(authorizer, &TIMEOUTS).await
    }

    /// The same with the deployed timeouts, for tests of outages.
    async fn start_with_deployed_timeouts(authorizer: SocketAddr) -> Self {
        Self::start_asking(authorizer, &[]).await
    }

    async fn start_asking(authorizer: SocketAddr, timeouts: &[(&str, &str)]) -> Self {
        let upstream = Upstream::start(&[]).await;
        let ports = [("7481", upstream.address()), ("7411", authorizer)];
        Self::start_by("deploy/envoy/envoy.yaml", "7480", &ports, timeouts, upstream).await
    }

    /// By `deploy/envoy/service-checks.yaml`: the service requests decisions of this Lupa.
    async fn start_before_checks(lupa: SocketAddr) -> Self {
        let upstream = Upstream::start(&["--check", &format!("http://{lupa}")]).await;
        let ports = [("7483", upstream.address())];
        Self::start_by("deploy/envoy/service-checks.yaml", "7482", &ports, &TIMEOUTS, upstream).await
    }

    async fn start_by(
        file: &str,
        port: &str,
        ports: &[(&str, SocketAddr)],
        timeouts: &[(&str, &str)],
        upstream: Upstream,
    ) -> Self {
        let address = free_port();
        let set_up = std::fs::read_to_string(file).unwrap();
        let set_up = [(port, address)].iter().chain(ports).fold(set_up, |set_up, (port, address)| {
            let port = format!("port_value: {port} ");
            assert_eq!(set_up.matches(&port).count(), 1, "{port}");
            set_up.replace(&port, &format!("port_value: {} ", address.port()))
        });
        let set_up =
            timeouts.iter().fold(set_up, |set_up, (deployed, patient)| set_up.replace(deployed, patient));
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("envoy.yaml");
        std::fs::write(&path, set_up).unwrap();
        let mut command = Command::new(program());
        command.arg("-c").arg(&path).args(["--log-level", "error", "--concurrency", "1"]);
        // Several Envoys run at once, each with its own base id.
        command.arg("--use-dynamic-base-id");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let token = Command::new("deploy/envoy/demo_token.py").output().unwrap().stdout;
        let token = String::from_utf8(token).unwrap().trim().to_owned();
        let envoy = Self { child, address, upstream, token, _folder: folder };
        until("Envoy listens", async || TcpStream::connect(address).await.is_ok()).await;
        envoy
    }

    /// Sends a call with a verified token and these further header lines.
    async fn get(&self, path: &str, lines: &[&str]) -> Answer {
        let token = format!("authorization: Bearer {}", self.token);
        let lines: Vec<&str> = [token.as_str()].into_iter().chain(lines.iter().copied()).collect();
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: records"), &lines).await
    }

    /// Sends a head as it is.
    async fn send(&self, start: &str, lines: &[&str]) -> Answer {
        let head = format!("{start}\r\nconnection: close\r\n{}\r\n\r\n", lines.join("\r\n"));
        self.send_as_it_is(&head).await
    }

    /// Sends bytes as they are, and reads what comes until Envoy closes.
    async fn send_as_it_is(&self, sent: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        // A connection that is refused early may be reset after the answer.
        drop(stream.read_to_end(&mut text).await);
        let text = String::from_utf8_lossy(&text).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        Answer { status: status.unwrap_or_else(|| panic!("no answer to {sent}")), text }
    }

    /// The calls that reached the service since the last call of this method, without lookups.
    fn reached(&self) -> Vec<Reached> {
        self.upstream.reached()
    }
}

impl Answer {
    /// The ids of the records in the answer; none if it is not an answer of the service.
    fn shown(&self) -> Vec<&str> {
        let ids = self.text.split(r#""id": ""#).skip(1);
        ids.filter_map(|rest| rest.split('"').next()).collect()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The path of Envoy: where `scripts/test` installs it, or `ENVOY`.
fn program() -> PathBuf {
    let program = std::env::var_os("ENVOY")
        .map_or_else(|| Path::new("target/tools/envoy/bin/envoy").to_owned(), PathBuf::from);
    assert!(program.exists(), "there is no Envoy: scripts/test installs it, or set ENVOY");
    program
}

/// Lupa with the routes of `deploy/envoy`, to which Aino has declared: informed,
/// consenting, one visit denied.
async fn lupa(folder: &Path) -> Process {
    let process = start_lupa(folder);
    aino_declares(process.connect().await).await;
    process
}

/// The same on the store of an earlier run.
fn start_lupa(folder: &Path) -> Process {
    let mut command = serve(&folder.join("lupa.sqlite"));
    command.args(["--config", "deploy/envoy/lupa.toml"]);
    Process::start(command).unwrap()
}

/// The path of an entry: the service holds entry-1 to entry-3 of Aino, of
/// visit-1 to visit-3, and Aino has denied visit-2.
fn path_of(entry: &str) -> String {
    format!("/clients/{AINO}/registers/{HOLDING}/records/{entry}")
}
