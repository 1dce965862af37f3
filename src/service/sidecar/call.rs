//! The HTTP call that Envoy wants checked. A value that can be read in more than
//! one way is refused.

use std::borrow::Cow;

use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};

use super::fault::CallFault;
use super::template::{Path, decoded};

/// Envoy says so of a body that it has cut off.
const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// A call that Envoy wants checked.
pub(super) struct Call<'c> {
    attributes: &'c AttributeContext,
    http: &'c HttpRequest,
    pub(super) path: Path<'c>,
    query: Vec<Parameter<'c>>,
}

/// A parameter of the query.
#[derive(Debug)]
pub(super) struct Parameter<'c> {
    /// Its name as it was sent.
    written: &'c str,
    /// Its name, decoded.
    pub(super) name: Cow<'c, str>,
    value: Cow<'c, str>,
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
    pub(super) fn of(request: &'c CheckRequest) -> Result<Self, CallFault> {
        let attributes = request.attributes.as_ref().ok_or(CallFault::NoRequest)?;
        let http = attributes.request.as_ref().and_then(|request| request.http.as_ref());
        let http = http.ok_or(CallFault::NoRequest)?;
        let (path, query) = match http.path.split_once('?') {
            Some((path, query)) => (path, parameters(query).ok_or(CallFault::Query)?),
            None => (http.path.as_str(), Vec::new()),
        };
        let path = Path::parse(path).map_err(|_| CallFault::Path)?;
        let call = Self { attributes, http, path, query };
        let is_whole = |values: Values<'_>| values.iter().all(|value| value == "false");
        let is_partial = !call.header(PARTIAL_BODY).is_some_and(is_whole);
        if is_partial { Err(CallFault::Body) } else { Ok(call) }
    }

    /// The HTTP method.
    pub(super) fn method(&self) -> &'c str {
        &self.http.method
    }

    /// Whether there is a body, or may be one. Of HTTP/2 a body without a
    /// length shows only if Envoy reads it first (its buffer filter).
    pub(super) fn may_have_body(&self) -> bool {
        let HttpRequest { size, body, raw_body, .. } = self.http;
        let has = |name, is_harmless: fn(&str) -> bool| {
            !self.header(name).is_some_and(|values| values.iter().all(|value| is_harmless(value)))
        };
        // Nothing is checked of the data that follows an upgrade.
        let is_announced = has("content-length", |length| length == "0")
            || has("transfer-encoding", |_| false)
            || has("upgrade", |_| false);
        is_announced || *size > 0 || !body.is_empty() || !raw_body.is_empty()
    }

    /// The values of a header. Where there is a comma there are several: Envoy
    /// joins headers of the same name, and so do proxies before it. None if one
    /// is not UTF-8: two that differ could look the same.
    pub(super) fn header(&self, name: &str) -> Option<Values<'c>> {
        let joined = self.http.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let joined = joined.map(|(_, value)| Some(value.as_str()));
        let lines = self.http.header_map.iter().flat_map(|map| &map.headers);
        let lines = lines.filter(|line| line.key.eq_ignore_ascii_case(name)).map(|line| {
            if line.raw_value.is_empty() {
                Some(line.value.as_str())
            } else {
                str::from_utf8(&line.raw_value).ok()
            }
        });
        let values: Vec<_> = joined.chain(lines).collect::<Option<_>>()?;
        Some(
            values
                .into_iter()
                .flat_map(|value| value.split(','))
                .map(|part| Cow::Borrowed(part.trim()))
                .collect(),
        )
    }

    /// The values of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Values<'c> {
        let named = self.query.iter().filter(|parameter| parameter.name == name);
        named.map(|parameter| parameter.value.clone()).collect()
    }

    /// Every parameter of the query.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Parameter<'c>> {
        self.query.iter()
    }

    /// The values in the dynamic metadata of a filter to which the names lead.
    /// None if there is something that is not a text, a truth value or a list
    /// of these, or if a name leads into something that has no names. What is
    /// null is absent.
    pub(super) fn metadata(&self, namespace: &str, path: &[String]) -> Option<Values<'c>> {
        let metadata = self.attributes.metadata_context.as_ref();
        let (first, rest) = path.split_first()?;
        let of_filter = metadata.and_then(|metadata| metadata.filter_metadata.get(namespace));
        let mut found = of_filter.and_then(|of_filter| of_filter.fields.get(first));
        for name in rest {
            found = match present(found) {
                Some(Kind::StructValue(Struct { fields })) => fields.get(name),
                None => None,
                Some(_) => return None,
            };
        }
        match present(found) {
            Some(Kind::ListValue(list)) => list.values.iter().map(text).collect(),
            Some(_) => Some(vec![text(found?)?]),
            None => Some(Vec::new()),
        }
    }

    /// Who the peer's certificate says that it is: empty if Envoy has verified none.
    pub(super) fn principal(&self) -> &'c str {
        let Some(Peer { principal, .. }) = &self.attributes.source else { return "" };
        principal
    }

    /// A context extension of the route in Envoy's configuration.
    pub(super) fn extension(&self, name: &str) -> Option<&'c str> {
        self.attributes.context_extensions.get(name).map(String::as_str)
    }
}

impl Parameter<'_> {
    /// Whether its name has no letter, digit or other plain character in an
    /// encoded form: readers that do not decode names would see another name.
    pub(super) fn is_name_plain(&self) -> bool {
        let is_needless = |encoded: &str| {
            let byte = encoded.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
            byte.is_none_or(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        !self.written.split('%').skip(1).any(is_needless)
    }
}

/// What a value holds; none if it is absent or null.
fn present(value: Option<&Value>) -> Option<&Kind> {
    value?.kind.as_ref().filter(|kind| !matches!(kind, Kind::NullValue(_)))
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
fn parameters(query: &str) -> Option<Vec<Parameter<'_>>> {
    if query.contains(['+', ';', '#']) || !query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    if query.is_empty() {
        return Some(Vec::new());
    }
    query
        .split('&')
        .map(|pair| {
            let (written, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(written).filter(|name| !name.is_empty())?;
            Some(Parameter { written, name, value: decoded(value)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(query: &str) -> Option<Vec<(String, String)>> {
        let pairs = parameters(query)?.into_iter();
        Some(pairs.map(|pair| (pair.name.into_owned(), pair.value.into_owned())).collect())
    }

    #[test]
    fn parameters_are_decoded_once() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            values("a=1&b=%2B2&a=&c"),
            Some(vec![pair("a", "1"), pair("b", "+2"), pair("a", ""), pair("c", "")])
        );
        assert_eq!(values(""), Some(Vec::new()));
        for query in [
            "a=1+2", "a=1;b=2", "a=%252B", "a=%ff", "a=%zz", "a=ä", "a=1 2", "a=1#b", "a=%00", "&a=1",
            "a=1&", "a=1&&b=2", "=1", "a=1&=2",
        ] {
            assert_eq!(values(query), None, "{query}");
        }
    }

    #[test]
    fn a_name_is_plain_if_nothing_in_it_is_encoded_needlessly() {
        for (query, is_plain) in [
            ("ids=1", true),
            ("ids%5B%5D=1", true),
            ("a%20b=1", true),
            ("%69ds=1", false),
            ("a%5Fb=1", false),
            ("a%5fb", false),
            ("a%2Eb=1", false),
        ] {
            let parameters = parameters(query).expect("a query");
            assert!(parameters.iter().all(|parameter| parameter.is_name_plain() == is_plain), "{query}");
        }
    }
}
