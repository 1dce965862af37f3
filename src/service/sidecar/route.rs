//! Routes: which calls become which questions.

use std::borrow::Cow;

use crate::wire::v1;

use super::call::{Call, Values};
use super::parts::{Draft, PARTS, Part, REQUIRED};
use super::template::Template;
use super::unclear::Unclear;

/// The calls of one kind, as they are configured.
#[derive(Clone, Debug)]
pub struct RouteOptions {
    /// HTTP methods.
    pub methods: Vec<String>,
    /// The path, with parts that are taken in braces.
    pub path: String,
    /// Whether a call passes if only some of its records are permitted.
    pub permits_some: bool,
    /// Where the parts of the question come from, by their names in the interface.
    pub parts: Vec<(String, PartOptions)>,
}

/// Where a part of a question comes from.
#[derive(Clone, Debug)]
pub struct PartOptions {
    /// The place.
    pub source: PartSource,
    /// Whether it may be unset.
    pub is_optional: bool,
    /// Whether there may be several, one for each record.
    pub is_several: bool,
}

/// A place in what Envoy tells of a call.
#[derive(Clone, Debug)]
pub enum PartSource {
    /// A header.
    Header(String),
    /// A part of the path.
    Path(String),
    /// A parameter of the query.
    Query(String),
    /// A claim of a verified token, after where Envoy puts the payload and a dot.
    Jwt(String),
    /// The peer's name by its certificate, with `{value}` for what is taken.
    Principal(String),
    /// Told by Envoy's configuration.
    ContextExtension(String),
    /// Always this.
    Value(String),
}

/// The routes, in the order in which they are tried.
#[derive(Debug)]
pub struct Routes(Vec<Route>);

/// A route that makes no sense, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sidecar.routes[{place}]{}: {fault}", name.as_ref().map(|name| format!(".question.{name}")).unwrap_or_default())]
pub struct RouteFault {
    place: usize,
    /// The part of the question at fault.
    name: Option<String>,
    fault: String,
}

/// A question that a call asks.
pub(super) struct Asked {
    pub(super) question: v1::DecideRequest,
    /// Whether the call passes if only some of its records are permitted.
    pub(super) permits_some: bool,
}

#[derive(Debug)]
struct Route {
    methods: Vec<String>,
    path: Template,
    permits_some: bool,
    parts: Vec<PartOfRoute>,
}

#[derive(Debug)]
struct PartOfRoute {
    part: &'static Part,
    source: Source,
    is_optional: bool,
    is_several: bool,
}

#[derive(Debug)]
enum Source {
    Header(String),
    Path(String),
    Parameter(String),
    Claim {
        payload: String,
        claim: String,
    },
    /// The part of the principal between these.
    Principal {
        before: String,
        after: String,
    },
    Extension(String),
    Constant(String),
}

impl Routes {
    /// Reads the configured routes, or tells everything that is wrong with them.
    pub fn new(configured: &[RouteOptions]) -> Result<Self, Vec<RouteFault>> {
        let mut faults = Vec::new();
        let routes = configured.iter().enumerate().map(|(place, route)| {
            let mut tell = |name: Option<&str>, fault: String| {
                faults.push(RouteFault { place, name: name.map(str::to_owned), fault });
            };
            Route::new(route, &mut tell)
        });
        let routes: Vec<_> = routes.collect();
        match routes.into_iter().collect() {
            Some(routes) if faults.is_empty() => Ok(Self(routes)),
            _ => Err(faults),
        }
    }

    /// The question of a call: that of the first route that fits.
    pub(super) fn question(&self, call: &Call<'_>) -> Result<Asked, Unclear> {
        let fits = |route: &&Route| {
            route.path.fits(&call.path) && route.methods.iter().any(|method| method == call.method())
        };
        self.0.iter().find(fits).ok_or(Unclear::NoRoute)?.question(call)
    }
}

impl Route {
    fn new(route: &RouteOptions, tell: &mut dyn FnMut(Option<&str>, String)) -> Option<Self> {
        let RouteOptions { methods, path, permits_some, parts: configured } = route;
        if methods.is_empty() {
            tell(None, "methods: name at least one, such as [\"GET\"]".to_owned());
        }
        let path = Template::parse(path).map_err(|fault| tell(None, format!("path: {fault}"))).ok()?;
        let parts: Vec<_> = configured
            .iter()
            .filter_map(|(name, part)| {
                let read = PartOfRoute::new(name, part, &path);
                read.map_err(|fault| tell(Some(name), fault)).ok()
            })
            .collect();
        for name in REQUIRED.into_iter().filter(|name| !has(configured, name)) {
            tell(Some(name), "there is no question without it: tell where it comes from".to_owned());
        }
        check_lists(configured, tell);
        Some(Self { methods: methods.clone(), path, permits_some: *permits_some, parts })
    }

