//! How the calls of Envoy become questions.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use toml::{Table, Value};

/// The calls of one kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// HTTP methods, such as `GET`; those of gRPC are all `POST`.
    pub methods: Vec<String>,
    /// The path, such as `/clients/{client}/records/{record}`.
    pub path: String,
    /// Whether a call about several records passes if only some are permitted:
    /// what is behind Envoy must then leave out the others.
    #[serde(default)]
    pub permit_some: bool,
    /// Where the parts of the question come from, by the names that they have
    /// in the interface, such as `requester.register`.
    #[serde(deserialize_with = "parts")]
    pub question: BTreeMap<String, Part>,
}

/// Where a part of a question comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The place.
    pub source: Source,
    /// A call without it is not denied for that: the part is unset.
    pub optional: bool,
    /// There may be several, one for each record.
    pub several: bool,
}

/// A place in what Envoy tells of a call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A header, by its name.
    Header(String),
    /// A part that the route's path takes, by its name.
    Path(String),
    /// A parameter of the query, by its name.
    Query(String),
    /// A claim of a JSON web token that Envoy has verified: where Envoy puts
    /// the payload, and the claim's name, with a dot between.
    Jwt(String),
    /// The subject alternative name of the peer's certificate, with `{value}`
    /// for the part that is taken.
    Principal(String),
    /// Told by Envoy's configuration of the route, by its name.
    ContextExtension(String),
    /// Always this.
    Value(String),
}

/// The words by which a table is known to be a part and not to hold parts.
const SOURCES: [&str; 7] = ["header", "path", "query", "jwt", "principal", "context_extension", "value"];

fn parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Part>, D::Error> {
    let mut parts = BTreeMap::new();
    collect("", Table::deserialize(deserializer)?, &mut parts).map_err(de::Error::custom)?;
    Ok(parts)
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
            Value::Table(table) => collect(&name, table, parts)?,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => {
                return Err(format!(
                    "question.{name}: write where it comes from, such as {{ header = \"…\" }}"
                ));
            }
        }
    }
    Ok(())
}

fn part(mut table: Table) -> Result<Part, String> {
    let mut flag = |name| match table.remove(name) {
        None => Ok(false),
        Some(Value::Boolean(flag)) => Ok(flag),
        Some(_) => Err(format!("{name}: write true or false")),
    };
    let (optional, several) = (flag("optional")?, flag("several")?);
    let source = table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
    Ok(Part { source, optional, several })
}
