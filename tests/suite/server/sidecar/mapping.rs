//! Mapping of calls to decision requests, and the calls that are denied before a decision.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Value};
use hyper_util::rt::TokioIo;
use lupa::policy::calendar::Calendar;
use lupa::policy::day::Instant;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::{Answer, Call, check};
use crate::fixtures::linking::{AINO_NEW, aino_new, linking};
use crate::fixtures::requests::{AINO, ASKING, HOLDING, aino, aino_declares};
use crate::fixtures::running::Running;

/// One route of each kind.
const ROUTES: &str = r#"
[sidecar]
socket_path = "envoy.sock"

# The requester is in a token, the record in the path and the query.
[[sidecar.routes]]
methods = ["GET", "HEAD"]
path = "/clients/{client}/registers/{register}/records/{record}"
[sidecar.routes.question]
client.extension = { path = "client" }
requester.register = { jwt = "token.register" }
access_right = { jwt = "token.access_right" }
ground = { jwt = "token.ground", optional = true }
channel = { value = "CHANNEL_KANTA" }
records.id = { path = "record" }
records.register = { path = "register" }
records.service_event = { query = "event", optional = true }
records.recorded_on = { query = "on" }
records.kind = { query = "kind" }
at_least = { header = "x-lupa-token", optional = true }
claims.emergency.client_cannot_be_asked = { header = "x-emergency", optional = true }

# Several records at once, of one register.
[[sidecar.routes]]
methods = ["GET"]
path = "/some"
permit_some = true
question.client.extension = { header = "x-client" }
question.requester.register = { principal = "spiffe://example.org/register/{value}" }
question.access_right = { context_extension = "access-right" }
question.ground = { value = "GROUND_CARE_RELATIONSHIP" }
question.channel = { value = "CHANNEL_KANTA" }
question.records.id = { query = "id", several = true }
question.records.service_event = { query = "event", several = true, optional = true }
question.records.register = { value = "1.2.246.10.32213086.19.1" }
question.records.recorded_on = { value = "2025-03-18" }
question.records.kind = { value = "RECORD_KIND_SERVICE_EVENT_ENTRY" }

# The same, but all of them or nothing; and a method of gRPC.
[[sidecar.routes]]
methods = ["POST"]
path = "/records.v1.Records/List"
[sidecar.routes.question]
client.extension = { header = "x-client" }
requester.register = { header = "x-register" }
access_right = { value = "true" }
ground = { value = "GROUND_CARE_RELATIONSHIP" }
channel = { value = "CHANNEL_KANTA" }
records = { header = "x-records" }
"#;

const DENIED_VISIT: &str = "visit-2";

