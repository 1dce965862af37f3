//! The spans of a decision and of a declaration.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use lupa::wire::v1::{
    DecideRequest, RecordDeclarationRequest, ReplaceDirectoryRequest, WithdrawDeclarationRequest,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tempfile::TempDir;

use super::receiver::{Receiver, attribute, attributes, hex};
use super::{CALLER, PERSONAL, TRACE, decide, request_of, start};
use crate::fixtures::patience::PATIENT_SETTINGS;
use crate::fixtures::process::Process;
use crate::fixtures::refused::error_id;
use crate::fixtures::requests::{AINO, ASKING, aino_declares, demo_directory, message};
use crate::server::sidecar::{Call, check};

const DECIDE: &str = "lupa.v1.DecisionService/Decide";
const RECORD: &str = "lupa.v1.DeclarationService/RecordDeclaration";

/// Lupa with the declarations of Aino, its receiver, and the token.
async fn started(variables: &[(&str, &str)]) -> (TempDir, Receiver, Process, String) {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let process = start(folder.path(), &receiver, variables);
    let token = aino_declares(process.connect().await).await;
    (folder, receiver, process, token)
}

/// Stops the process: no telemetry is left unsent.
fn ended(process: Process) {
    let ended = process.terminate();
    assert!(ended.status.success(), "{}", ended.output);
    assert!(!ended.output.contains("not all telemetry was sent"), "{}", ended.output);
}

fn text(span: &Span, name: &str) -> String {
    attribute(&span.attributes, name).unwrap_or_else(|| panic!("no {name} in {span:#?}"))
}

fn status(span: &Span) -> StatusCode {
    span.status.as_ref().map_or(StatusCode::Unset, |status| status.code())
}

