//! Bounded work: a large request holds up no other, long work runs beside the workers,
//! and what may be large has a limit.

use std::time::Duration;

use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use prost::Message;
use tonic::{Code, Request};

use super::fixture::Fixture;
use crate::fixtures::patience::{PATIENCE, until_some};
use crate::fixtures::refused::{Refused, because, invalid, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, demo_directory, entry, instant, message, question, recording,
    withdrawal,
};

/// As many records as one request may have, each of as many service tasks.
fn large(tasks: usize) -> v1::DecideRequest {
    let record = |number: usize| v1::Record {
        service_tasks: (0..tasks).map(|task| format!("task-{number}-{task}")).collect(),
        ..entry(&format!("doc-{number}"), &format!("visit-{number}"))
    };
    question(aino(), (0..1000).map(record).collect())
}

/// With one worker, a request that arrives after a large one was started is answered
/// before it. The order is that of the server: by when each was decided, and by which
/// answer arrives first. A busy machine may deliver them in another order, so the large
/// request is sent until it is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_is_answered_before_a_large_request() {
    let fixture = Fixture::start_with(&[("server.workers", "1")]).await;
    for denial in 0..20 {
        let denied = DENIAL.replace("visit-1", &format!("denied-{denial}"));
        fixture.record(recording(aino(), &format!("d-{denial}"), &denied)).await;
    }
    let mut neighbour = DecisionServiceClient::new(fixture.connect().await);
    let small = question(aino(), vec![entry("doc-1", "visit-1")]);
    let large = large(100);
    until_some("a neighbour that is answered first", async || {
        let mut decisions = fixture.decisions();
        let sent = large.clone();
        let deciding = tokio::spawn(async move { decisions.decide(sent).await });
        let mut decided_before = Vec::new();
        while !deciding.is_finished() {
            let answer = neighbour.decide(small.clone()).await.expect("decided").into_inner();
            if !deciding.is_finished() {
                decided_before.push(instant(&answer.decided_at.expect("a time")));
            }
        }
        let answer = deciding.await.expect("no panic").expect("decided").into_inner();
        assert_eq!(answer.verdicts.len(), large.records.len());
        let started = instant(&answer.decided_at.expect("a time"));
        decided_before.iter().any(|decided| *decided > started).then_some(())
    })
    .await;
}

fn simulation(decide: v1::DecideRequest) -> v1::SimulateRequest {
    v1::SimulateRequest {
        decide: Some(decide),
        at: None,
        directory: None,
        declarations: Vec::new(),
        ignore_stored: true,
    }
}

fn stored_denial(number: usize) -> v1::StoredDeclaration {
    message(&format!(
        "{{ recorded_at: '2026-11-20T10:00:00Z', declarer: {{ role: ROLE_CLIENT }}, declaration: {{ denial: {{ \
         sector: SECTOR_HEALTHCARE, service_event: event-{number} }} }} }}"
    ))
}

/// A simulation whose deadline passes is left off, and the side thread serves the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulation_after_its_deadline_leaves_the_thread_free() {
    let fixture = Fixture::start_with(&[("limits.side_threads", "1")]).await;
    let mut long = simulation(large(100));
    long.declarations = (0..1000).map(stored_denial).collect();
    for _ in 0..3 {
        let mut request = Request::new(long.clone());
        request.set_timeout(Duration::from_millis(1));
        fixture.decisions().simulate(request).await.expect_err("its deadline has passed");
    }
    let small = simulation(question(aino(), vec![entry("doc-1", "visit-1")]));
    let answer = fixture.decisions().simulate(small).await.expect("simulated").into_inner();
    assert!(answer.simulated && answer.decision.expect("a decision").verdicts.len() == 1);
}

/// More simulations than may wait are rejected with a reason of their own and a delay,
/// while decisions are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_of_long_work_is_bounded() {
    let settings = [
        ("limits.side_threads", "1"),
        ("limits.side_queue_length_max", "1"),
        // They are all of one caller and on one connection.
        ("limits.in_flight_bytes_per_connection_max", "268435456"),
        ("limits.reads_per_caller_max", "64"),
    ];
    let fixture = Fixture::start_with(&settings).await;
    let long = simulation(large(20));
    let full = until_some("a full queue", async || {
        let sent = (0..16).map(|_| {
            let (mut decisions, long) = (fixture.decisions(), long.clone());
            tokio::spawn(async move { decisions.simulate(long).await })
        });
        let sent: Vec<_> = sent.collect();
        fixture.decide(question(aino(), vec![entry("doc-1", "visit-1")])).await;
        let mut refusals = Vec::new();
        for one in sent {
            if let Err(status) = one.await.expect("no panic") {
                refusals.push(Refused::of(&status));
            }
        }
        refusals.pop()
    });
    assert_eq!(full.await, because(Code::ResourceExhausted, "LONG_WORK_QUEUE_FULL"));
    let small = simulation(question(aino(), vec![entry("doc-1", "visit-1")]));
    tokio::time::timeout(PATIENCE, fixture.decisions().simulate(small))
        .await
        .expect("in time")
        .expect("simulated");
}

