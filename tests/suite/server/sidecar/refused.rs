//! Calls that a service may read differently than Lupa are denied: query parts that no
//! route names, bodies of methods that have none, headers that are no text. Values nested
//! in tokens and metadata are found.

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, NullValue, Struct, Value};
use lupa::policy::calendar::Calendar;
use lupa::policy::day::Instant;

use super::{Answer, Call, check};
use crate::fixtures::requests::{AINO, ASKING, HOLDING, aino_declares};
use crate::fixtures::running::Running;

const QUESTION: &str = r#"
[sidecar.routes.question]
client.extension = { header = "x-client" }
requester.register = { header = "x-register" }
access_right = { value = "true" }
ground = { value = "GROUND_CARE_RELATIONSHIP" }
channel = { value = "CHANNEL_KANTA" }
records.register = { value = "1.2.246.10.32213086.19.1" }
records.recorded_on = { value = "2025-03-18" }
records.kind = { value = "RECORD_KIND_SERVICE_EVENT_ENTRY" }
records.service_event = { value = "visit-1" }
"#;

/// Routes that differ in the further query parts that they let through.
fn routes() -> String {
    let methods = r#"methods = ["GET", "HEAD", "DELETE", "OPTIONS", "POST"]"#;
    let route = |path: &str, other: &str, more: &str| {
        format!("[[sidecar.routes]]\n{methods}\npath = \"{path}\"\n{other}\n{QUESTION}{more}\n")
    };
    let id = r#"records.id = { query = "id" }"#;
    let nested = r#"
requester.organisation = { jwt = ["token", "care", "https://example.org/organisation"], optional = true }
records.id = { metadata = ["records_held", "record", "id"] }
"#;
    let nested = route("/nested", "", nested)
        .replace(r#"register = { header = "x-register" }"#, r#"register = { jwt = "token.care.register" }"#)
        .replace(
            r#"ground = { value = "GROUND_CARE_RELATIONSHIP" }"#,
            r#"ground = { jwt = "token.care.ground", optional = true }"#,
        );
    let listed =
        route("/listed", "permit_some = true", r#"records.id = { header = "x-ids", several = true }"#)
            .replace(
                r#"records.register = { value = "1.2.246.10.32213086.19.1" }"#,
                r#"records.register = { header = "x-registers", several = true }"#,
            )
            .replace(
                r#"records.service_event = { value = "visit-1" }"#,
                r#"records.service_event = { header = "x-events", several = true }"#,
            );
    [
        route("/deny", "", id),
        route("/said", r#"other_query = "deny""#, id),
        route("/allow", r#"other_query = "allow""#, id),
        route("/named", r#"other_query = ["page"]"#, id),
        route("/none", "", r#"records.id = { header = "x-ids" }"#),
        nested,
        listed,
    ]
    .concat()
}

fn clock() -> Instant {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

async fn start() -> Running {
    let running = Running::start_by(&routes(), &Calendar::published(), clock, async |_| ()).await;
    aino_declares(running.channel.clone()).await;
    running
}

fn call(path: &str) -> Call {
    Call::get(path).header("x-client", AINO).header("x-register", ASKING)
}

async fn answer_to(running: &Running, request: CheckRequest) -> Answer {
    check(&mut AuthorizationClient::new(running.channel.clone()), request).await.1
}

async fn reason(running: &Running, call: Call) -> String {
    match answer_to(running, call.into_check_request()).await {
        Answer::Passes(_) => "passes".to_owned(),
        answer @ Answer::Stops { .. } => answer.stopped().1.to_owned(),
    }
}

#[tokio::test]
async fn query_parts_that_the_route_does_not_name_are_denied() {
    let running = start().await;
    for (path, expected) in [
        ("/deny?id=a", "passes"),
        ("/deny?id=a&page=2", "QUERY_UNEXPECTED"),
        ("/said?id=a&page=2", "QUERY_UNEXPECTED"),
        ("/deny?id=a&page", "QUERY_UNEXPECTED"),
        ("/deny?id=a&page=", "QUERY_UNEXPECTED"),
        // To some services these are the same parameter.
        ("/deny?id=a&ID=b", "QUERY_UNEXPECTED"),
        ("/deny?id=a&id%20=b", "QUERY_UNEXPECTED"),
        ("/deny?id=a&id%5B%5D=b", "QUERY_UNEXPECTED"),
        ("/deny?id=a&id=b", "PART_DOUBLED"),
        ("/deny?id=a&%69d=b", "PART_DOUBLED"),
        ("/deny?id=a&id%00=b", "QUERY_UNREADABLE"),
        // To a service that does not decode names there is no id here.
        ("/deny?%69d=a", "QUERY_UNREADABLE"),
        ("/allow?%69d=a", "QUERY_UNREADABLE"),
        ("/allow?id=a&page=2&page=3", "passes"),
        ("/allow?id=a&ID=b", "QUERY_UNEXPECTED"),
        ("/allow?id=a&%69d=b", "PART_DOUBLED"),
        ("/named?id=a&page=2&page=3", "passes"),
        ("/named?id=a&Page=2", "QUERY_UNEXPECTED"),
        ("/named?id=a&p%61ge=2", "QUERY_UNREADABLE"),
        ("/named?id=a&size=2", "QUERY_UNEXPECTED"),
    ] {
        assert_eq!(reason(&running, call(path)).await, expected, "{path}");
    }
    // Where the question comes from elsewhere, no parameter is named.
    let from_header = |path: &str| call(path).header("x-ids", "a");
    assert_eq!(reason(&running, from_header("/none")).await, "passes");
    assert_eq!(reason(&running, from_header("/none?")).await, "passes");
    assert_eq!(reason(&running, from_header("/none?id=b")).await, "QUERY_UNEXPECTED");
    running.end().await;
}

#[tokio::test]
async fn a_body_of_a_method_that_has_none_is_denied() {
    let running = start().await;
    let with = |method: &'static str, name: &str, value: &str| {
        Call { method, ..call("/deny?id=a") }.header(name, value)
    };
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        for (name, value, expected) in [
            ("accept", "x", "passes"),
            ("content-length", "0", "passes"),
            ("content-length", "1", "BODY_UNEXPECTED"),
            ("content-length", "00", "BODY_UNEXPECTED"),
            ("content-length", "0,5", "BODY_UNEXPECTED"),
            ("content-length", "", "BODY_UNEXPECTED"),
            ("Content-Length", "5", "BODY_UNEXPECTED"),
            ("transfer-encoding", "chunked", "BODY_UNEXPECTED"),
            ("transfer-encoding", "identity", "BODY_UNEXPECTED"),
            ("upgrade", "websocket", "BODY_UNEXPECTED"),
        ] {
            for call in [with(method, name, value), super::mapping::as_lines(with(method, name, value))] {
                assert_eq!(reason(&running, call).await, expected, "{method} {name}: {value}");
            }
        }
    }
    assert_eq!(reason(&running, with("POST", "content-length", "5")).await, "passes");
    // The body size that Envoy itself reports.
    for change in [
        |http: &mut HttpRequest| http.size = 5,
        |http: &mut HttpRequest| http.body = "x".to_owned(),
        |http: &mut HttpRequest| http.raw_body = vec![0xff],
    ] {
        let mut request = call("/deny?id=a").into_check_request();
        let attributes = request.attributes.as_mut().unwrap();
        change(attributes.request.as_mut().unwrap().http.as_mut().unwrap());
        assert_eq!(answer_to(&running, request).await.stopped(), (403, "BODY_UNEXPECTED"));
    }
    // An unknown size is no body.
    let mut request = call("/deny?id=a").into_check_request();
    let attributes = request.attributes.as_mut().unwrap();
    attributes.request.as_mut().unwrap().http.as_mut().unwrap().size = -1;
    assert!(matches!(answer_to(&running, request).await, Answer::Passes(_)));
    running.end().await;
}

#[tokio::test]
async fn a_header_that_is_no_text_is_denied() {
    let running = start().await;
    let mut request = super::mapping::as_lines(call("/none").header("x-ids", "a?")).into_check_request();
    let attributes = request.attributes.as_mut().unwrap();
    let map = attributes.request.as_mut().unwrap().http.as_mut().unwrap().header_map.as_mut().unwrap();
    map.headers.last_mut().unwrap().raw_value = vec![b'a', 0xff];
    assert_eq!(answer_to(&running, request).await.stopped(), (403, "PART_UNREADABLE"));
    running.end().await;
}

fn text(text: &str) -> Kind {
    Kind::StringValue(text.to_owned())
}

fn fields<const COUNT: usize>(fields: [(&str, Kind); COUNT]) -> Kind {
    let fields = fields.map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) }));
    Kind::StructValue(Struct { fields: fields.into() })
}

fn null() -> Kind {
    Kind::NullValue(NullValue::NullValue.into())
}

/// A call with a nested claim, and with the id of a record in metadata.
fn nested(care: Kind, record: Kind) -> CheckRequest {
    let mut request = Call::get("/nested").header("x-client", AINO).claim("care", care).into_check_request();
    let metadata = request.attributes.as_mut().unwrap().metadata_context.as_mut().unwrap();
    let held = Struct { fields: [("record".to_owned(), Value { kind: Some(record) })].into() };
    metadata.filter_metadata.insert("records_held".to_owned(), held);
    request
}

#[tokio::test]
async fn nested_claims_and_metadata_are_found_by_a_path_of_names() {
    let running = start().await;
    let care = || [("register", text(ASKING)), ("ground", text("GROUND_CARE_RELATIONSHIP"))];
    let record = || fields([("id", text("a"))]);
    let [register, ground] = care();
    let organisation = |kind: Kind| {
        let [register, ground] = care();
        fields([register, ground, ("https://example.org/organisation", kind)])
    };
    let list = Kind::ListValue(ListValue { values: vec![Value { kind: Some(null()) }] });
    for (request, expected) in [
        (nested(fields(care()), record()), "passes"),
        (nested(organisation(text("1.2.246.10.99999999.5.0")), record()), "passes"),
        // An optional claim that is null is absent, and so is what would be in it.
        (nested(organisation(null()), record()), "passes"),
        (nested(fields([register, ("ground", null())]), record()), "REASON_RELATIONSHIP_MISSING"),
        (nested(fields([("register", null()), ground]), record()), "PART_MISSING"),
        (nested(null(), record()), "PART_MISSING"),
        (nested(fields([]), record()), "PART_MISSING"),
        (nested(text(ASKING), record()), "PART_UNREADABLE"),
        (nested(organisation(fields([])), record()), "PART_UNREADABLE"),
        (nested(organisation(Kind::NumberValue(1.0)), record()), "PART_UNREADABLE"),
        (nested(organisation(list), record()), "PART_UNREADABLE"),
        (nested(fields(care()), null()), "PART_MISSING"),
        (nested(fields(care()), text("a")), "PART_UNREADABLE"),
        (nested(fields(care()), fields([("id", text(""))])), "PART_MISSING"),
    ] {
        let answer = answer_to(&running, request).await;
        let reason = match &answer {
            Answer::Passes(_) => "passes",
            Answer::Stops { .. } => answer.stopped().1,
        };
        assert_eq!(reason, expected, "{answer:?}");
    }
    running.end().await;
}

/// The service receives ids only: an id that is denied anywhere is omitted.
#[tokio::test]
async fn an_id_is_listed_only_if_every_record_with_it_is_permitted() {
    let running = start().await;
    let own = ASKING;
    let ask = async |ids: &str, registers: &[&str], events: &str| {
        let call = call("/listed")
            .header("x-ids", ids)
            .header("x-registers", registers.join(","))
            .header("x-events", events);
        let answer = answer_to(&running, call.into_check_request()).await;
        match &answer {
            Answer::Passes(_) => answer.passed()["x-lupa-permitted-records"].to_owned(),
            Answer::Stops { .. } => answer.stopped().1.to_owned(),
        }
    };
    // In the asking register itself the denied visit may be seen.
    assert_eq!(ask("a", &[own], "visit-2").await, "a");
    assert_eq!(ask("a,b", &[own, HOLDING], "visit-2,visit-2").await, "a");
    assert_eq!(ask("a,a", &[own, HOLDING], "visit-2,visit-2").await, "REASON_NOT_SHAREABLE");
    assert_eq!(ask("a,a", &[HOLDING, own], "visit-2,visit-2").await, "REASON_NOT_SHAREABLE");
    assert_eq!(ask("a,b,a", &[own, own, HOLDING], "visit-2,visit-2,visit-2").await, "b");
    // In one register too, and where one of them cannot be read.
    assert_eq!(ask("a,a", &[HOLDING, HOLDING], "visit-1,visit-2").await, "REASON_NOT_SHAREABLE");
    assert_eq!(ask("a,b,a", &[HOLDING; 3], "visit-1,visit-1,visit-2").await, "b");
    assert_eq!(ask("a,a,b", &[HOLDING, "x", HOLDING], "visit-1,visit-1,visit-1").await, "b");
    assert_eq!(ask("a,a", &[HOLDING, own], "visit-1,visit-1").await, "a,a");
    // Once for several is never for all.
    assert_eq!(ask("a,b", &[HOLDING], "visit-1,visit-1").await, "PART_MISSING");
    assert_eq!(ask("a", &[HOLDING, own], "visit-1").await, "PART_DOUBLED");
    assert_eq!(ask("a,,b", &[HOLDING; 3], "visit-1,visit-1,visit-1").await, "PART_DOUBLED");
    running.end().await;
}
