//! Invalid requests, sent to the real binary.

use chrono::{DateTime, TimeDelta, Utc};
use lupa::clock;
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use tempfile::TempDir;
use tonic::Code;
use tonic_types::StatusExt;

use crate::fixtures::process::{Process, serve};
use crate::fixtures::refused::{because, invalid, refused};
use crate::fixtures::requests::{
    ASKING, CONSENT, DENIAL, INFORMATION, UNKNOWN, aino, demo_directory, entry, message, question, recording,
    timestamp,
};

/// A server with the demo directory.
async fn start(folder: &TempDir) -> (Process, tonic::transport::Channel) {
    let process = Process::start(serve(&folder.path().join("store.sqlite"))).expect("it listens");
    let channel = process.connect().await;
    let load = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    DirectoryServiceClient::new(channel.clone()).replace_directory(load).await.expect("stored");
    (process, channel)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identity_codes_are_checked_to_the_last_character() {
    let folder = TempDir::new().expect("a directory");
    let (_process, channel) = start(&folder).await;
    let mut decisions = DecisionServiceClient::new(channel.clone());
    let mut declarations = DeclarationServiceClient::new(channel);
    for extension in [
        "010181-900D",
        "010181-900c",
        "010181A900C ",
        " 010181-900C",
        "010181?900C",
        "310281-900C",
        "290200-901C",
        "010181-90C",
        "0101819000C",
        "٠10181-900C",
        "",
    ] {
        let client = v1::ClientId { extension: extension.to_owned(), root: String::new() };
        let refusal =
            refused(decisions.decide(question(client.clone(), vec![entry("doc-1", "visit-1")])).await);
        assert_eq!(refusal, invalid(&["client.extension"]), "{extension}");
        let refusal = refused(declarations.record_declaration(recording(client, "1", DENIAL)).await);
        assert_eq!(refusal, invalid(&["client.extension"]), "{extension}");
    }
    // With the national root or without it. Each century sign is a different person.
    for (extension, root) in [("010181-900C", "1.2.246.21"), ("010190Y901R", ""), ("290200A901C", "")] {
        let client = v1::ClientId { extension: extension.to_owned(), root: root.to_owned() };
        decisions.decide(question(client, vec![entry("doc-1", "visit-1")])).await.expect("decided");
    }
}

/// The claims and tasks that each record is checked against are limited, or one request takes a whole core.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_claims_and_service_tasks_are_refused() {
    let folder = TempDir::new().expect("a directory");
    let (_process, channel) = start(&folder).await;
    let mut decisions = DecisionServiceClient::new(channel);
    let emergency = v1::Claim { kind: Some(v1::claim::Kind::Emergency(v1::Emergency::default())) };
    let with = |claims: usize| v1::DecideRequest {
        claims: vec![emergency.clone(); claims],
        ..question(aino(), vec![entry("doc-1", "visit-1")])
    };
    decisions.decide(with(16)).await.expect("decided");
    for claims in [17, 500_000] {
        assert_eq!(refused(decisions.decide(with(claims)).await), invalid(&["claims"]), "{claims}");
    }
    let request = v1::ExplainRequest { decide: Some(with(17)) };
    assert_eq!(refused(decisions.explain(request).await), invalid(&["decide.claims"]));
    let of_tasks = |tasks: usize| v1::Record {
        service_tasks: vec!["task".to_owned(); tasks],
        ..entry("doc-1", "visit-1")
    };
    let request = question(aino(), vec![of_tasks(100), of_tasks(101)]);
    let decided = decisions.decide(request).await.expect("decided").into_inner();
    let faults: Vec<_> = decided.verdicts.iter().map(|verdict| verdict.invalid_field.as_str()).collect();
    assert_eq!(faults, ["", "service_tasks"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_and_registers_that_do_not_exist_permit_nothing() {
    let folder = TempDir::new().expect("a directory");
    let (_process, channel) = start(&folder).await;
    let mut declarations = DeclarationServiceClient::new(channel.clone());
    declarations.record_declaration(recording(aino(), "1", INFORMATION)).await.expect("recorded");
    declarations.record_declaration(recording(aino(), "2", CONSENT)).await.expect("recorded");
    let mut decisions = DecisionServiceClient::new(channel);
    let on = |day: &str| v1::Record { recorded_on: day.to_owned(), ..entry("doc-1", "visit-1") };
    let days = [
        "2025-02-29",
        "2025-00-01",
        "2025-13-01",
        "2025-04-31",
        "2025-4-3",
        "03.04.2025",
        "20250403",
        "2025-04-03T00:00",
    ];
    let request = question(aino(), days.into_iter().map(on).chain([on("2024-02-29")]).collect());
    let verdicts = decisions.decide(request).await.expect("decided").into_inner().verdicts;
    let found: Vec<_> =
        verdicts.iter().map(|verdict| (verdict.reason(), verdict.invalid_field.as_str())).collect();
    let mut expected = vec![(v1::Reason::InvalidRecord, "recorded_on"); days.len()];
    expected.push((v1::Reason::Consent, ""));
    assert_eq!(found, expected);

    let elsewhere = v1::Record { register: UNKNOWN.to_owned(), ..entry("doc-1", "visit-1") };
    let stranger = v1::DecideRequest {
        requester: Some(message(&format!("register: {UNKNOWN}"))),
        ..question(aino(), vec![entry("doc-1", "visit-1")])
    };
    for request in [question(aino(), vec![elsewhere]), stranger] {
        let verdicts = decisions.decide(request).await.expect("decided").into_inner().verdicts;
        let expected: v1::Verdict = message(
            "{ effect: EFFECT_DENY, reason: REASON_UNKNOWN_REGISTER, details: { rule: unknown-register } }",
        );
        assert_eq!(verdicts, [expected]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn future_times_and_unknown_registers_are_refused() {
    let folder = TempDir::new().expect("a directory");
    let (_process, channel) = start(&folder).await;
    let mut declarations = DeclarationServiceClient::new(channel);
    let given = |at: DateTime<Utc>| v1::RecordDeclarationRequest {
        given_at: Some(timestamp(at)),
        ..recording(aino(), "1", DENIAL)
    };
    let far = DateTime::from_timestamp(253_402_300_799, 0).expect("the end of the year 9999");
    for at in [clock::now() + TimeDelta::minutes(5), far] {
        let refusal = refused(declarations.record_declaration(given(at)).await);
        assert_eq!(refusal, because(Code::FailedPrecondition, "GIVEN_IN_FUTURE"), "{at}");
    }
    for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 2_000_000_000)] {
        let given_at = Some(pbjson_types::Timestamp { seconds, nanos });
        let refusal = refused(
            declarations
                .record_declaration(v1::RecordDeclarationRequest {
                    given_at,
                    ..recording(aino(), "1", DENIAL)
                })
                .await,
        );
        assert_eq!(refusal, invalid(&["given_at"]), "{seconds} {nanos}");
    }
    let of = |register: &str, organisation: &str| {
        message::<v1::RecordedBy>(&format!(
            "professional: {{ register: {register}, organisation: {organisation} }}"
        ))
    };
    for recorded_by in [of(UNKNOWN, "1.2.246.10.99999999.5.0"), of(ASKING, "1.2.246.10.99999999.999.0")] {
        let request =
            v1::RecordDeclarationRequest { recorded_by: Some(recorded_by), ..recording(aino(), "1", DENIAL) };
        let refusal = refused(declarations.record_declaration(request).await);
        assert_eq!(refusal, because(Code::FailedPrecondition, "RECORDER_UNKNOWN"));
    }
    declarations.record_declaration(given(clock::now() - TimeDelta::minutes(5))).await.expect("recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_directory_is_refused_with_described_faults() {
    let folder = TempDir::new().expect("a directory");
    let (_process, channel) = start(&folder).await;
    let mut directories = DirectoryServiceClient::new(channel);
    let before =
        directories.get_directory(v1::GetDirectoryRequest {}).await.expect("a directory").into_inner();
    let faulty: v1::Directory = message(
        "organisations:
- { oid: 1.2.246.1, kind: ORGANISATION_KIND_FORMER_PUBLIC, successor: 1.2.246.2 }
- { oid: 1.2.246.2, kind: ORGANISATION_KIND_FORMER_PUBLIC, successor: 1.2.246.1 }
- { oid: 1.2.246.3, kind: ORGANISATION_KIND_PRIVATE }
- { oid: 1.2.246.3, kind: ORGANISATION_KIND_PRIVATE }
registers:
- { oid: 1.2.246.4, controller: 1.2.246.5, kind: REGISTER_KIND_PRIVATE_HEALTHCARE }
",
    );
    let status = directories
        .replace_directory(v1::ReplaceDirectoryRequest { directory: Some(faulty), ..Default::default() })
        .await;
    let details = status.expect_err("it is refused").get_error_details();
    let violations = &details.bad_request().expect("a BadRequest").field_violations;
    let mut refusal: Vec<_> = violations
        .iter()
        .map(|violation| (violation.field.as_str(), violation.description.as_str()))
        .collect();
    refusal.sort_unstable();
    let cycle =
        |oid: &str| format!("the successors of `{oid}` form a cycle: a former provider ends in a county");
    let expected = [
        ("directory.organisations[0].successor", &*cycle("1.2.246.1")),
        ("directory.organisations[1].successor", &*cycle("1.2.246.2")),
        (
            "directory.organisations[3].oid",
            "`1.2.246.3` is already the OID of another entry: give each organisation and register one of its own",
        ),
        (
            "directory.registers[0].controller",
            "no organisation `1.2.246.5` in the directory: add it or correct the OID",
        ),
    ];
    assert_eq!(refusal, expected);
    let after =
        directories.get_directory(v1::GetDirectoryRequest {}).await.expect("a directory").into_inner();
    assert_eq!(after, before);
}
