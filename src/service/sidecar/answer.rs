//! The answers to Envoy.

use std::collections::HashMap;
use std::fmt::Write;

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value};
use envoy_types::pb::google::rpc;
use serde::Serialize;
use tonic::Code;

/// The headers that a permitted call has for what is behind Envoy. Whatever
/// the caller sent under these names is gone.
const DECISION_ID: &str = "x-lupa-decision-id";
const REASON: &str = "x-lupa-reason";
const OBLIGATIONS: &str = "x-lupa-obligations";
const TOKEN: &str = "x-lupa-token";
const PERMITTED_RECORDS: &str = "x-lupa-permitted-records";

const FORBIDDEN: i32 = 403;
const SERVICE_UNAVAILABLE: i32 = 503;

/// A call that may go on.
pub(super) struct Permit<'a> {
    pub(super) decision_id: &'a str,
    /// Of the first record that is permitted, as the interface names it.
    pub(super) reason: &'static str,
    /// Of all permitted records.
    pub(super) obligations: Vec<&'static str>,
    pub(super) token: &'a str,
    /// The ids of the permitted records, if several were asked about.
    pub(super) permitted: Option<Vec<&'a str>>,
}

/// The body of an answer that is not the service's own (RFC 9457).
#[derive(Serialize)]
pub(super) struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: i32,
    detail: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<&'a str>,
}

impl<'a> Problem<'a> {
    /// A denial.
    pub(super) fn denied(reason: &'a str, detail: &'a str, decision_id: &'a str) -> Self {
        Self {
            r#type: "urn:lupa:denied",
            title: "Access denied",
            status: FORBIDDEN,
            detail,
            reason,
            decision_id: Some(decision_id),
        }
    }

    /// Neither a denial nor a permit.
    pub(super) fn undecided(reason: &'a str, detail: &'a str) -> Self {
        Self {
            r#type: "urn:lupa:undecided",
            title: "Access cannot be decided now",
            status: SERVICE_UNAVAILABLE,
            detail,
            reason,
            decision_id: None,
        }
    }
}

impl From<Permit<'_>> for CheckResponse {
    fn from(permit: Permit<'_>) -> Self {
        let Permit { decision_id, reason, obligations, token, permitted } = permit;
        let mut metadata = HashMap::from([
            field("decision_id", text(decision_id)),
            field("reason", text(reason)),
            field("obligations", texts(&obligations)),
            field("token", text(token)),
        ]);
        let mut headers = vec![
            (DECISION_ID, decision_id.to_owned()),
            (REASON, reason.to_owned()),
            (TOKEN, token.to_owned()),
        ];
        let mut absent = Vec::new();
        if obligations.is_empty() {
            absent.push(OBLIGATIONS);
        } else {
            headers.push((OBLIGATIONS, obligations.join(",")));
        }
        match permitted {
            Some(ids) => {
                metadata.extend([field("permitted_records", texts(&ids))]);
                let ids: Vec<_> = ids.into_iter().map(in_list).collect();
                headers.push((PERMITTED_RECORDS, ids.join(",")));
            }
            None => absent.push(PERMITTED_RECORDS),
        }
        CheckResponse {
            status: Some(status(Code::Ok)),
            dynamic_metadata: Some(Struct { fields: metadata }),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse {
                headers: headers.into_iter().map(|(name, value)| header(name, value)).collect(),
                headers_to_remove: absent.into_iter().map(str::to_owned).collect(),
                ..OkHttpResponse::default()
            })),
        }
    }
}

impl From<Problem<'_>> for CheckResponse {
    fn from(problem: Problem<'_>) -> Self {
        let Problem { r#type: _, title: _, status: http_status, detail: _, reason, decision_id } = problem;
        let is_denied = http_status == FORBIDDEN;
        let mut headers = vec![header("content-type", "application/problem+json".to_owned())];
        if !is_denied {
            headers.push(header("retry-after", "1".to_owned()));
        }
        let decision_id = decision_id.map(|id| field("decision_id", text(id)));
        let metadata = decision_id.into_iter().chain([field("reason", text(reason))]).collect();
        CheckResponse {
            status: Some(status(if is_denied { Code::PermissionDenied } else { Code::Unavailable })),
            dynamic_metadata: Some(Struct { fields: metadata }),
            http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
                status: Some(HttpStatus { code: http_status }),
                headers,
                body: serde_json::to_string(&problem).unwrap_or_default(),
            })),
        }
    }
}

fn status(code: Code) -> rpc::Status {
    rpc::Status { code: code.into(), message: String::new(), details: Vec::new() }
}

/// Takes the place of any header of this name.
fn header(key: &str, value: String) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: key.to_owned(), value, ..HeaderValue::default() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    }
}

/// An id as it stands in a list with commas between.
fn in_list(id: &str) -> String {
    id.chars().fold(String::with_capacity(id.len()), |mut text, one| {
        let is_written = if matches!(one, ',' | '%' | ' ') {
            write!(text, "%{:02X}", u32::from(one))
        } else {
            text.write_char(one)
        };
        debug_assert!(is_written.is_ok(), "a string takes all");
        text
    })
}

fn field(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

fn texts(all: &[&str]) -> Value {
    Value { kind: Some(Kind::ListValue(ListValue { values: all.iter().map(|one| text(one)).collect() })) }
}