/// A client with very many declarations can still deny and withdraw.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_declarations_of_a_client_have_a_limit() {
    let fixture = Fixture::start_with(&[("limits.declarations_per_client_max", "2")]).await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    let consent = fixture.record(recording(aino(), "2", CONSENT)).await;
    let too_many = || because(Code::FailedPrecondition, "TOO_MANY_DECLARATIONS");
    for (key, declaration) in [("3", INFORMATION), ("4", CONSENT)] {
        let answer = fixture.declarations().record_declaration(recording(aino(), key, declaration)).await;
        assert_eq!(refused(answer), too_many(), "{declaration}");
    }
    fixture.record(recording(aino(), "5", DENIAL)).await;
    fixture.record(recording(aino(), "6", &DENIAL.replace("visit-1", "visit-2"))).await;
    let third = recording(aino(), "7", &DENIAL.replace("visit-1", "visit-3"));
    assert_eq!(refused(fixture.declarations().record_declaration(third).await), too_many());
    fixture.withdraw(withdrawal(aino(), "8", &consent.declaration_id)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_declarations_and_directories_have_a_limit() {
    let settings = [("limits.simulated_declarations_max", "2"), ("limits.directory_entries_max", "3")];
    // The demo directory was stored in another way.
    let fixture = Fixture::start_with(&settings).await;
    let mut large = simulation(question(aino(), vec![entry("doc-1", "visit-1")]));
    large.declarations = (0..2).map(stored_denial).collect();
    fixture.decisions().simulate(large.clone()).await.expect("simulated");
    large.declarations.push(stored_denial(2));
    large.directory = Some(demo_directory());
    let answer = fixture.decisions().simulate(large).await;
    assert_eq!(refused(answer), invalid(&["declarations", "directory"]));
    let replace = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    assert_eq!(refused(fixture.directories().replace_directory(replace).await), invalid(&["directory"]));
}

/// Each text of a request has a limit, and the violation names the field.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_have_a_limit() {
    let fixture = Fixture::start().await;
    let asked = || question(aino(), vec![entry("doc-1", "visit-1")]);
    let mut longest = asked();
    longest.request_id = "ä".repeat(128);
    assert_eq!(fixture.decide(longest.clone()).await.request_id, longest.request_id);
    let requester = |change: fn(&mut v1::Requester, String)| {
        let mut request = asked();
        change(request.requester.as_mut().expect("a requester"), "ä".repeat(201));
        request
    };
    let claim = |provision: String| {
        let kind = v1::claim::Kind::StatutoryRight(v1::StatutoryRight { provision });
        v1::DecideRequest { claims: vec![v1::Claim { kind: Some(kind) }], ..asked() }
    };
    fixture.decide(claim("§".repeat(1000))).await;
    for (field, request) in [
        ("request_id", v1::DecideRequest { request_id: "ä".repeat(129), ..asked() }),
        ("requester.organisation", requester(|requester, text| requester.organisation = text)),
        ("requester.professional", requester(|requester, text| requester.professional = text)),
        ("requester.system", requester(|requester, text| requester.system = text)),
        ("claims[0].statutory_right.provision", claim("§".repeat(1001))),
    ] {
        assert_eq!(refused(fixture.decisions().decide(request.clone()).await), invalid(&[field]));
        let within = format!("decide.{field}");
        let answer = fixture.decisions().simulate(simulation(request)).await;
        assert_eq!(refused(answer), invalid(&[&within]));
    }
    let token = v1::DecideRequest { at_least: "A".repeat(1 << 20), ..asked() };
    let forged = refused(fixture.decisions().decide(token).await);
    assert_eq!((forged.reason.as_str(), forged.fields), ("TOKEN_FORGED", vec!["at_least".to_owned()]));

    let mut listed = v1::ListDeclarationsRequest { client: Some(aino()), ..Default::default() };
    listed.kinds = vec![v1::Kind::Consent.into(); 101];
    assert!(
        refused(fixture.declarations().list_declarations(listed).await).fields.contains(&"kinds".to_owned())
    );
    let version = format!("information: {{ version: '{}' }}", "2".repeat(201));
    let answer = fixture.declarations().record_declaration(recording(aino(), "1", &version)).await;
    assert_eq!(refused(answer), invalid(&["declaration.information.version"]));

    let mut directory = demo_directory();
    directory.registers[0].name_sv = "ä".repeat(201);
    directory.organisations[0].name = "ä".repeat(201);
    let connection = v1::MainResponsibility { provider: "1.2.3".to_owned(), ..Default::default() };
    directory.organisations[1].main_responsibility = vec![connection; 1001];
    assert!(directory.encoded_len() < 1 << 20);
    let replace = v1::ReplaceDirectoryRequest { directory: Some(directory), ..Default::default() };
    let fields = [
        "directory.organisations[0].name",
        "directory.organisations[1].main_responsibility",
        "directory.registers[0].name_sv",
    ];
    assert_eq!(refused(fixture.directories().replace_directory(replace).await), invalid(&fields));
}