/// The same request, at a revision or later.
fn at(question: DecideRequest, token: &str) -> DecideRequest {
    DecideRequest { at_least: token.to_owned(), ..question }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decision_span_continues_the_callers_trace() {
    let (_folder, receiver, process, token) = started(&[]).await;
    let channel = process.connect().await;
    let question = at(request_of(&["visit-1", "visit-1", "visit-2", "visit-3"]), &token);
    let answer = decide(&channel, question).await.unwrap();
    ended(process);
    let span = receiver.span(DECIDE);
    assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(span.kind(), SpanKind::Server);
    assert_eq!(status(&span), StatusCode::Unset, "a denial is no error");
    assert_eq!(span.trace_state, "", "the trace state of a caller is not forwarded");
    let expected = [
        ("lupa.channel", "CHANNEL_KANTA"),
        ("lupa.decision.denied", "1"),
        ("lupa.decision.id", &answer.decision_id),
        ("lupa.decision.permitted", "3"),
        ("lupa.decision.reason.consent", "3"),
        ("lupa.decision.reason.not_shareable", "1"),
        ("lupa.catalogue.version", &answer.catalogue_version),
        ("lupa.holder.register_kinds", "REGISTER_KIND_PUBLIC_HEALTHCARE"),
        ("lupa.holder.sectors", "SECTOR_HEALTHCARE"),
        ("lupa.records", "4"),
        ("lupa.requester.register_kind", "REGISTER_KIND_PUBLIC_HEALTHCARE"),
        ("lupa.requester.sector", "SECTOR_HEALTHCARE"),
        ("lupa.revision", "4"),
        ("rpc.method", DECIDE),
        ("rpc.response.status_code", "OK"),
        ("rpc.system.name", "grpc"),
    ];
    let mut expected: Vec<_> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    expected.sort();
    let mut came = attributes(&span.attributes);
    let age = came.iter().position(|(name, _)| name == "lupa.index.age_ms").expect("an age");
    let age: f64 = came.remove(age).1.parse().unwrap();
    // Nothing is decided by an index that is older than it may be.
    let max_staleness: f64 = PATIENT_SETTINGS[0].1.parse().unwrap();
    assert!((0.0..max_staleness).contains(&age), "{age}");
    assert_eq!(came, expected);
    // An event for each reason; by default without the rule, which would reveal a denial.
    let events: Vec<_> = span.events.iter().map(|event| attributes(&event.attributes)).collect();
    assert_eq!(events.len(), 2, "{events:#?}");
    for (reason, effect, count) in
        [("REASON_CONSENT", "EFFECT_PERMIT", "3"), ("REASON_NOT_SHAREABLE", "EFFECT_DENY", "1")]
    {
        let event = [("lupa.effect", effect), ("lupa.reason", reason), ("lupa.records", count)];
        let event: Vec<_> = event.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert!(events.contains(&event), "{events:#?}");
    }
    // Waiting for the token is a step of its own, under the request.
    let step = receiver.spans("wait for revision").into_iter().find(|step| step.trace_id == span.trace_id);
    assert_eq!(step.expect("a step").parent_span_id, span.span_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_in_spans_if_configured() {
    let (_folder, receiver, process, _) = started(&[("LUPA_TELEMETRY__DETAIL", "rules")]).await;
    let channel = process.connect().await;
    decide(&channel, request_of(&["visit-1", "visit-2"])).await.unwrap();
    ended(process);
    let span = receiver.span(DECIDE);
    let rules: BTreeSet<String> = text(&span, "lupa.rules").split(',').map(str::to_owned).collect();
    assert_eq!(rules.len(), 2, "{rules:?}");
    let events: BTreeSet<_> = span
        .events
        .iter()
        .map(|event| {
            assert_eq!(event.name, "lupa.decided");
            attribute(&event.attributes, "lupa.rule").expect("a rule")
        })
        .collect();
    assert_eq!(events, rules);
    let details: Vec<_> =
        span.events.iter().filter_map(|event| attribute(&event.attributes, "lupa.detail")).collect();
    assert_eq!(details, ["DETAIL_DENIAL_SERVICE_EVENT"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declaration_is_found_by_its_revision() {
    let (_folder, receiver, process, token) = started(&[]).await;
    let channel = process.connect().await;
    let request: RecordDeclarationRequest = message(&format!(
        "{{ client: {{ extension: {AINO} }}, declaration: {{ consent: {{ kind: CONSENT_KIND_HEALTHCARE }} }}, \
         declarer: {{ role: ROLE_CLIENT }}, recorded_by: {{ my_kanta: {{}} }}, idempotency_key: '2' }}"
    ));
    let mut declarations = DeclarationServiceClient::new(channel.clone());
    let again = declarations.record_declaration(request).await.unwrap().into_inner();
    let request: WithdrawDeclarationRequest = message(&format!(
        "{{ client: {{ extension: {AINO} }}, declaration_id: {}, declarer: {{ role: ROLE_CLIENT }}, \
         recorded_by: {{ my_kanta: {{}} }}, idempotency_key: '9' }}",
        again.declaration_id
    ));
    let withdrawn = declarations.withdraw_declaration(request).await.unwrap().into_inner();
    assert_ne!(withdrawn.token, token);
    decide(&channel, at(request_of(&["visit-1"]), &withdrawn.token)).await.unwrap();
    ended(process);
    let recorded: Vec<_> = receiver
        .spans(RECORD)
        .iter()
        .map(|span| ["lupa.declaration.kind", "lupa.revision", "lupa.replay"].map(|name| text(span, name)))
        .collect();
    let expected = [
        ["information", "2", "false"],
        ["consent", "3", "false"],
        ["denial", "4", "false"],
        ["consent", "3", "true"],
    ];
    assert_eq!(recorded, expected);
    let withdrawal = receiver.span("lupa.v1.DeclarationService/WithdrawDeclaration");
    assert_eq!(text(&withdrawal, "lupa.declaration.kind"), "withdrawal");
    assert_eq!(text(&withdrawal, "lupa.revision"), text(&receiver.span(DECIDE), "lupa.revision"));
    // Where the time of a declaration goes.
    for step in ["store append", "wait for revision"] {
        let steps = receiver.spans(step);
        assert!(steps.iter().any(|step| step.parent_span_id == withdrawal.span_id), "{step}: {steps:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_check_continues_the_trace_of_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let routes = folder.path().join("lupa.toml");
    std::fs::copy("deploy/envoy/lupa.toml", &routes).unwrap();
    let process = start(folder.path(), &receiver, &[("LUPA_CONFIG", routes.to_str().unwrap())]);
    let channel = process.connect().await;
    aino_declares(channel.clone()).await;
    // A route with a client needs the token's claims: without them the call is denied with a reason.
    let call =
        Call::get("/clients/010181-900C/registers/1.2.3/records/secret-entry?service_event=secret-visit")
            .header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    check(&mut AuthorizationClient::new(channel), call.into_check_request()).await;
    ended(process);
    let span = receiver.span("envoy.service.auth.v3.Authorization/Check");
    assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(text(&span, "lupa.refusal"), "PART_MISSING");
    assert_eq!(status(&span), StatusCode::Unset);
    let bytes = String::from_utf8_lossy(&receiver.bytes()).into_owned();
    assert!(!PERSONAL.iter().any(|personal| bytes.contains(personal)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_request_is_no_error_span() {
    let (_folder, receiver, process, token) = started(&[]).await;
    let channel = process.connect().await;
    decide(&channel, request_of(&[])).await.unwrap_err();
    let refused = decide(&channel, at(request_of(&["visit-1"]), &format!("{token}A"))).await.unwrap_err();
    let error_id = error_id(&refused);
    ended(process);
    let spans = receiver.spans(DECIDE);
    let expected = ["rpc.response.status_code", "lupa.refusal"];
    let expected: Vec<_> = spans.iter().map(|span| expected.map(|name| text(span, name))).collect();
    assert_eq!(expected, [["INVALID_ARGUMENT", "INVALID_REQUEST"], ["INVALID_ARGUMENT", "TOKEN_FORGED"]]);
    assert!(spans.iter().all(|span| status(span) == StatusCode::Unset), "{spans:#?}");
    assert_eq!(text(&spans[1], "lupa.error.id"), error_id, "the caller's error id finds the trace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unavailable_decision_is_an_error_span() {
    let (folder, receiver, process, _) = started(&[]).await;
    ended(process);
    let behind = tempfile::tempdir().unwrap();
    for name in ["lupa.sqlite", "lupa.sqlite.watermark"] {
        std::fs::copy(folder.path().join(name), behind.path().join(name)).unwrap();
    }
    // A token that the copy does not reach.
    let process = start(folder.path(), &receiver, &[]);
    let channel = process.connect().await;
    let request = ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    let replaced = DirectoryServiceClient::new(channel).replace_directory(request).await.unwrap();
    let token = replaced.into_inner().token;
    ended(process);
    let process = start(behind.path(), &receiver, &[("LUPA_CONSISTENCY__WAIT_MS_MAX", "1")]);
    let channel = process.connect().await;
    let refused = decide(&channel, at(request_of(&["visit-1"]), &token)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    ended(process);
    let span = receiver.span(DECIDE);
    assert_eq!(status(&span), StatusCode::Error);
    assert_eq!(text(&span, "error.type"), "UNAVAILABLE");
    assert_eq!(text(&span, "lupa.refusal"), "REVISION_NOT_REACHED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_is_sent() {
    for detail in ["public", "rules"] {
        let variables = [("LUPA_TELEMETRY__DETAIL", detail), ("LUPA_LOG__LEVEL", "trace")];
        let (_folder, receiver, process, _) = started(&variables).await;
        let channel = process.connect().await;
        decide(&channel, request_of(&["secret-visit", "visit-2"])).await.unwrap();
        decide(&channel, request_of(&[])).await.unwrap_err();
        let mut undated = request_of(&["secret-visit"]);
        undated.records[0].recorded_on = "secret-entry".to_owned();
        decide(&channel, undated).await.unwrap();
        ended(process);
        assert_eq!(receiver.spans(DECIDE).len(), 3);
        assert!(!receiver.logs().is_empty());
        let bytes = String::from_utf8_lossy(&receiver.bytes()).into_owned();
        for personal in PERSONAL {
            assert!(!bytes.contains(personal), "{personal} is sent");
        }
        assert!(!bytes.contains(ASKING), "the requesting register, which with the time identifies a person");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsampled_spans_are_not_sent() {
    let (_folder, receiver, process, _) = started(&[("OTEL_TRACES_SAMPLER", "always_off")]).await;
    let channel = process.connect().await;
    decide(&channel, request_of(&["visit-1"])).await.unwrap();
    ended(process);
    assert!(receiver.spans(DECIDE).is_empty());
    assert!(!receiver.metrics().is_empty(), "metrics are sent nevertheless");
}
