//! Envoy's external authorization: checks sent over gRPC as Envoy sends them.

mod differential;
mod mapping;
mod refused;
mod settings;

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue, Metadata};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, OkHttpResponse,
};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use tonic::transport::Channel;

/// A call, as Envoy describes it in a check.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    /// Headers of the same name stay separate.
    as_lines: bool,
    claims: Vec<(&'static str, Kind)>,
    principal: String,
    extensions: Vec<(&'static str, &'static str)>,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            headers: Vec::new(),
            as_lines: false,
            claims: Vec::new(),
            principal: String::new(),
            extensions: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn claim(mut self, name: &'static str, value: Kind) -> Self {
        self.claims.push((name, value));
        self
    }

    pub(crate) fn into_check_request(self) -> CheckRequest {
        let Self { method, path, headers, as_lines, claims, principal, extensions } = self;
        let mut http = HttpRequest { method: method.to_owned(), path, ..HttpRequest::default() };
        if as_lines {
            let lines = headers.into_iter().map(|(key, value)| HeaderValue {
                key,
                raw_value: value.into_bytes(),
                ..HeaderValue::default()
            });
            http.header_map = Some(HeaderMap { headers: lines.collect() });
        } else {
            for (name, value) in headers {
                let joined = http.headers.entry(name).or_default();
                *joined = if joined.is_empty() { value } else { format!("{joined},{value}") };
            }
        }
        let claims: HashMap<_, _> =
            claims.into_iter().map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) })).collect();
        let payload = Value { kind: Some(Kind::StructValue(Struct { fields: claims })) };
        let payloads = Struct { fields: HashMap::from([("token".to_owned(), payload)]) };
        CheckRequest {
            attributes: Some(AttributeContext {
                source: Some(Peer { principal, ..Peer::default() }),
                request: Some(Request { http: Some(http), ..Request::default() }),
                context_extensions: extensions
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                metadata_context: Some(Metadata {
                    filter_metadata: HashMap::from([("envoy.filters.http.jwt_authn".to_owned(), payloads)]),
                    ..Metadata::default()
                }),
                ..AttributeContext::default()
            }),
        }
    }
}

/// What Envoy does with the response.
#[derive(Debug)]
pub(crate) enum Answer {
    Passes(OkHttpResponse),
    Stops { status: i32, headers: Vec<(String, String)>, problem: serde_json::Value },
}

pub(crate) async fn check(
    client: &mut AuthorizationClient<Channel>,
    request: CheckRequest,
) -> (CheckResponse, Answer) {
    let response = client.check(request).await.expect("an answer").into_inner();
    let code = response.status.as_ref().expect("a status").code;
    let answer = match response.http_response.clone().expect("an answer") {
        HttpResponse::OkResponse(ok) => {
            assert_eq!(code, 0, "Envoy goes by the status");
            Answer::Passes(ok)
        }
        HttpResponse::DeniedResponse(denied) => {
            assert_ne!(code, 0, "Envoy goes by the status");
            let headers = denied.headers.into_iter().filter_map(|header| header.header);
            Answer::Stops {
                status: denied.status.expect("a status").code,
                headers: headers.map(|header| (header.key, header.value)).collect(),
                problem: serde_json::from_str(&denied.body).expect("a problem"),
            }
        }
        HttpResponse::ErrorResponse(_) => panic!("Envoy does with errors as it is set up"),
    };
    (response, answer)
}

impl Answer {
    /// The status and the reason of a denied call.
    fn stopped(&self) -> (i32, &str) {
        match self {
            Self::Stops { status, problem, .. } => (*status, problem["reason"].as_str().expect("a reason")),
            Self::Passes(ok) => panic!("passes: {ok:?}"),
        }
    }

    /// The headers added to a permitted call.
    fn passed(&self) -> HashMap<&str, &str> {
        let Self::Passes(ok) = self else { panic!("stopped: {self:?}") };
        let headers = ok.headers.iter().filter_map(|header| header.header.as_ref());
        headers.map(|header| (header.key.as_str(), header.value.as_str())).collect()
    }
}
