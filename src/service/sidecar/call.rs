//! What Envoy tells of a call.

use std::borrow::Cow;

use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};

use super::template::{Path, decoded};
use super::unclear::Unclear;

/// Where Envoy's filter for JSON web tokens puts the payloads that it has verified.
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";

/// Envoy says so of a body that it has cut off.
const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// A call that is asked about.
pub(super) struct Call<'c> {
    attributes: &'c AttributeContext,
    http: &'c HttpRequest,
    pub(super) path: Path<'c>,
    query: Vec<(Cow<'c, str>, Cow<'c, str>)>,
}

/// What was sent for a part: each value that there is.
pub(super) type Values<'c> = Vec<Cow<'c, str>>;

/// The value of a header that was sent once, whatever else is wrong with a call.
pub(super) fn header<'c>(request: &'c CheckRequest, name: &str) -> Option<&'c str> {
    let http = request.attributes.as_ref()?.request.as_ref()?.http.as_ref()?;
    let joined = http.headers.get(name).map(String::as_str);
    joined.or_else(|| {
        let lines = &http.header_map.as_ref()?.headers;
        let mut lines = lines.iter().filter(|line| line.key.eq_ignore_ascii_case(name));
        let line = lines.next().filter(|_| lines.next().is_none())?;
        if line.raw_value.is_empty() { Some(&line.value) } else { str::from_utf8(&line.raw_value).ok() }
    })
}

impl<'c> Call<'c> {
    /// Reads what can only be read in one way.
    pub(super) fn of(request: &'c CheckRequest) -> Result<Self, Unclear> {
        let attributes = request.attributes.as_ref().ok_or(Unclear::NoRequest)?;
        let http = attributes.request.as_ref().and_then(|request| request.http.as_ref());
        let http = http.ok_or(Unclear::NoRequest)?;
        let (path, query) = match http.path.split_once('?') {
            Some((path, query)) => (path, parameters(query).ok_or(Unclear::Query)?),
            None => (http.path.as_str(), Vec::new()),
        };
        let path = Path::parse(path).map_err(|_| Unclear::Path)?;
        let call = Self { attributes, http, path, query };
        let is_partial = call.header(PARTIAL_BODY).iter().any(|value| value != "false");
        if is_partial { Err(Unclear::Body) } else { Ok(call) }
    }

    /// The HTTP method.
    pub(super) fn method(&self) -> &'c str {
        &self.http.method
    }

    /// The values of a header. Where there is a comma there are several: Envoy
    /// joins headers of the same name, and so do proxies before it.
    pub(super) fn header(&self, name: &str) -> Values<'c> {
        let joined = self.http.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let joined = joined.map(|(_, value)| Cow::Borrowed(value.as_str()));
        let lines = self.http.header_map.iter().flat_map(|map| &map.headers);
        let lines = lines.filter(|line| line.key.eq_ignore_ascii_case(name)).map(|line| {
            if line.raw_value.is_empty() {
                Cow::Borrowed(line.value.as_str())
            } else {
                String::from_utf8_lossy(&line.raw_value)
            }
        });
        joined.chain(lines).flat_map(split).collect()
    }

    /// The values of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Values<'c> {
        let named = self.query.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.clone()).collect()
    }

    /// The values of a claim of a verified JSON web token. None if it is
    /// something that is not a text, a truth value or a list of these.
    pub(super) fn claim(&self, payload: &str, claim: &str) -> Option<Values<'c>> {
        let metadata = self.attributes.metadata_context.as_ref();
        let payloads = metadata.and_then(|metadata| metadata.filter_metadata.get(JWT_FILTER));
        let found = payloads.and_then(|payloads| match payloads.fields.get(payload)?.kind.as_ref()? {
            Kind::StructValue(Struct { fields }) => fields.get(claim),
            Kind::NullValue(_)
            | Kind::NumberValue(_)
            | Kind::StringValue(_)
            | Kind::BoolValue(_)
            | Kind::ListValue(_) => None,
        });
        match found {
            Some(Value { kind: Some(Kind::ListValue(list)) }) => list.values.iter().map(text).collect(),
            Some(value) => Some(vec![text(value)?]),
            None => Some(Vec::new()),
        }
    }

    /// Who the peer's certificate says that it is: empty if Envoy has verified none.
    pub(super) fn principal(&self) -> &'c str {
        let Some(Peer { principal, .. }) = &self.attributes.source else { return "" };
        principal
    }

    /// What Envoy's configuration of the route tells.
    pub(super) fn extension(&self, name: &str) -> Option<&'c str> {
        self.attributes.context_extensions.get(name).map(String::as_str)
    }
}

fn split<'v>(value: Cow<'v, str>) -> Vec<Cow<'v, str>> {
    match value {
        Cow::Borrowed(value) => value.split(',').map(|part| Cow::Borrowed(part.trim())).collect(),
        Cow::Owned(value) => value.split(',').map(|part| Cow::Owned(part.trim().to_owned())).collect(),
    }
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value.kind.as_ref()? {
        Kind::StringValue(text) => Some(Cow::Borrowed(text)),
        Kind::BoolValue(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Kind::NullValue(_) | Kind::NumberValue(_) | Kind::StructValue(_) | Kind::ListValue(_) => None,
    }
}

/// The parameters of a query; none if it can be read in more than one way: a
/// plus sign is a space to some.
fn parameters(query: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    if query.contains(['+', ';', '#']) || !query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(query: &str) -> Option<Vec<(String, String)>> {
        let pairs = parameters(query)?.into_iter();
        Some(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    #[test]
    fn parameters_are_decoded_once() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            values("a=1&b=%2B2&a=&c"),
            Some(vec![pair("a", "1"), pair("b", "+2"), pair("a", ""), pair("c", "")])
        );
        assert_eq!(values(""), Some(Vec::new()));
        for query in ["a=1+2", "a=1;b=2", "a=%252B", "a=%ff", "a=%zz", "a=ä", "a=1 2", "a=1#b", "a=%00"] {
            assert_eq!(values(query), None, "{query}");
        }
    }
}
