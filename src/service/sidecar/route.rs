//! Routes: how a call with a given method and path becomes a `DecideRequest`.
//! Every fault of the configuration is found at start, before any call.

use std::collections::BTreeMap;

use crate::config;
use crate::config::{OtherQuery, PartSource};
use crate::wire::v1;

use super::call::{Call, Values};
use super::fault::CallFault;
use super::parts::{Draft, PARTS, Part, RECORD_ID, REQUIRED};
use super::source::Source;
use super::template::Template;

/// The routes, in the order in which they are tried.
#[derive(Debug)]
pub struct Routes(Vec<Route>);

/// What is wrong with a configured route, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sidecar.routes[{place}]{}: {fault}", name.as_ref().map(|name| format!(".question.{name}")).unwrap_or_default())]
pub struct RouteFault {
    place: usize,
    /// The field of the request at fault.
    name: Option<String>,
    fault: String,
}

/// Methods whose body has a meaning. A service that does not read the body of
/// another method may take it for the next request of the connection.
const METHODS_WITH_BODY: [&str; 3] = ["POST", "PUT", "PATCH"];

/// The request that a call became.
pub(super) struct MatchedRoute {
    pub(super) question: v1::DecideRequest,
    /// Whether the call passes if only some of its records are permitted.
    pub(super) permits_some: bool,
}

#[derive(Debug)]
struct Route {
    methods: Vec<String>,
    path: Template,
    permits_some: bool,
    other_query: OtherQuery,
    parts: Vec<PartOfRoute>,
}

#[derive(Debug)]
struct PartOfRoute {
    part: &'static Part,
    source: Source,
    is_optional: bool,
    is_several: bool,
}

impl Routes {
    /// Reads the configured routes, or reports everything that is wrong with them.
    pub fn new(configured: &[config::Route]) -> Result<Self, Vec<RouteFault>> {
        let mut faults = Vec::new();
        let routes = configured.iter().enumerate().map(|(place, route)| {
            let mut report = |name: Option<&str>, fault: String| {
                faults.push(RouteFault { place, name: name.map(str::to_owned), fault });
            };
            Route::new(route, &mut report)
        });
        let routes: Vec<_> = routes.collect();
        match routes.into_iter().collect() {
            Some(routes) if faults.is_empty() => Ok(Self(routes)),
            _ => Err(faults),
        }
    }

    /// The request that a call becomes by the first route with its method and path.
    pub(super) fn question(&self, call: &Call<'_>) -> Result<MatchedRoute, CallFault> {
        let fits = |route: &&Route| {
            route.path.fits(&call.path) && route.methods.iter().any(|method| method == call.method())
        };
        self.0.iter().find(fits).ok_or(CallFault::NoRoute)?.question(call)
    }
}

impl Route {
    fn new(route: &config::Route, report: &mut dyn FnMut(Option<&str>, String)) -> Option<Self> {
        let config::Route { methods, path, permit_some, other_query, question: configured } = route;
        check_methods(methods, report);
        if matches!(other_query, OtherQuery::Named(names) if names.iter().any(String::is_empty)) {
            report(None, "other_query: write names that are not empty, such as [\"page\"]".to_owned());
        }
        let path = Template::parse(path).map_err(|fault| report(None, format!("path: {fault}"))).ok()?;
        let parts: Vec<_> = configured
            .iter()
            .filter_map(|(name, part)| {
                let read = PartOfRoute::new(name, part, &path);
                read.map_err(|fault| report(Some(name), fault)).ok()
            })
            .collect();
        for name in REQUIRED.into_iter().filter(|name| !has(configured, name)) {
            report(Some(name), "required: write its source, such as { header = \"…\" }".to_owned());
        }
        check_lists(configured, report);
        check_several(&parts, report);
        check_path(&path, configured, report);
        let (methods, other_query) = (methods.clone(), other_query.clone());
        Some(Self { methods, path, permits_some: *permit_some, other_query, parts })
    }

    fn question(&self, call: &Call<'_>) -> Result<MatchedRoute, CallFault> {
        if !METHODS_WITH_BODY.contains(&call.method()) && call.may_have_body() {
            return Err(CallFault::BodyUnexpected);
        }
        let (of_records, of_all): (Vec<_>, Vec<_>) =
            self.parts.iter().partition(|part| part.part.put.is_of_record());
        let of_records = of_records.into_iter().map(|part| Ok((part, part.values(call, &self.path)?)));
        let of_records: Vec<_> = of_records.collect::<Result<_, CallFault>>()?;
        let ids = of_records.iter().find(|(part, _)| part.part.name == RECORD_ID);
        let count = ids.map_or(0, |(_, values)| values.len());
        let mut draft = Draft::default();
        draft.add_records(count);
        for (part, values) in &of_records {
            let (part, is_several) = (part.part, part.is_several);
            if is_several && !values.is_empty() && values.len() < count {
                return Err(CallFault::FewerThanRecords(part.name));
            }
            if is_several && values.len() > count {
                return Err(CallFault::MoreThanRecords(part.name));
            }
            // One that is not `several` is configured to be the same for all.
            let values = values.iter().map(|value| &**value).cycle();
            draft.put_in_records(part.put, values).ok_or_else(|| unreadable(part))?;
        }
        for part in of_all {
            for value in part.values(call, &self.path)? {
                draft.put(part.part.put, &value).ok_or_else(|| unreadable(part.part))?;
            }
        }
        self.check_query(call)?;
        Ok(MatchedRoute { question: draft.finish(), permits_some: self.permits_some })
    }

