//! Shutdown: drain and grace periods. The log level can be changed at run time.

use std::time::{Duration, Instant};

use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::fixtures::patience::{PATIENCE, until};
use crate::fixtures::ports::free_port;
use crate::fixtures::process::{Process, request, serve};
use crate::fixtures::refused::{Refused, because, error_id};
use crate::fixtures::requests::{aino, aino_declares, entry, question};

fn start(settings: &[(&str, &str)]) -> (tempfile::TempDir, Process) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(&folder.path().join("lupa.sqlite"));
    command.env("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0").envs(settings.iter().copied());
    let process = Process::start(command).expect("it listens");
    (folder, process)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_server_reports_not_serving_and_still_answers() {
    // The drain delay is longer than this test.
    let (_folder, process) = start(&[("LUPA_SERVER__SHUTDOWN_WAIT_MS", "3600000")]);
    let channel = process.connect().await;
    aino_declares(channel.clone()).await;
    let http = process.http();
    assert_eq!(request(http, "GET", "/readyz", "").await.1, "ready\n");
    process.signal("TERM");
    until("NOT_SERVING", async || request(http, "GET", "/readyz", "").await.1 != "ready\n").await;
    let (head, answer) = request(http, "GET", "/readyz", "").await;
    assert!(head.starts_with("HTTP/1.0 503"), "{head}");
    assert_eq!(answer, "the server is shutting down\n");
    assert_eq!(request(http, "GET", "/livez", "").await.1, "alive\n");
    // Requests are still answered, on new connections too.
    let late = process.connect_as_it_is().await;
    let health = HealthClient::new(late.clone()).check(HealthCheckRequest::default()).await;
    assert_eq!(health.expect("an answer").into_inner().status(), ServingStatus::NotServing);
    let request_to_decide = question(aino(), vec![entry("r-1", "visit-1")]);
    DecisionServiceClient::new(late).decide(request_to_decide).await.expect("an answer");
    process.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_exits_after_the_drain_delay() {
    // A port that no other test gets after the end.
    let address = free_port();
    let listen = ("LUPA_SERVER__LISTEN_ADDRESS", &*address.to_string());
    let (_folder, process) = start(&[listen, ("LUPA_SERVER__SHUTDOWN_WAIT_MS", "200")]);
    let _connected = process.connect().await;
    let signaled_at = Instant::now();
    let ended = process.terminate();
    assert!(signaled_at.elapsed() >= Duration::from_millis(200), "the delay was cut short");
    assert!(ended.status.success(), "{}", ended.output);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_streams_end_at_shutdown_without_delaying_it() {
    let (_folder, process) = start(&[("LUPA_SERVER__SHUTDOWN_GRACE_MS", "3600000")]);
    let channel = process.connect().await;
    aino_declares(channel.clone()).await;
    let watched = DeclarationServiceClient::new(channel)
        .watch_declarations(v1::WatchDeclarationsRequest::default())
        .await;
    let mut stream = watched.expect("a stream").into_inner();
    stream.message().await.expect("a checkpoint");
    let began_at = Instant::now();
    process.signal("TERM");
    let answer = loop {
        match stream.message().await {
            Ok(message) => assert!(message.is_some(), "the stream ended without a reason"),
            Err(status) => break Refused::of(&status),
        }
    };
    assert_eq!(answer, because(Code::Unavailable, "SERVER_ENDING"));
    drop(stream);
    assert!(process.wait().status.success());
    // Far less than the grace period.
    assert!(began_at.elapsed() < PATIENCE, "the stream was waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_level_changes_at_run_time() {
    let (_folder, process) = start(&[]);
    let http = process.http();
    let refuse = async || {
        let request_to_decide = question(aino(), Vec::new());
        DecisionServiceClient::new(process.connect().await)
            .decide(request_to_decide)
            .await
            .expect_err("an empty request is refused")
    };
    assert_eq!(request(http, "GET", "/log-level", "").await.1, "info\n");
    let unlogged = refuse().await;
    let (head, answer) = request(http, "PUT", "/log-level", "lupa=debug").await;
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert_eq!(answer, "lupa=debug\n");
    let logged = refuse().await;
    // `EnvFilter` alone would take `warning` for a target and log nothing else any more.
    for (level, expected) in
        [("lupa=loud", "`loud` is not a level: write off,"), ("warning", "did you mean `warn`?")]
    {
        let (head, answer) = request(http, "PUT", "/log-level", level).await;
        assert!(head.starts_with("HTTP/1.0 400") && answer.contains(expected), "{head} {answer}");
    }
    assert_eq!(request(http, "GET", "/log-level", "").await.1, "lupa=debug\n");
    let output = process.terminate().output;
    assert!(!output.contains(&error_id(&unlogged)), "{output}");
    assert!(output.contains(&error_id(&logged)), "{output}");
}
