//! How the calls of Envoy become questions. The shape of the tables is checked
//! here; `service/sidecar` checks what the parts mean. Each error names the
//! field and says what to write.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use toml::{Table, Value};

/// The calls of one kind.
#[derive(Clone, Debug)]
pub struct Route {
    /// HTTP methods, such as `GET`; those of gRPC are all `POST`.
    pub methods: Vec<String>,
    /// The path, such as `/clients/{client}/records/{record}`.
    pub path: String,
    /// Whether a call about several records passes if only some are permitted:
    /// what is behind Envoy must then leave out the others.
    pub permit_some: bool,
    /// Parameters of the query that the question does not name.
    pub other_query: OtherQuery,
    /// Where the parts of the question come from, by the names that they have
    /// in the interface, such as `requester.register`.
    pub question: BTreeMap<String, Part>,
}

/// Which parameters of the query may be sent besides those that the question names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherQuery {
    /// None: the service would read them and Lupa would not.
    Deny,
    /// All.
    Allow,
    /// Those of these names.
    Named(Vec<String>),
}

/// Where a part of a question comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The place.
    pub source: Source,
    /// A call without it is not denied for that: the part is unset.
    pub optional: bool,
    /// There is one for each record, in the order of the records.
    pub several: bool,
}

/// A place in what Envoy reports of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A header, by its name.
    Header(String),
    /// A part that the route's path takes, by its name.
    Path(String),
    /// A parameter of the query, by its name.
    Query(String),
    /// A claim of a JSON web token that Envoy has verified: where Envoy puts
    /// the payload, and the names that lead from there to the claim.
    Jwt(Vec<String>),
    /// Dynamic metadata of another filter of Envoy: its namespace, and the
    /// names that lead from there to the value.
    Metadata(Vec<String>),
    /// The subject alternative name of the peer's certificate, with `{value}`
    /// for the part that is taken.
    Principal(String),
    /// A context extension of Envoy's route, by its name.
    ContextExtension(String),
    /// Always this.
    Value(String),
}

/// The words by which a table is known to be a part and not to hold parts.
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
        return Err("question: write a table that says where each part comes from, such as \
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
    let fault =
        "other_query: write \"deny\", \"allow\" or a list of names that may be sent, such as [\"page\"]";
    match value {
        None => Ok(OtherQuery::Deny),
        Some(Value::String(word)) if word == "deny" => Ok(OtherQuery::Deny),
        Some(Value::String(word)) if word == "allow" => Ok(OtherQuery::Allow),
        Some(list) => texts(list).map(OtherQuery::Named).ok_or_else(|| fault.to_owned()),
    }
}

/// `client.extension = …` is a table in a table: the parts are at the ends.
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
                    "question.{name}: write where it comes from, such as {{ header = \"…\" }}; the places are {}",
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
        (Some((place, value)), None) => Ok(Part { source: source(&place, value)?, optional, several }),
        (first, second) => {
            let keys: Vec<_> = first.into_iter().chain(second).map(|(key, _)| key).collect();
            Err(format!(
                "write one place, and besides it only optional and several, not {}",
                keys.join(" and ")
            ))
        }
    }
}

fn source(place: &str, value: Value) -> Result<Source, String> {
    match (place, value) {
        ("jwt", value) => names(value).map(Source::Jwt),
        ("metadata", value) => texts(value).map(Source::Metadata).ok_or_else(|| {
            "metadata: write a list of the filter's namespace and the names that lead to the value, \
             such as [\"envoy.filters.http.ext_authz\", \"x-lupa-records\"]"
                .to_owned()
        }),
        ("header", Value::String(name)) => Ok(Source::Header(name)),
        ("path", Value::String(name)) => Ok(Source::Path(name)),
        ("query", Value::String(name)) => Ok(Source::Query(name)),
        ("principal", Value::String(name)) => Ok(Source::Principal(name)),
        ("context_extension", Value::String(name)) => Ok(Source::ContextExtension(name)),
        ("value", Value::String(text)) => Ok(Source::Value(text)),
        (place, _) => Err(format!("{place}: write text, such as {{ {place} = \"…\" }}")),
    }
}

/// The names that lead to a claim: a list, or one text with dots between the
/// names. A name that has a dot itself can only stand in a list.
fn names(value: Value) -> Result<Vec<String>, String> {
    let Value::String(text) = value else {
        return texts(value).ok_or_else(|| {
            "jwt: write the names that lead to the claim, payload_in_metadata first: \
             \"token.register\" or [\"token\", \"register\"]"
                .to_owned()
        });
    };
    if text.contains([':', '/']) {
        return Err("jwt: a name with a dot, a colon or a slash in it is written in a list, such as \
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

/// A list of texts; none if it is something else.
fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(items) = value else { return None };
    let text = |item| if let Value::String(text) = item { Some(text) } else { None };
    items.into_iter().map(text).collect()
}
