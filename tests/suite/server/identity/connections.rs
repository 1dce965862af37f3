//! Connections of callers that are known, not known, and no longer known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use tonic::{Code, Request};

use super::certificates::TestAuthority;
use super::{connect, is_serving, start};
use crate::fixtures::patience::until;
use crate::fixtures::process::request;
use crate::fixtures::refused::{because, refused};
use crate::fixtures::requests::{aino, entry, question};
use lupa::wire::v1;

const EMR: &str = "[[callers]]\nname = \"emr\"\nauthority = \"test-ca\"\ndns = \"emr.example\"\n\
                   organisations = \"any\"\nregisters = \"any\"\nverbs = [\"decide\"]\n";

fn one() -> v1::DecideRequest {
    question(aino(), vec![entry("document-1", "visit-1")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_caller_that_is_listed_is_answered() {
    let authority = TestAuthority::new(EMR);
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    let known = connect(&authority, &process, "emr.example").await;
    let mut known = DecisionServiceClient::new(known);
    known.decide(one()).await.expect("an answer");
    assert_eq!(
        refused(known.explain(v1::ExplainRequest { decide: Some(one()) }).await),
        because(Code::PermissionDenied, "NOT_ENTITLED")
    );

    for name in ["other.example", "emr.example.org", "xemr.example"] {
        let client = authority.client(name);
        let channel = authority.connect(&process, Some(&client)).await.expect("a connection");
        assert!(is_serving(channel.clone()).await, "the health needs no identity");
        let answer = DecisionServiceClient::new(channel).decide(one()).await;
        assert_eq!(refused(answer), because(Code::Unauthenticated, "CALLER_UNKNOWN"), "{name}");
    }

    // Another authority with the same name in its certificate; no certificate; no TLS.
    let stranger = TestAuthority::new(EMR).client("emr.example");
    for client in [Some(&stranger), None] {
        let is_answered = match authority.connect(&process, client).await {
            Ok(channel) => DecisionServiceClient::new(channel).decide(one()).await.is_ok(),
            Err(_) => false,
        };
        assert!(!is_answered);
    }
    let plain = tonic::transport::Endpoint::from_shared(format!("http://{}", process.address()));
    let is_answered = match plain.expect("a URL").connect().await {
        Ok(channel) => DecisionServiceClient::new(channel).decide(one()).await.is_ok(),
        Err(_) => false,
    };
    assert!(!is_answered);
    known.decide(one()).await.expect("the others go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_nobody_is_refused_on_a_known_connection() {
    let authority = TestAuthority::new(EMR);
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    let mut known = DecisionServiceClient::new(connect(&authority, &process, "emr.example").await);
    let mut with_token = Request::new(one());
    with_token.metadata_mut().insert("authorization", "Bearer abc.def.ghi".parse().expect("a header"));
    assert_eq!(refused(known.decide(with_token).await), because(Code::Unauthenticated, "CALLER_UNKNOWN"));
    known.decide(one()).await.expect("an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_connection_ends_when_its_certificate_is_revoked_or_its_caller_removed() {
    let authority = TestAuthority::new(EMR);
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    let ends = async |change: &dyn Fn()| {
        let mut open = DecisionServiceClient::new(connect(&authority, &process, "emr.example").await);
        open.decide(one()).await.expect("an answer");
        change();
        // The client library connects again, and then the handshake or the name is refused.
        until("the connection is no longer answered", async || open.decide(one()).await.is_err()).await;
    };
    ends(&|| authority.write_revoked(&[7])).await;
    authority.write_revoked(&[]);
    ends(&|| authority.write_callers(&EMR.replace("emr.example", "another.example"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_faults_leaves_those_before_in_force() {
    let authority = TestAuthority::new(EMR);
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    let mut open = DecisionServiceClient::new(connect(&authority, &process, "emr.example").await);
    authority.write_callers("[[callers]]\nname = \"emr\"\nverb = [\"decide\"]\n");
    let failed = async |expected: &str| {
        let (_, metrics) = request(process.http(), "GET", "/metrics", "").await;
        metrics.lines().any(|line| line == format!("lupa_identity_reload_failed {expected}"))
    };
    until("the reload has failed", async || failed("1").await).await;
    open.decide(one()).await.expect("an answer");
    connect(&authority, &process, "emr.example").await;
    authority.write_callers(EMR);
    until("the file is right again", async || failed("0").await).await;
    open.decide(one()).await.expect("an answer");
    let exited = process.terminate();
    assert!(exited.output.contains("callers.toml"), "{}", exited.output);
}

/// Certificates of the server change fifty times while a caller asks on a connection
/// that it keeps, and on new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_rotate_without_a_failed_call() {
    let authority = Arc::new(TestAuthority::new(EMR));
    let store = tempfile::tempdir().expect("a folder");
    let process = Arc::new(start(&authority, store.path()));
    let kept = DecisionServiceClient::new(connect(&authority, &process, "emr.example").await);
    let is_over = Arc::new(AtomicBool::new(false));
    let asking = {
        let (authority, process, is_over) =
            (Arc::clone(&authority), Arc::clone(&process), Arc::clone(&is_over));
        tokio::spawn(async move {
            let client = authority.client("emr.example");
            let (mut kept, mut calls) = (kept, 0);
            while !is_over.load(Ordering::Relaxed) {
                kept.decide(one()).await.expect("an answer on the connection that is kept");
                let new = authority.connect(&process, Some(&client)).await.expect("a new connection");
                DecisionServiceClient::new(new).decide(one()).await.expect("an answer on a new one");
                calls += 2;
            }
            calls
        })
    };
    for year in 2031..2081 {
        authority.write_server_certificate(year);
        authority.write_revoked(&[u64::from(year.unsigned_abs())]);
        process.signal("HUP");
        let in_force = format!(
            " {}",
            chrono::NaiveDate::from_ymd_opt(year, 1, 1)
                .expect("a day")
                .and_time(chrono::NaiveTime::MIN,)
                .and_utc()
                .timestamp()
        );
        until("the certificate is in force", async || {
            let (_, metrics) = request(process.http(), "GET", "/metrics", "").await;
            let mut expiries =
                metrics.lines().filter(|line| line.starts_with("lupa_identity_expiry_timestamp_seconds"));
            expiries.any(|line| line.ends_with(&in_force) || line.ends_with(&format!("{in_force}.0")))
        })
        .await;
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(asking.await.expect("no call has failed") > 0);
}