fn clock() -> Instant {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

async fn start() -> (Running, String) {
    start_at(clock).await
}

async fn start_at(clock: fn() -> Instant) -> (Running, String) {
    let running = Running::start_by(ROUTES, &Calendar::published(), clock, async |_| ()).await;
    let token = aino_declares(running.channel.clone()).await;
    (running, token)
}

fn text(text: &str) -> Kind {
    Kind::StringValue(text.to_owned())
}

fn path_of(event: &str) -> String {
    format!(
        "/clients/{AINO}/registers/{HOLDING}/records/document-1?event={event}&on=2025-03-18&kind=RECORD_KIND_SERVICE_EVENT_ENTRY"
    )
}

/// A doctor requests an entry.
fn one(path: impl Into<String>) -> Call {
    Call::get(path)
        .claim("register", text(ASKING))
        .claim("access_right", Kind::BoolValue(true))
        .claim("ground", text("GROUND_CARE_RELATIONSHIP"))
}

fn some(query: &str) -> Call {
    Call {
        principal: format!("spiffe://example.org/register/{ASKING}"),
        extensions: vec![("access-right", "true")],
        ..Call::get(format!("/some?{query}")).header("x-client", AINO)
    }
}

pub(super) fn as_lines(call: Call) -> Call {
    Call { as_lines: true, ..call }
}

/// The answer to a call.
async fn send(running: &Running, call: Call) -> Answer {
    check(&mut AuthorizationClient::new(running.channel.clone()), call.into_check_request()).await.1
}

#[tokio::test]
async fn a_call_passes_with_what_was_decided() {
    let (running, token) = start().await;
    let mut client = AuthorizationClient::new(running.channel.clone());
    let call = one(path_of("visit-1")).header("x-lupa-token", &token);
    let (response, answer) = check(&mut client, call.into_check_request()).await;
    let passed = answer.passed();
    assert_eq!(passed["x-lupa-reason"], "REASON_CONSENT");
    assert_eq!(passed["x-lupa-token"], token);
    assert_eq!(passed["x-lupa-decision-id"].len(), 36);
    let Answer::Passes(ok) = &answer else { panic!("{answer:?}") };
    // Forged headers of the caller do not reach the service.
    assert_eq!(ok.headers_to_remove, ["x-lupa-obligations", "x-lupa-permitted-records"]);
    assert!(ok.headers.iter().all(|header| header.append_action == 2), "the caller's own are overwritten");
    let metadata = response.dynamic_metadata.unwrap().fields;
    assert_eq!(metadata["reason"], Value { kind: Some(text("REASON_CONSENT")) });
    assert_eq!(metadata["decision_id"], Value { kind: Some(text(passed["x-lupa-decision-id"])) });
    running.end().await;
}

#[tokio::test]
async fn a_denial_is_403_and_says_why_in_public_words() {
    let (running, _) = start().await;
    let answer = send(&running, one(path_of(DENIED_VISIT))).await;
    assert_eq!(answer.stopped(), (403, "REASON_NOT_SHAREABLE"));
    let Answer::Stops { headers, problem, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(headers, [("content-type".to_owned(), "application/problem+json".to_owned())]);
    assert_eq!(problem["status"], 403);
    assert_eq!(problem["decision_id"].as_str().unwrap().len(), 36);
    // The answer shows neither a denial, nor a missing consent, nor the requested record.
    for word in [AINO, "document-1", DENIED_VISIT, "denial", "DENIAL"] {
        assert!(!problem.to_string().contains(word), "{problem}");
    }
    running.end().await;
}

#[tokio::test]
async fn a_denial_holds_under_a_linked_code() {
    let (running, _) = start().await;
    let under_new = || one(path_of(DENIED_VISIT).replace(AINO, AINO_NEW));
    let consented = || one(path_of("visit-1").replace(AINO, AINO_NEW));
    assert_eq!(send(&running, consented()).await.stopped(), (403, "REASON_NOT_SHAREABLE"));
    let mut declarations = DeclarationServiceClient::new(running.channel.clone());
    declarations.link_clients(linking(&[aino(), aino_new()], "link")).await.expect("linked");
    assert_eq!(send(&running, consented()).await.passed()["x-lupa-reason"], "REASON_CONSENT");
    assert_eq!(send(&running, under_new()).await.stopped(), (403, "REASON_NOT_SHAREABLE"));
    running.end().await;
}

#[tokio::test]
async fn missing_doubled_or_unclear_parts_are_denied() {
    let (running, _) = start().await;
    let path = path_of("visit-1");
    let lines = as_lines;
    let emergency = |value: &str| one(&path).header("x-emergency", value);
    let list = |texts: &[&str]| {
        let values = texts.iter().map(|one| Value { kind: Some(text(one)) }).collect();
        Kind::ListValue(ListValue { values })
    };
    let other_names = |call: Call, principal: &str| Call { principal: principal.to_owned(), ..call };
    for (call, reason) in [
        (Call { method: "DELETE", ..one(&path) }, "NO_ROUTE"),
        (Call { method: "get", ..one(&path) }, "NO_ROUTE"),
        (one("/"), "NO_ROUTE"),
        (one("/?event=visit-1"), "NO_ROUTE"),
        (one("/elsewhere"), "NO_ROUTE"),
        (one(path.replace("/records/", "//records/")), "PATH_AMBIGUOUS"),
        (one(path.replace("/records/", "/records/../records/")), "PATH_AMBIGUOUS"),
        (one(path.replace("/records/", "/records/%2e%2e/records/")), "PATH_AMBIGUOUS"),
        (one(path.replace("document-1", "document-1%2Fx")), "PATH_AMBIGUOUS"),
        (one(path.replace("document-1", "document-1;v=2")), "PATH_AMBIGUOUS"),
        (one(path.replace("document-1", "document-1%252e")), "PATH_AMBIGUOUS"),
        (one(path.replace("document-1", "document\\1")), "PATH_AMBIGUOUS"),
        (one(path.replace("document-1", "document-1#")), "PATH_AMBIGUOUS"),
        (one(path.replace("document-1", "")), "PATH_AMBIGUOUS"),
        (one(format!("http://records{path}")), "PATH_AMBIGUOUS"),
        (one(path.replace("/clients/", "/Clients/")), "NO_ROUTE"),
        (one(path.replace("/clients/", "/cl%69ents/")), "NO_ROUTE"),
        (one(path.replace("&on=2025-03-18", "")), "PART_MISSING"),
        (one(path.replace("on=2025-03-18", "on=")), "PART_MISSING"),
        (one(format!("{path}&on=2025-03-18")), "PART_DOUBLED"),
        (one(format!("{path}&on=2025-03-19")), "PART_DOUBLED"),
        (one(format!("{path}&%6fn=2025-03-18")), "PART_DOUBLED"),
        (one(format!("{path}+")), "QUERY_UNREADABLE"),
        (one(format!("{path}&x=%zz")), "QUERY_UNREADABLE"),
        (one(format!("{path}&")), "QUERY_UNREADABLE"),
        (one(format!("{path}&=visit-2")), "QUERY_UNREADABLE"),
        (one(format!("{path}&event=")), "PART_DOUBLED"),
        (one(path.replace("event=visit-1", "event=&event=")), "PART_DOUBLED"),
        (one(path.replace("RECORD_KIND_", "")), "PART_UNREADABLE"),
        (one(path.replace("RECORD_KIND_SERVICE_EVENT_ENTRY", "2")), "PART_UNREADABLE"),
        (one(path.replace("2025-03-18", "2025-02-30")), "REASON_INVALID_RECORD"),
        (one(path.replace(AINO, "010181-900D")), "INVALID_REQUEST"),
        (one(path.replace(HOLDING, "x")), "REASON_INVALID_RECORD"),
        (emergency("true").header("x-emergency", "true"), "PART_DOUBLED"),
        (lines(emergency("true").header("X-Emergency", "true")), "PART_DOUBLED"),
        (lines(emergency("true,false")), "PART_DOUBLED"),
        (emergency("yes"), "PART_UNREADABLE"),
        (emergency("TRUE"), "PART_UNREADABLE"),
        (Call::get(&path), "PART_MISSING"),
        (Call::get(&path).claim("register", text(ASKING)), "PART_MISSING"),
        (one(&path).claim("register", Kind::NumberValue(1.0)), "PART_UNREADABLE"),
        (one(&path).claim("register", list(&[ASKING, HOLDING])), "PART_DOUBLED"),
        (one(&path).claim("register", list(&[])), "PART_MISSING"),
        (one(&path).claim("register", text("")), "PART_MISSING"),
        (one(&path).claim("access_right", text("1")), "PART_UNREADABLE"),
        (one(&path).claim("access_right", Kind::BoolValue(false)), "REASON_ACCESS_RIGHT_MISSING"),
        (one(&path).claim("ground", list(&[])), "REASON_RELATIONSHIP_MISSING"),
        (one(&path).header("x-lupa-token", "AAAA"), "TOKEN_FORGED"),
        (one(&path).header("x-envoy-auth-partial-body", "true"), "BODY_PARTIAL"),
        (other_names(some("id=a"), ""), "PART_MISSING"),
        (other_names(some("id=a"), "spiffe://example.org/register/"), "PART_MISSING"),
        (other_names(some("id=a"), "spiffe://other.org/register/1.2.3"), "PART_MISSING"),
        (other_names(some("id=a"), "spiffe://example.org/register/1.2.3/x"), "PART_MISSING"),
        (other_names(some("id=a"), "spiffe://example.org/register/1.2.3,spiffe://x"), "PART_MISSING"),
        (Call { extensions: Vec::new(), ..some("id=a") }, "PART_MISSING"),
        (some(""), "PART_MISSING"),
        (some("id=a&id="), "PART_DOUBLED"),
        (some("id=a&id=b&event=c&event=d&event=e"), "PART_DOUBLED"),
        // Once for several records, or less often than there are records.
        (some("id=a&id=b&event=visit-1"), "PART_MISSING"),
        (some("id=a&id=b&id=c&event=visit-1&event=visit-1"), "PART_MISSING"),
        (some("id=a&event=visit-1&event=visit-2"), "PART_DOUBLED"),
        (some("id=a&id=b&event=visit-1&event="), "PART_DOUBLED"),
        (some("id=a&id=b&event=&event="), "PART_DOUBLED"),
        (some("event=visit-1"), "PART_MISSING"),
    ] {
        let shown = format!("{call:?}");
        assert_eq!(send(&running, call).await.stopped(), (403, reason), "{shown}");
    }
    running.end().await;
}

#[tokio::test]
async fn check_returns_the_permitted_of_several_records() {
    let (running, _) = start().await;
    let passed_with = async |query: &str| {
        let answer = send(&running, some(query)).await;
        answer.passed().get("x-lupa-permitted-records").map(|ids| (*ids).to_owned())
    };
    // For one record too: the service never reads a missing list as all.
    assert_eq!(passed_with("id=a&event=visit-1").await.as_deref(), Some("a"));
    let commas = "id=a&id=b%2Cc&event=visit-1&event=visit-1";
    assert_eq!(passed_with(commas).await.as_deref(), Some("a,b%2Cc"));
    let events = "id=a&id=b&id=c&event=visit-1&event=visit-2&event=visit-3";
    assert_eq!(passed_with(events).await.as_deref(), Some("a,c"));
    let none = send(&running, some("id=a&id=b&event=visit-2&event=visit-2")).await;
    assert_eq!(none.stopped(), (403, "REASON_NOT_SHAREABLE"));
    let listed = |events: &[&str]| {
        let records = events.iter().map(|event| {
            format!(
                r#"{{"id":"{event}","register":"{HOLDING}","service_event":"{event}","recorded_on":"2025-03-18","kind":"RECORD_KIND_SERVICE_EVENT_ENTRY"}}"#
            )
        });
        let json = format!("[{}]", records.collect::<Vec<_>>().join(","));
        Call { method: "POST", ..Call::get("/records.v1.Records/List") }
            .header("x-client", AINO)
            .header("x-register", ASKING)
            .header("x-records", URL_SAFE_NO_PAD.encode(json))
    };
    let all = send(&running, listed(&["visit-1", "visit-3"])).await;
    assert_eq!(all.passed()["x-lupa-permitted-records"], "visit-1,visit-3");
    // All or nothing, unless the route says otherwise.
    assert_eq!(
        send(&running, listed(&["visit-1", "visit-2"])).await.stopped(),
        (403, "REASON_NOT_SHAREABLE")
    );
    let unreadable = listed(&[]).header("x-none", "");
    assert_eq!(send(&running, unreadable).await.stopped(), (403, "INVALID_REQUEST"));
    running.end().await;
}

#[tokio::test]
async fn undecided_call_is_503_and_no_denial() {
    static HAS_GONE_BACK: AtomicBool = AtomicBool::new(false);
    let (running, _) = start_at(|| {
        let back =
            if HAS_GONE_BACK.load(Ordering::SeqCst) { TimeDelta::minutes(30) } else { TimeDelta::zero() };
        clock() - back
    })
    .await;
    HAS_GONE_BACK.store(true, Ordering::SeqCst);
    let answer = send(&running, one(path_of("visit-1"))).await;
    assert_eq!(answer.stopped(), (503, "CLOCK_BEHIND"));
    let Answer::Stops { headers, problem, .. } = answer else { panic!("{answer:?}") };
    assert!(headers.contains(&("retry-after".to_owned(), "1".to_owned())));
    assert_eq!(problem.get("decision_id"), None);
    running.end().await;
}

#[tokio::test]
async fn unix_socket_answers_the_same() {
    let (running, _) = start().await;
    let path = running.folder().join("envoy.sock");
    let connect = service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let channel: Channel =
        Endpoint::from_static("http://envoy").connect_with_connector(connect).await.unwrap();
    let mut client = AuthorizationClient::new(channel);
    let (_, answer) = check(&mut client, one(path_of("visit-1")).into_check_request()).await;
    assert_eq!(answer.passed()["x-lupa-reason"], "REASON_CONSENT");
    drop(client);
    running.end().await;
}
