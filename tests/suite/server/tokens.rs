//! Consistency tokens: a decision is made at their revision or later, or not
//! at all.

use std::fs;
use std::path::Path;

use lupa::wire::v1;
use tonic::Code;

use super::fixture::Fixture;
use crate::fixtures::refused::{Refused, because, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, demo_directory, entry, question, recording,
};

fn at_least(token: &str) -> v1::DecideRequest {
    v1::DecideRequest { at_least: token.to_owned(), ..question(aino(), vec![entry("doc-1", "visit-1")]) }
}

fn forged() -> Refused {
    Refused { fields: vec!["at_least".to_owned()], ..because(Code::InvalidArgument, "TOKEN_FORGED") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_made_at_the_token_or_later() {
    let fixture = Fixture::start().await;
    let replace = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    let replaced = fixture.directories().replace_directory(replace).await.expect("replaced").into_inner();
    let informed = fixture.record(recording(aino(), "1", INFORMATION)).await;
    let consented = fixture.record(recording(aino(), "2", CONSENT)).await;
    for token in [&replaced.token, &informed.token, &consented.token] {
        let answer = fixture.decide(at_least(token)).await;
        assert_eq!((answer.verdicts[0].effect(), &answer.token), (v1::Effect::Permit, &consented.token));
    }
    // A decision's own token is one, and the same question again has the same.
    let answer = fixture.decide(at_least("")).await;
    assert_eq!(fixture.decide(at_least(&answer.token)).await.token, answer.token);
    let explained = v1::ExplainRequest { decide: Some(at_least(&answer.token)) };
    let explained = fixture.decisions().explain(explained).await.expect("explained").into_inner();
    assert_eq!(explained.token, answer.token);
    let simulated = v1::SimulateRequest { decide: Some(at_least("x")), ..Default::default() };
    assert_eq!(refused(fixture.decisions().simulate(simulated).await), forged());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_token_is_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.record(recording(aino(), "1", INFORMATION)).await.token;
    // Its format, its revision and its MAC. Another epoch is one of another store.
    let changed = |place: usize| {
        let mut token = token.clone().into_bytes();
        token[place] = if token[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(token).expect("ASCII")
    };
    let revision_and_mac = 24..token.len() - 1;
    for text in ["x", "latest", &token[1..], &format!("{token}A"), &format!(" {token}"), "AAAA", &changed(0)]
    {
        assert_eq!(refused(fixture.decisions().decide(at_least(text)).await), forged(), "{text}");
    }
    for place in revision_and_mac {
        let text = changed(place);
        assert_eq!(refused(fixture.decisions().decide(at_least(&text)).await), forged(), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_of_another_store_is_refused() {
    let one = Fixture::start().await;
    let other = Fixture::start().await;
    let token = other.record(recording(aino(), "1", INFORMATION)).await.token;
    one.record(recording(aino(), "1", INFORMATION)).await;
    let expected = because(Code::FailedPrecondition, "TOKEN_OF_ANOTHER_STORE");
    assert_eq!(refused(one.decisions().decide(at_least(&token)).await), expected);
    // Tokens belong to the store, not to the process.
    let other = other.restart_with(&[]).await;
    assert_eq!(other.decide(at_least(&token)).await.token, token);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_of_a_lost_revision_is_unavailable() {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    fixture.record(recording(aino(), "2", CONSENT)).await;
    let fixture = fixture
        .restart_after(&[], |store| {
            copy_with_watermark(store, &store.with_extension("backup"));
        })
        .await;
    let token = fixture.record(recording(aino(), "3", DENIAL)).await.token;
    assert_eq!(fixture.decide(at_least(&token)).await.verdicts[0].effect(), v1::Effect::Deny);
    let fixture = fixture
        .restart_after(&[("consistency.wait_ms_max", "50")], |store| {
            copy_with_watermark(&store.with_extension("backup"), store);
        })
        .await;
    // Without the denial the visit is shown, but not to a caller with the token of the denial.
    assert_eq!(fixture.decide(at_least("")).await.verdicts[0].effect(), v1::Effect::Permit);
    let expected = because(Code::Unavailable, "REVISION_NOT_REACHED");
    assert!(expected.retry);
    assert_eq!(refused(fixture.decisions().decide(at_least(&token)).await), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_request_times_out_with_a_reason() {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    let fixture = fixture
        .restart_after(&[], |store| {
            copy_with_watermark(store, &store.with_extension("backup"));
        })
        .await;
    let token = fixture.record(recording(aino(), "2", CONSENT)).await.token;
    let settings = [("consistency.wait_ms_max", "60000"), ("server.request_timeout_ms", "2000")];
    let fixture = fixture
        .restart_after(&settings, |store| {
            copy_with_watermark(&store.with_extension("backup"), store);
        })
        .await;
    let status = fixture.decisions().decide(at_least(&token)).await.expect_err("no answer");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("idempotency key") && status.message().contains("(error "), "{status}");
}

/// Copies a closed store as an operator who puts both of its files back, which nothing can detect.
fn copy_with_watermark(store: &Path, to: &Path) {
    for suffix in ["", ".watermark"] {
        let file = |path: &Path| format!("{}{suffix}", path.display());
        fs::copy(file(store), file(to)).expect("a copy");
    }
}
