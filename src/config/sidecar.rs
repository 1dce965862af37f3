//! The routes of Envoy: how an HTTP request that Envoy checks becomes a
//! `DecideRequest`. The form of the tables is checked here, and the meaning of
//! the parts in `service/sidecar`. Each fault names the field and says what to
//! write.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use toml::{Table, Value};

/// A route: requests with the same methods and path.
#[derive(Clone, Debug)]
pub struct Route {
    /// HTTP methods, such as `GET`. A gRPC call is a `POST`.
    pub methods: Vec<String>,
    /// Path template, such as `/clients/{client}/records/{record}`.
    pub path: String,
    /// Whether a request for several records is allowed if only some of them are
    /// permitted. The service behind Envoy must then omit the others.
    pub permit_some: bool,
    /// Query parameters that the question does not name.
    pub other_query: OtherQuery,
    /// Sources of the fields of the `DecideRequest`, by the field's path, such as
    /// `requester.register`.
    pub question: BTreeMap<String, Part>,
}

/// Which query parameters are allowed besides those that the question names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherQuery {
    /// None: the service would read a parameter that the decision did not see.
    Deny,
    /// All.
    Allow,
    /// These names.
    Named(Vec<String>),
}

/// Where the value of a field of the `DecideRequest` comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The source of the value.
    pub source: PartSource,
    /// Without a value the field is unset; otherwise the request is denied.
    pub optional: bool,
    /// The source has one value for each record, in the order of the records.
    pub several: bool,
}

/// A source of a value in Envoy's description of an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartSource {
    /// A header.
    Header(String),
    /// A variable of the route's path template.
    Path(String),
    /// A query parameter.
    Query(String),
    /// A claim of a JSON web token that Envoy has verified: the key under which
    /// Envoy puts the payload, and the path from there to the claim.
    Jwt(Vec<String>),
    /// Dynamic metadata of another Envoy filter: its namespace, and the path from
    /// there to the value.
    Metadata(Vec<String>),
    /// The subject alternative name of the peer's certificate: a template with
    /// `{value}` for the part that is used.
    Principal(String),
    /// A context extension of Envoy's route.
    ContextExtension(String),
    /// A constant.
    Value(String),
}

/// The keys that mark a table as a source. Other tables contain more tables.
const SOURCES: [&str; 8] =
    ["header", "path", "query", "jwt", "metadata", "principal", "context_extension", "value"];

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        route(Table::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn route(mut table: Table) -> Result<Route, String> {
    let methods = table.remove("methods").and_then(texts);
    let methods = methods.ok_or("methods: write a list of HTTP methods, such as [\"GET\"]")?;
    let Some(Value::String(path)) = table.remove("path") else {
        return Err("path: write the path of the calls, such as \"/clients/{client}\"".to_owned());
    };
    let permit_some = flag(&mut table, "permit_some")?;
    let other_query = other_query(table.remove("other_query"))?;
    let Some(Value::Table(parts)) = table.remove("question") else {
        return Err("question: write a table with the source of each field, such as \
                    question.client.extension = { path = \"client\" }"
            .to_owned());
    };
    if let Some(key) = table.keys().next() {
        return Err(format!(
            "{key}: no such setting of a route; write methods, path, permit_some, other_query or question"
        ));
    }
    let mut question = BTreeMap::new();
    collect("", parts, &mut question)?;
    Ok(Route { methods, path, permit_some, other_query, question })
}

fn other_query(value: Option<Value>) -> Result<OtherQuery, String> {
    let fault = "other_query: write \"deny\", \"allow\" or a list of allowed names, such as [\"page\"]";
    match value {
        None => Ok(OtherQuery::Deny),
        Some(Value::String(word)) if word == "deny" => Ok(OtherQuery::Deny),
        Some(Value::String(word)) if word == "allow" => Ok(OtherQuery::Allow),
        Some(list) => texts(list).map(OtherQuery::Named).ok_or_else(|| fault.to_owned()),
    }
}

/// Flattens nested tables: `client.extension = …` is a table in a table.
fn collect(within: &str, table: Table, parts: &mut BTreeMap<String, Part>) -> Result<(), String> {
    for (key, value) in table {
        let name = if within.is_empty() { key } else { format!("{within}.{key}") };
        match value {
            Value::Table(table) if SOURCES.iter().any(|source| table.contains_key(*source)) => {
                let part = part(table).map_err(|fault| format!("question.{name}: {fault}"))?;
                parts.insert(name, part);
            }
            Value::Table(table) if !table.is_empty() => collect(&name, table, parts)?,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::Table(_) => {
                return Err(format!(
                    "question.{name}: write its source, such as {{ header = \"…\" }}; the sources are {}",
                    SOURCES.join(", ")
                ));
            }
        }
    }
    Ok(())
}

fn part(mut table: Table) -> Result<Part, String> {
    let (optional, several) = (flag(&mut table, "optional")?, flag(&mut table, "several")?);
    let mut entries = table.into_iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Ok(Part { source: source(&key, value)?, optional, several }),
        (first, second) => {
            let keys: Vec<_> = first.into_iter().chain(second).map(|(key, _)| key).collect();
            Err(format!("write one source, and optionally optional and several, not {}", keys.join(" and ")))
        }
    }
}

fn source(key: &str, value: Value) -> Result<PartSource, String> {
    match (key, value) {
        ("jwt", value) => names(value).map(PartSource::Jwt),
        ("metadata", value) => texts(value).map(PartSource::Metadata).ok_or_else(|| {
            "metadata: write a list of the filter's namespace and the path to the value, \
             such as [\"envoy.filters.http.ext_authz\", \"x-lupa-records\"]"
                .to_owned()
        }),
        ("header", Value::String(name)) => Ok(PartSource::Header(name)),
        ("path", Value::String(name)) => Ok(PartSource::Path(name)),
        ("query", Value::String(name)) => Ok(PartSource::Query(name)),
        ("principal", Value::String(name)) => Ok(PartSource::Principal(name)),
        ("context_extension", Value::String(name)) => Ok(PartSource::ContextExtension(name)),
        ("value", Value::String(text)) => Ok(PartSource::Value(text)),
        (key, _) => Err(format!("{key}: write text, such as {{ {key} = \"…\" }}")),
    }
}

/// The path to a claim: a list of names, or text with dots between the names. A
/// name that contains a dot can only be written in a list.
fn names(value: Value) -> Result<Vec<String>, String> {
    let Value::String(text) = value else {
        return texts(value).ok_or_else(|| {
            "jwt: write the path to the claim, starting with payload_in_metadata: \
             \"token.register\" or [\"token\", \"register\"]"
                .to_owned()
        });
    };
    if text.contains([':', '/']) {
        return Err("jwt: write a name that contains a dot, a colon or a slash in a list, such as \
                    [\"token\", \"https://example.org/register\"]"
            .to_owned());
    }
    Ok(text.split('.').map(str::to_owned).collect())
}

fn flag(table: &mut Table, name: &str) -> Result<bool, String> {
    match table.remove(name) {
        None => Ok(false),
        Some(Value::Boolean(flag)) => Ok(flag),
        Some(_) => Err(format!("{name}: write true or false")),
    }
}

/// A list of texts. None: the value is something else.
fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(items) = value else { return None };
    let text = |item| if let Value::String(text) = item { Some(text) } else { None };
    items.into_iter().map(text).collect()
}
