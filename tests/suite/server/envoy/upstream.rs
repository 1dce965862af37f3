//! The upstream of Envoy: the record service of `deploy/envoy` in its own process, and in
//! front of it a proxy that logs and forwards every call.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixtures::patience::until;
use crate::fixtures::ports::free_port;
use crate::fixtures::process::{LUPA, signal};

/// The path and the headers of a call.
pub(super) type Reached = (String, http::HeaderMap);

/// The logged calls.
#[derive(Debug, Default)]
struct Notes {
    lookups: Mutex<Vec<Reached>>,
    calls: Mutex<Vec<Reached>>,
}

pub(super) struct Upstream {
    service: Child,
    /// Where the service itself listens.
    service_address: SocketAddr,
    address: SocketAddr,
    notes: Arc<Notes>,
}

impl Upstream {
    /// With these arguments after the port of the service.
    pub(super) async fn start(arguments: &[&str]) -> Self {
        let service_address = free_port();
        let mut command = Command::new("deploy/envoy/record_service.py");
        command.arg(service_address.port().to_string()).args(arguments);
        command.env("LUPA", LUPA).env("LUPA_TIMEOUT_SECONDS", "60");
        let service =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the service listens", async || TcpStream::connect(service_address).await.is_ok()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let notes = Arc::<Notes>::default();
        let router = Router::new().fallback(pass_on).with_state((Arc::clone(&notes), service_address));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { service, service_address, address, notes }
    }

    /// Where Envoy sends calls.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the service itself listens.
    pub(super) fn service_address(&self) -> SocketAddr {
        self.service_address
    }

    /// The calls since the last call of this method, without lookups.
    pub(super) fn reached(&self) -> Vec<Reached> {
        take(&self.notes.calls)
    }

    /// The lookups since the last call of this method.
    pub(super) fn lookups(&self) -> Vec<Reached> {
        take(&self.notes.lookups)
    }

    /// Sends the service a signal, such as `STOP`.
    pub(super) fn signal(&self, name: &str) {
        signal(self.service.id(), name);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.service.kill());
        drop(self.service.wait());
    }
}

fn take(noted: &Mutex<Vec<Reached>>) -> Vec<Reached> {
    std::mem::take(&mut noted.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Logs a call and forwards it.
async fn pass_on(
    State((notes, service)): State<(Arc<Notes>, SocketAddr)>,
    request: Request,
) -> Response<Body> {
    let (path, headers) = (request.uri().to_string(), request.headers().clone());
    let noted = if path.starts_with("/held/") { &notes.lookups } else { &notes.calls };
    noted.lock().unwrap().push((path.clone(), headers.clone()));
    let mut head = format!("{} {path} HTTP/1.1\r\nconnection: close\r\n", request.method());
    for (name, value) in headers.iter().filter(|(name, _)| *name != "connection") {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(service).await {
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        drop(stream.read_to_end(&mut answer).await);
    }
    let answer = String::from_utf8(answer).unwrap();
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Response::builder().status(502).body(Body::empty()).unwrap();
    };
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
    let response = lines.filter_map(|line| line.split_once(": ")).fold(
        Response::builder().status(status),
        |response, (name, value)| {
            let is_of_hop =
                name.eq_ignore_ascii_case("connection") || name.eq_ignore_ascii_case("content-length");
            if is_of_hop { response } else { response.header(name, value) }
        },
    );
    response.body(Body::from(body.to_owned())).unwrap()
}
