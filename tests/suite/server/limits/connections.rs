//! Connections that say nothing, too many of them, and floods.

use std::process::Command;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use lupa::wire::v1::decision_service_client::DecisionServiceClient;

use super::raw::{DECIDE, Outcome, Raw, large_question, outcome};
use super::{reached, start};
use crate::fixtures::patience::until;
use crate::fixtures::process::{LUPA, Process, request, settings};
use crate::fixtures::refused::{Refused, because};
use crate::fixtures::requests::{aino, entry, question};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS_FRAME: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// HEADERS of stream 1 whose block goes on in a frame that never comes.
const HEADERS_BEGUN: [u8; 10] = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83];
const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/// Waits for the end of a connection, and returns what it has said.
async fn said_until_the_end(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset is an end too.
    drop(stream.read_to_end(&mut said).await);
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_asks_nothing_is_closed() {
    let folder = TempDir::new().expect("a folder");
    let process = start(folder.path(), &[("LUPA_LIMITS__FIRST_REQUEST_MS_MAX", "1000")]);
    let headers = [PREFACE, &SETTINGS_FRAME, &HEADERS_BEGUN].concat();
    for said in [&[][..], &PREFACE[..10], &[PREFACE, &SETTINGS_FRAME].concat(), &headers] {
        let mut stream = TcpStream::connect(process.address()).await.expect("a connection");
        stream.write_all(said).await.expect("sent");
        said_until_the_end(stream).await;
    }
    assert_eq!(reached(process.http(), "first_request_ms_max").await, 4);
    let mut http = TcpStream::connect(process.http()).await.expect("a connection");
    http.write_all(b"GET /metrics HTTP/1.1\r\nhos").await.expect("sent");
    said_until_the_end(http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_told_to_go() {
    let folder = TempDir::new().expect("a folder");
    let process = start(folder.path(), &[("LUPA_LIMITS__IDLE_CONNECTION_MS_MAX", "1000")]);
    let mut raw = Raw::connect(process.address()).await;
    let answer = raw.send(DECIDE, &large_question(aino(), 1)).await.expect("sent");
    let Outcome::Answered(mut body) = outcome(answer).await else { panic!("it is answered") };
    while let Some(data) = body.data().await {
        let data = data.expect("a part of the answer");
        body.flow_control().release_capacity(data.len()).expect("released");
    }
    drop(body);
    until("it ends", async || raw.has_ended()).await;
    assert!(reached(process.http(), "idle_connection_ms_max").await > 0);
}

/// hyper answers every PING.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pings_is_cut_off() {
    let folder = TempDir::new().expect("a folder");
    let process = start(folder.path(), &[]);
    for flood in [PING.as_slice(), &SETTINGS_FRAME] {
        let mut stream = TcpStream::connect(process.address()).await.expect("a connection");
        stream.write_all(&[PREFACE, &SETTINGS_FRAME].concat()).await.expect("sent");
        let (mut reading, mut writing) = stream.into_split();
        let flood = flood.to_owned();
        let writer = tokio::spawn(async move { while writing.write_all(&flood).await.is_ok() {} });
        let mut said = Vec::new();
        drop(reading.read_to_end(&mut said).await);
        writer.await.expect("it ends");
        let goaway = said.windows(14).any(|window| window == b"too_many_pings");
        assert!(goaway, "no reason among {} bytes", said.len());
    }
    assert_eq!(reached(process.http(), "control_frames_per_second_max").await, 2);
}

/// A client that asks may ping for each request, as some do to measure the bandwidth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_that_requests_explain_are_answered() {
    let folder = TempDir::new().expect("a folder");
    let process = start(folder.path(), &[("LUPA_LIMITS__CONTROL_FRAMES_PER_SECOND_MAX", "1")]);
    let stream = TcpStream::connect(process.address()).await.expect("a connection");
    let (client, mut connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let mut pings = connection.ping_pong().expect("pings");
    let mut raw = Raw::of(client, connection);
    for _ in 0..200 {
        let answer = raw.send(DECIDE, &large_question(aino(), 1)).await.expect("sent");
        assert!(!matches!(outcome(answer).await, Outcome::Ended));
        pings.ping(h2::Ping::opaque()).await.expect("a pong");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_limit_of_connections_only_the_health_is_answered() {
    let folder = TempDir::new().expect("a folder");
    let process = start(folder.path(), &[("LUPA_LIMITS__CONNECTIONS_PER_CALLER_MAX", "4")]);
    let first = process.connect().await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(process.connect_as_it_is().await);
    }
    let asked = || question(aino(), vec![entry("document-1", "visit-1")]);
    let beyond = process.connect_as_it_is().await;
    HealthClient::new(beyond.clone()).check(HealthCheckRequest::default()).await.expect("its health");
    let refused = DecisionServiceClient::new(beyond).decide(asked()).await.expect_err("too many");
    assert_eq!(Refused::of(&refused), because(Code::ResourceExhausted, "TOO_MANY_CONNECTIONS"));
    DecisionServiceClient::new(first).decide(asked()).await.expect("an open connection goes on");
    assert!(reached(process.http(), "connections_max").await > 0);
    drop(others);
}

/// With few files left, those who are connected, the store and the operators go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_leave_files_for_the_store_and_for_operators() {
    let folder = TempDir::new().expect("a folder");
    let mut command = Command::new("sh");
    settings(&mut command, &folder.path().join("lupa.sqlite"));
    command.args(["-c", "ulimit -n 192; exec \"$0\" serve", LUPA]);
    command.env("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0");
    let process = Process::start(command).expect("it listens");
    let first = process.connect().await;
    let mut open = Vec::new();
    for _ in 0..300 {
        open.push(TcpStream::connect(process.address()).await.expect("in the backlog at least"));
    }
    until("connections are refused", async || reached(process.http(), "connections_max").await > 0).await;
    let (head, _) = request(process.http(), "GET", "/readyz", "").await;
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    let asked = question(aino(), vec![entry("document-1", "visit-1")]);
    DecisionServiceClient::new(first.clone()).decide(asked).await.expect("decided");
    crate::fixtures::requests::aino_declares(first).await;
    let failures = super::metric(process.http(), "lupa_connections_accept_failures_total").await;
    assert_eq!(failures, 0, "files have run out");
    drop(open);
}