    /// The service behind Envoy reads the whole query: a parameter that Lupa does
    /// not read may select records that were not decided.
    fn check_query(&self, call: &Call<'_>) -> Result<(), CallFault> {
        let of_parts = self.parts.iter().filter_map(|part| match &part.source {
            Source::Parameter(name) => Some(name.as_str()),
            Source::Header(_)
            | Source::Path(_)
            | Source::Metadata { .. }
            | Source::Principal { .. }
            | Source::Extension(_)
            | Source::Constant(_) => None,
        });
        let (others, takes_any) = match &self.other_query {
            OtherQuery::Named(names) => (names.as_slice(), false),
            OtherQuery::Deny => (<&[String]>::default(), false),
            OtherQuery::Allow => (<&[String]>::default(), true),
        };
        let named: Vec<_> = of_parts.chain(others.iter().map(String::as_str)).collect();
        for parameter in call.parameters() {
            if named.contains(&&*parameter.name) {
                // A service that does not decode names reads another name.
                if !parameter.is_name_plain() {
                    return Err(CallFault::Query);
                }
            // A service that ignores case reads a parameter of the question.
            } else if !takes_any || named.iter().any(|name| name.eq_ignore_ascii_case(&parameter.name)) {
                return Err(CallFault::QueryUnexpected);
            }
        }
        Ok(())
    }
}

impl PartOfRoute {
    fn new(name: &str, configured: &config::Part, path: &Template) -> Result<Self, String> {
        let config::Part { source, optional, several } = configured;
        let part = PARTS.iter().find(|part| part.name == name).ok_or_else(|| {
            let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
            format!("no such part; write one of {}", names.join(", "))
        })?;
        if *several && !part.put.is_of_record() {
            return Err("several: only parts of records may be sent several times; leave it out".to_owned());
        }
        let source = Source::new(source, path)?;
        if *several && source.is_single() {
            return Err(
                "several: there is only one here, and it is for all records; leave it out, or take the \
                        part from a header, the query or metadata"
                    .to_owned(),
            );
        }
        if let Source::Constant(value) = &source
            && (value.is_empty() || !Draft::takes(part.put, value))
        {
            return Err(format!("value: write {}", part.put.expected()));
        }
        Ok(Self { part, source, is_optional: *optional, is_several: *several })
    }

    /// The values of the part in a call.
    fn values<'v>(&'v self, call: &'v Call<'_>, path: &Template) -> Result<Values<'v>, CallFault> {
        let name = self.part.name;
        let values: Values<'v> = self.source.values(call, path).ok_or_else(|| unreadable(self.part))?;
        match values.as_slice() {
            [] => self.absent(),
            [one] if one.is_empty() => self.absent(),
            [_] => Ok(values),
            // None of several may be empty: its record would be a guess.
            _ if self.is_several && values.iter().any(|value| value.is_empty()) => {
                Err(CallFault::EmptyAmongSeveral(name))
            }
            _ if self.is_several => Ok(values),
            _ => Err(CallFault::Doubled(name)),
        }
    }

    fn absent<'v>(&self) -> Result<Values<'v>, CallFault> {
        if self.is_optional { Ok(Vec::new()) } else { Err(CallFault::Missing(self.part.name)) }
    }
}

fn check_methods(methods: &[String], report: &mut dyn FnMut(Option<&str>, String)) {
    if methods.is_empty() {
        report(None, "methods: name at least one, such as [\"GET\"]".to_owned());
    }
    let is_method = |method: &str| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !methods.iter().all(|method| is_method(method)) {
        report(None, "methods: write HTTP methods in capital letters, such as [\"GET\"]".to_owned());
    }
}

/// Records and claims are taken whole or in parts, and there must be records.
fn check_lists(parts: &BTreeMap<String, config::Part>, report: &mut dyn FnMut(Option<&str>, String)) {
    for (list, of_list) in [("records", "records."), ("claims", "claims.")] {
        if has(parts, list) && parts.keys().any(|name| name.starts_with(of_list)) {
            report(Some(list), "take them whole or in parts, not both".to_owned());
        }
    }
    if !has(parts, "records") && !has(parts, "records.id") {
        report(
            Some("records.id"),
            "a record is required: write the source of its id, or take records whole".to_owned(),
        );
    }
}

/// A part with one value for each record requires one id for each record.
fn check_several(parts: &[PartOfRoute], report: &mut dyn FnMut(Option<&str>, String)) {
    if !parts.iter().any(|part| part.is_several && part.part.name == RECORD_ID) {
        for part in parts.iter().filter(|part| part.is_several) {
            report(Some(part.part.name), format!("several: write it at {RECORD_ID} too, or leave it out"));
        }
    }
}

/// A variable of the path that Lupa does not read may select what the service
/// returns. The operator confirms by its name that another filter reads it.
fn check_path(
    path: &Template,
    parts: &BTreeMap<String, config::Part>,
    report: &mut dyn FnMut(Option<&str>, String),
) {
    let is_read = |name: &str| {
        parts.values().any(|part| matches!(&part.source, PartSource::Path(read) if read == name))
    };
    for name in path.names().filter(|name| !name.starts_with('_') && !is_read(name)) {
        report(
            None,
            format!(
                "path: no part of the question comes from {{{name}}}: use it, or write {{_{name}}} if the \
                 service reports to Lupa which records it leads to"
            ),
        );
    }
}

fn has(parts: &BTreeMap<String, config::Part>, name: &str) -> bool {
    parts.contains_key(name)
}

fn unreadable(part: &Part) -> CallFault {
    CallFault::Unreadable { name: part.name, expected: part.put.expected() }
}
