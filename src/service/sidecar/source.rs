//! The sources of a field in a call. Each is checked when the configuration is
//! read, so that no call can fail because of the configuration.

use std::borrow::Cow;

use crate::config::PartSource;

use super::call::{Call, Values};
use super::template::Template;

/// Where Envoy's filter for JSON web tokens puts the payloads that it has verified.
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";

/// A source that was checked.
#[derive(Debug)]
pub(super) enum Source {
    Header(String),
    Path(String),
    Parameter(String),
    /// A value in the metadata of a filter.
    Metadata {
        namespace: String,
        path: Vec<String>,
    },
    /// The part of the principal between these.
    Principal {
        before: String,
        after: String,
    },
    Extension(String),
    Constant(String),
}

impl Source {
    /// Checks a configured source. The error names it and says what to write.
    pub(super) fn new(configured: &PartSource, path: &Template) -> Result<Self, String> {
        Ok(match configured {
            PartSource::Header(name) if is_header(name) => Self::Header(name.clone()),
            PartSource::Header(_) => {
                return Err("header: write the name of a header, such as x-lupa-token".to_owned());
            }
            PartSource::Path(name) if path.count_of(name) == 1 => Self::Path(name.clone()),
            PartSource::Path(name) => return Err(format!("path: write {{{name}}} once in the route's path")),
            PartSource::Query(name) if !name.is_empty() => Self::Parameter(name.clone()),
            PartSource::Query(_) => return Err("query: write the name of a parameter".to_owned()),
            PartSource::Jwt(names) if names.len() < 2 || has_empty(names) => {
                return Err(
                    "jwt: write payload_in_metadata of Envoy's jwt_authn and the names that lead to \
                            the claim, none of them empty: \"token.register\" or [\"token\", \"register\"]"
                        .to_owned(),
                );
            }
            PartSource::Jwt(names) => {
                Self::Metadata { namespace: JWT_FILTER.to_owned(), path: names.clone() }
            }
            PartSource::Metadata(names) => match names.split_first() {
                Some((namespace, path)) if !path.is_empty() && !has_empty(names) => {
                    Self::Metadata { namespace: namespace.clone(), path: path.to_vec() }
                }
                Some(_) | None => {
                    return Err("metadata: write the filter's namespace and the names that lead to the \
                                value, none of them empty, such as [\"envoy.filters.http.ext_authz\", \"x-lupa-records\"]"
                        .to_owned());
                }
            },
            PartSource::Principal(template) => principal(template)?,
            PartSource::ContextExtension(name) if !name.is_empty() => Self::Extension(name.clone()),
            PartSource::ContextExtension(_) => {
                return Err(
                    "context_extension: write the name that Envoy's configuration gives it".to_owned()
                );
            }
            PartSource::Value(value) => Self::Constant(value.clone()),
        })
    }

    /// Whether it has at most one value, and so cannot have one for each record.
    pub(super) fn is_single(&self) -> bool {
        match self {
            Self::Header(_) | Self::Parameter(_) | Self::Metadata { .. } => false,
            Self::Path(_) | Self::Principal { .. } | Self::Extension(_) | Self::Constant(_) => true,
        }
    }

    /// Every value of the source in a call; none if one of them is not text.
    pub(super) fn values<'v>(&'v self, call: &'v Call<'_>, path: &Template) -> Option<Values<'v>> {
        let at_most_one = |value: Option<&'v str>| value.map(Cow::Borrowed).into_iter().collect();
        Some(match self {
            Self::Header(name) => call.header(name)?,
            Self::Path(name) => at_most_one(path.take(name, &call.path)),
            Self::Parameter(name) => call.parameter(name),
            Self::Metadata { namespace, path } => call.metadata(namespace, path)?,
            Self::Principal { before, after } => {
                let rest = call.principal().strip_prefix(before.as_str());
                let value = rest.and_then(|rest| rest.strip_suffix(after.as_str()));
                at_most_one(value.filter(|value| !value.contains(['/', ',', '%'])))
            }
            Self::Extension(name) => at_most_one(call.extension(name)),
            Self::Constant(value) => at_most_one(Some(value)),
        })
    }
}

fn principal(template: &str) -> Result<Source, String> {
    match template.split_once("{value}") {
        Some((before, after)) if !after.contains('{') && !before.is_empty() => {
            Ok(Source::Principal { before: before.to_owned(), after: after.to_owned() })
        }
        Some(_) | None => Err(
            "principal: write a name with {value} in it once, such as spiffe://example.org/register/{value}"
                .to_owned(),
        ),
    }
}

/// Whether a header can have this name. Envoy also sends the pseudo-headers,
/// whose names start with a colon.
fn is_header(name: &str) -> bool {
    let name = name.strip_prefix(':').unwrap_or(name);
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn has_empty(names: &[String]) -> bool {
    names.iter().any(String::is_empty)
}
