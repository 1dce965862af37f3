//! The real Envoy, as `deploy/envoy` sets it up, before a service that tells of
//! every call that reaches it, with the real binary as the authorizer.

mod calls;
mod outages;
mod traced;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::ports::free_port;
use crate::server::process::{Process, serve};
use crate::server::requests::{AINO, HOLDING, aino_declares};

/// So long Envoy may take to start on a machine that runs everything at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// What reached the service behind Envoy: the path and the headers of each call.
type Reached = Arc<Mutex<Vec<(String, http::HeaderMap)>>>;

/// Envoy and what is behind it. It is killed when this is dropped.
struct Envoy {
    child: Child,
    address: SocketAddr,
    reached: Reached,
    token: String,
    _folder: TempDir,
}

/// What a caller is answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    text: String,
}

impl Envoy {
    /// As `deploy/envoy/envoy.yaml` says, but with free ports.
    async fn start(authorizer: SocketAddr) -> Self {
        let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let behind = upstream.local_addr().unwrap();
        let reached = Reached::default();
        let router = Router::new().fallback(note).with_state(Arc::clone(&reached));
        tokio::spawn(async move { axum::serve(upstream, router).await });
        let address = free_port();
        let set_up = std::fs::read_to_string("deploy/envoy/envoy.yaml").unwrap();
        let set_up = [("7480", address), ("7481", behind), ("7411", authorizer)].into_iter().fold(
            set_up,
            |set_up, (port, address)| {
                let port = format!("port_value: {port} ");
                assert_eq!(set_up.matches(&port).count(), 1, "{port}");
                set_up.replace(&port, &format!("port_value: {} ", address.port()))
            },
        );
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("envoy.yaml");
        std::fs::write(&path, set_up).unwrap();
        let mut command = Command::new(program());
        command.arg("-c").arg(&path).args(["--log-level", "error", "--concurrency", "1"]);
        // Several run at once: each is the first of its own.
        command.arg("--use-dynamic-base-id");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let token = Command::new("deploy/envoy/demo_token.py").output().unwrap().stdout;
        let token = String::from_utf8(token).unwrap().trim().to_owned();
        let envoy = Self { child, address, reached, token, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "Envoy does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        envoy
    }

    /// A call with a verified token, and these further lines in its head.
    async fn get(&self, path: &str, lines: &[&str]) -> Answer {
        let token = format!("authorization: Bearer {}", self.token);
        let lines: Vec<&str> = [token.as_str()].into_iter().chain(lines.iter().copied()).collect();
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: records"), &lines).await
    }

    /// Sends a head as it is.
    async fn send(&self, begin: &str, lines: &[&str]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("{begin}\r\nconnection: close\r\n{}\r\n\r\n", lines.join("\r\n"));
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        // What is refused early may be reset after its answer.
        drop(stream.read_to_end(&mut text).await);
        let text = String::from_utf8_lossy(&text).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        Answer { status: status.unwrap_or_else(|| panic!("no answer to {begin}")), text }
    }

    /// What has reached the service since this was asked last.
    fn reached(&self) -> Vec<(String, http::HeaderMap)> {
        std::mem::take(&mut self.reached.lock().unwrap())
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn note(State(reached): State<Reached>, request: Request) -> &'static str {
    let path = request.uri().to_string();
    reached.lock().unwrap().push((path, request.headers().clone()));
    "shown\n"
}

/// Where `scripts/test` installs it, unless `ENVOY` says otherwise.
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

/// The same on what it has stored before.
fn start_lupa(folder: &Path) -> Process {
    let mut command = serve(&folder.join("lupa.sqlite"));
    command.args(["--config", "deploy/envoy/lupa.toml"]);
    Process::start(command).unwrap()
}

fn path_of(event: &str) -> String {
    format!(
        "/clients/{AINO}/registers/{HOLDING}/records/entry-1?service_event={event}&recorded_on=2025-03-18&kind=RECORD_KIND_SERVICE_EVENT_ENTRY"
    )
}
