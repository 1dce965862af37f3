//! A clock that is wrong: it is noticed before anything is decided or recorded by it, and what was recorded by
//! one concerns its own client.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use lupa::clock;
use lupa::wire::v1;
use tokio::sync::MutexGuard;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use super::fixture::Fixture;
use crate::fixtures::patience::until;
use crate::fixtures::refused::Refused;
use crate::fixtures::requests::{
    DENIAL, INFORMATION, aino, demo_directory, entry, person, question, recording,
};

/// Seconds by which the clock of these tests is off.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// The tests share the clock, so they take turns.
static IN_TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn wrong_clock() -> DateTime<Utc> {
    clock::now() + TimeDelta::seconds(AHEAD.load(Ordering::SeqCst))
}

fn set_ahead(seconds: i64) {
    AHEAD.store(seconds, Ordering::SeqCst);
}

const LIMIT: &[(&str, &str)] = &[("clock.difference_ms_max", "5000")];

async fn start() -> (Fixture, MutexGuard<'static, ()>) {
    let turn = IN_TURN.lock().await;
    set_ahead(0);
    (Fixture::start_at(wrong_clock, LIMIT).await, turn)
}

fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    Refused::of(&answer.expect_err("it is refused")).reason
}

async fn decided(fixture: &Fixture, client: v1::ClientId) -> Result<v1::DecideResponse, Status> {
    let answer = fixture.decisions().decide(question(client, vec![entry("doc-1", "visit-1")])).await;
    answer.map(tonic::Response::into_inner)
}

async fn recorded(fixture: &Fixture, client: v1::ClientId, key: &str, what: &str) -> Result<(), Status> {
    fixture.declarations().record_declaration(recording(client, key, what)).await.map(drop)
}

async fn health(fixture: &Fixture) -> ServingStatus {
    let service = "lupa.v1.DecisionService".to_owned();
    fixture.health().check(HealthCheckRequest { service }).await.expect("a status").get_ref().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_is_refused_until_it_is_taken_back_or_confirmed() {
    let (fixture, _turn) = start().await;
    recorded(&fixture, aino(), "informed", INFORMATION).await.expect("recorded");
    for seconds in [86_400, -86_400] {
        set_ahead(seconds);
        assert_eq!(reason(decided(&fixture, aino()).await), "CLOCK_DIFFERS");
        assert_eq!(reason(recorded(&fixture, aino(), "denied", DENIAL).await), "CLOCK_DIFFERS");
        let load = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
        assert_eq!(reason(fixture.directories().replace_directory(load).await), "CLOCK_DIFFERS");
        until("NOT_SERVING", async || health(&fixture).await == ServingStatus::NotServing).await;
        let (head, reasons) = fixture.get("/readyz").await;
        assert!(head.contains("503"), "{head}");
        assert!(reasons.starts_with("the clock of this machine is 86400"), "{reasons}");
        assert!(fixture.get("/clock").await.1.contains("86400"));
    }
    set_ahead(0);
    decided(&fixture, aino()).await.expect("decided");
    until("SERVING", async || health(&fixture).await == ServingStatus::Serving).await;
    assert_eq!(fixture.get("/readyz").await.1, "ready\n");

    // It was wrong before, and is right now.
    set_ahead(3_600);
    assert!(fixture.put("/clock", "yes").await.0.contains("400"));
    assert_eq!(reason(decided(&fixture, aino()).await), "CLOCK_DIFFERS");
    assert_eq!(fixture.put("/clock", "right").await.1, "right\n");
    decided(&fixture, aino()).await.expect("decided");
    recorded(&fixture, aino(), "denied", DENIAL).await.expect("recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declaration_that_lies_ahead_concerns_its_own_client() {
    let (fixture, _turn) = start().await;
    recorded(&fixture, aino(), "informed", INFORMATION).await.expect("recorded");
    recorded(&fixture, person(1), "also informed", INFORMATION).await.expect("recorded");
    set_ahead(3_600);
    assert_eq!(fixture.put("/clock", "right").await.1, "right\n");
    recorded(&fixture, aino(), "denied", DENIAL).await.expect("recorded");
    set_ahead(0);
    assert_eq!(fixture.put("/clock", "right").await.1, "right\n");

    assert_eq!(reason(decided(&fixture, aino()).await), "CLOCK_BEHIND");
    decided(&fixture, person(1)).await.expect("decided");
    decided(&fixture, person(2)).await.expect("decided");
    assert_eq!(fixture.get("/readyz").await.1, "ready\n");
    // What is recorded now would lie ahead too.
    assert_eq!(reason(recorded(&fixture, person(2), "another", DENIAL).await), "CLOCK_BEHIND");

    // The directory concerns everybody.
    set_ahead(3_600);
    assert_eq!(fixture.put("/clock", "right").await.1, "right\n");
    let load = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    fixture.directories().replace_directory(load).await.expect("stored");
    set_ahead(0);
    assert_eq!(fixture.put("/clock", "right").await.1, "right\n");
    assert_eq!(reason(decided(&fixture, person(2)).await), "CLOCK_BEHIND");
    let (_, reasons) = fixture.get("/readyz").await;
    assert!(reasons.starts_with("the directory was stored by a clock that was ahead"), "{reasons}");
    until("NOT_SERVING", async || health(&fixture).await == ServingStatus::NotServing).await;

    // A server that starts cannot know which of the two is right.
    set_ahead(3_600);
    let fixture = fixture.restart_with(LIMIT).await;
    decided(&fixture, aino()).await.expect("decided");
    set_ahead(0);
    assert_eq!(reason(decided(&fixture, person(1)).await), "CLOCK_DIFFERS");
    assert!(fixture.get("/readyz").await.1.contains("the clock of this machine is 36"));
}
