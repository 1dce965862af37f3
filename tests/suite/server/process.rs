//! The real binary: `lupa serve` in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// The program under test.
pub(crate) const LUPA: &str = env!("CARGO_BIN_EXE_lupa");

/// A process that listens. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    url: String,
    /// Where it tells of itself by HTTP, if it does.
    http: Option<SocketAddr>,
    /// Reads what it says, to the end.
    said: Option<JoinHandle<String>>,
}

/// A process that has ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
}

/// `lupa serve` on a store and a free port, with nothing else in its environment.
pub(crate) fn serve(store: &Path) -> Command {
    let mut command = Command::new(LUPA);
    command.arg("serve");
    settings(&mut command, store);
    command
}

/// The settings of [`serve`], for a command that runs it.
pub(crate) fn settings(command: &mut Command, store: &Path) {
    command.env_clear().env("LUPA_STORE__PATH", store).env("LUPA_SERVER__LISTEN_ADDRESS", "127.0.0.1:0");
}

impl Process {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(mut command: Command) -> Result<Self, Ended> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut stderr = BufReader::new(child.stderr.take().expect("its words"));
        let mut said = String::new();
        while stderr.read_line(&mut said).expect("its words") > 0 {
            if let Some((address, http)) = said.lines().next_back().and_then(listening) {
                let url = format!("http://{address}");
                let said = Some(thread::spawn(move || read_on(said, stderr)));
                return Ok(Self { child, url, http, said });
            }
        }
        Err(Ended { status: child.wait().expect("an end"), said })
    }

    /// A connection, whether it serves or not.
    pub(crate) async fn connect_as_it_is(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.url.clone()).expect("a URL");
        endpoint.connect().await.expect("a connection")
    }

    /// A connection, once it serves.
    pub(crate) async fn connect(&self) -> Channel {
        let channel = self.connect_as_it_is().await;
        let request = HealthCheckRequest { service: "lupa.v1.DeclarationService".to_owned() };
        let statuses = HealthClient::new(channel.clone()).watch(request).await;
        let mut statuses = statuses.expect("a stream").into_inner();
        while statuses.message().await.expect("a status").expect("a status").status()
            != ServingStatus::Serving
        {}
        channel
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().expect("an address")
    }

    /// Where it tells of itself by HTTP.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http.expect("an address for HTTP")
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.expect("the command `kill`").success(), "a signal is sent");
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("an end");
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn terminate(self) -> Ended {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(mut self) -> Ended {
        let status = self.child.wait().expect("an end");
        let said = self.said.take().expect("it is read once").join().expect("its words");
        Ended { status, said }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().expect("killed");
            self.child.wait().expect("an end");
        }
    }
}

/// Asks by HTTP: the head and the body of the answer.
pub(crate) async fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> (String, String) {
    let answered = try_request(address, method, path, body).await.expect("an answer");
    let (head, body) = answered.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

/// The same, as it came; an error as long as nobody answers.
pub(crate) async fn try_request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!("{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn read_on(mut said: String, mut stderr: BufReader<ChildStderr>) -> String {
    while stderr.read_line(&mut said).expect("its words") > 0 {}
    said
}

/// Where a line of the log says that it listens, for gRPC and for HTTP.
fn listening(line: &str) -> Option<(String, Option<SocketAddr>)> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let listens = line.get("message")? == "listening";
    let http = line["http_address"].as_str().map(|address| address.parse().expect("an address"));
    listens.then(|| (line["address"].as_str().expect("an address").to_owned(), http))
}