    fn question(&self, call: &Call<'_>) -> Result<Asked, Unclear> {
        let (of_records, of_all): (Vec<_>, Vec<_>) =
            self.parts.iter().partition(|part| part.part.put.is_of_record());
        let of_records = of_records.into_iter().map(|part| Ok((part.part, part.values(call, &self.path)?)));
        let of_records: Vec<_> = of_records.collect::<Result<_, Unclear>>()?;
        let count = of_records.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
        let mut draft = Draft::default();
        draft.add_records(count);
        for (part, values) in &of_records {
            if values.len() > 1 && values.len() != count {
                return Err(Unclear::UnequalRecords);
            }
            // One is for all.
            let values = values.iter().map(|value| &**value).cycle();
            draft.put_in_records(part.put, values).ok_or_else(|| unreadable(part))?;
        }
        for part in of_all {
            for value in part.values(call, &self.path)? {
                draft.put(part.part.put, &value).ok_or_else(|| unreadable(part.part))?;
            }
        }
        Ok(Asked { question: draft.finish(), permits_some: self.permits_some })
    }
}

impl PartOfRoute {
    fn new(name: &str, options: &PartOptions, path: &Template) -> Result<Self, String> {
        let PartOptions { source, is_optional, is_several } = options;
        let part = PARTS.iter().find(|part| part.name == name).ok_or_else(|| {
            let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
            format!("no such part; write one of {}", names.join(", "))
        })?;
        if *is_several && !part.put.is_of_record() {
            return Err("several: only parts of records may be sent several times".to_owned());
        }
        let source = Source::new(source, path)?;
        if let Source::Constant(value) = &source
            && !Draft::takes(part.put, value)
        {
            return Err(format!("value: write {}", part.put.expected()));
        }
        Ok(Self { part, source, is_optional: *is_optional, is_several: *is_several })
    }

    /// What a call has for the part.
    fn values<'v>(&'v self, call: &'v Call<'_>, path: &Template) -> Result<Values<'v>, Unclear> {
        let name = self.part.name;
        let values: Values<'v> = self.source.values(call, path).ok_or_else(|| unreadable(self.part))?;
        match values.as_slice() {
            _ if values.iter().all(|value| value.is_empty()) => {
                if self.is_optional {
                    Ok(Vec::new())
                } else {
                    Err(Unclear::Missing(name))
                }
            }
            [_] => Ok(values),
            // Of several none may be empty: which record it is of would be a guess.
            _ if self.is_several && values.iter().all(|value| !value.is_empty()) => Ok(values),
            _ => Err(Unclear::Doubled(name)),
        }
    }
}

impl Source {
    fn new(configured: &PartSource, path: &Template) -> Result<Self, String> {
        Ok(match configured {
            PartSource::Header(name) => Self::Header(name.clone()),
            PartSource::Path(name) if path.count_of(name) == 1 => Self::Path(name.clone()),
            PartSource::Path(name) => return Err(format!("path: write {{{name}}} once in the route's path")),
            PartSource::Query(name) => Self::Parameter(name.clone()),
            PartSource::Jwt(claim) => match claim.split_once('.') {
                Some((payload, claim)) => {
                    Self::Claim { payload: payload.to_owned(), claim: claim.to_owned() }
                }
                None => {
                    return Err(
                        "jwt: write payload_in_metadata of Envoy's jwt_authn, a dot and the claim".to_owned()
                    );
                }
            },
            PartSource::Principal(template) => match template.split_once("{value}") {
                Some((before, after)) if !after.contains('{') && !before.is_empty() => {
                    Self::Principal { before: before.to_owned(), after: after.to_owned() }
                }
                Some(_) | None => {
                    return Err("principal: write a name with {value} in it once, such as spiffe://example.org/register/{value}".to_owned());
                }
            },
            PartSource::ContextExtension(name) => Self::Extension(name.clone()),
            PartSource::Value(value) => Self::Constant(value.clone()),
        })
    }

    /// Every value that a call has here; none if there is one that is no text.
    fn values<'v>(&'v self, call: &'v Call<'_>, path: &Template) -> Option<Values<'v>> {
        let at_most_one = |value: Option<&'v str>| value.map(Cow::Borrowed).into_iter().collect();
        Some(match self {
            Self::Header(name) => call.header(name),
            Self::Path(name) => at_most_one(path.take(name, &call.path)),
            Self::Parameter(name) => call.parameter(name),
            Self::Claim { payload, claim } => call.claim(payload, claim)?,
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

/// Records, and claims, come whole or in parts, and records come somehow.
fn check_lists(parts: &[(String, PartOptions)], tell: &mut dyn FnMut(Option<&str>, String)) {
    for (list, of_list) in [("records", "records."), ("claims", "claims.")] {
        if has(parts, list) && parts.iter().any(|(name, _)| name.starts_with(of_list)) {
            tell(Some(list), "take them whole or in parts, not both".to_owned());
        }
    }
    if !has(parts, "records") && !has(parts, "records.id") {
        tell(
            Some("records.id"),
            "there is no question without a record: tell where it comes from".to_owned(),
        );
    }
}

fn has(parts: &[(String, PartOptions)], name: &str) -> bool {
    parts.iter().any(|(given, _)| given == name)
}

fn unreadable(part: &Part) -> Unclear {
    Unclear::Unreadable { name: part.name, expected: part.put.expected() }
}
