//! Routes: which calls become which questions.

use crate::wire::v1;

use super::call::{Call, Values};
use super::parts::{Draft, PARTS, Part, RECORD_ID, REQUIRED};
use super::source::{PartSource, Source};
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
    /// Parameters of the query that the question does not name.
    pub other_query: OtherQuery,
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
    /// Whether there is one for each record.
    pub is_several: bool,
}

/// The parameters of the query that may be sent besides those that the question names.
#[derive(Clone, Debug)]
pub enum OtherQuery {
    /// Those of these names; none of them = none.
    Named(Vec<String>),
    /// All.
    Any,
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

/// Methods whose body has a meaning. A body of another one may be taken for the
/// next request of the connection by a service that does not read it.
const METHODS_WITH_BODY: [&str; 3] = ["POST", "PUT", "PATCH"];

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
        let RouteOptions { methods, path, permits_some, other_query, parts: configured } = route;
        check_methods(methods, tell);
        if matches!(other_query, OtherQuery::Named(names) if names.iter().any(String::is_empty)) {
            tell(None, "other_query: write names that are not empty, such as [\"page\"]".to_owned());
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
            tell(
                Some(name),
                "there is no question without it: write where it comes from, such as { header = \"…\" }"
                    .to_owned(),
            );
        }
        check_lists(configured, tell);
        check_several(&parts, tell);
        check_path(&path, configured, tell);
        let (methods, other_query) = (methods.clone(), other_query.clone());
        Some(Self { methods, path, permits_some: *permits_some, other_query, parts })
    }

    fn question(&self, call: &Call<'_>) -> Result<Asked, Unclear> {
        if !METHODS_WITH_BODY.contains(&call.method()) && call.may_have_body() {
            return Err(Unclear::BodyUnexpected);
        }
        let (of_records, of_all): (Vec<_>, Vec<_>) =
            self.parts.iter().partition(|part| part.part.put.is_of_record());
        let of_records = of_records.into_iter().map(|part| Ok((part, part.values(call, &self.path)?)));
        let of_records: Vec<_> = of_records.collect::<Result<_, Unclear>>()?;
        let ids = of_records.iter().find(|(part, _)| part.part.name == RECORD_ID);
        let count = ids.map_or(0, |(_, values)| values.len());
        let mut draft = Draft::default();
        draft.add_records(count);
        for (part, values) in &of_records {
            let (part, is_several) = (part.part, part.is_several);
            if is_several && !values.is_empty() && values.len() < count {
                return Err(Unclear::FewerThanRecords(part.name));
            }
            if is_several && values.len() > count {
                return Err(Unclear::MoreThanRecords(part.name));
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
        Ok(Asked { question: draft.finish(), permits_some: self.permits_some })
    }

    /// The service reads the whole query: a parameter that Lupa does not read
    /// may ask it for something that was not decided about.
    fn check_query(&self, call: &Call<'_>) -> Result<(), Unclear> {
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
            OtherQuery::Any => (<&[String]>::default(), true),
        };
        let named: Vec<_> = of_parts.chain(others.iter().map(String::as_str)).collect();
        for parameter in call.parameters() {
            if named.contains(&&*parameter.name) {
                // To a service that does not decode names it is another one.
                if !parameter.is_name_plain() {
                    return Err(Unclear::Query);
                }
            // To a service that ignores case it is a named one.
            } else if !takes_any || named.iter().any(|name| name.eq_ignore_ascii_case(&parameter.name)) {
                return Err(Unclear::QueryUnexpected);
            }
        }
        Ok(())
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
            return Err("several: only parts of records may be sent several times; leave it out".to_owned());
        }
        let source = Source::new(source, path)?;
        if *is_several && source.is_single() {
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
        Ok(Self { part, source, is_optional: *is_optional, is_several: *is_several })
    }

    /// What a call has for the part.
    fn values<'v>(&'v self, call: &'v Call<'_>, path: &Template) -> Result<Values<'v>, Unclear> {
        let name = self.part.name;
        let values: Values<'v> = self.source.values(call, path).ok_or_else(|| unreadable(self.part))?;
        match values.as_slice() {
            [] => self.absent(),
            [one] if one.is_empty() => self.absent(),
            [_] => Ok(values),
            // Of several none may be empty: which record it is of would be a guess.
            _ if self.is_several && values.iter().any(|value| value.is_empty()) => {
                Err(Unclear::EmptyAmongSeveral(name))
            }
            _ if self.is_several => Ok(values),
            _ => Err(Unclear::Doubled(name)),
        }
    }

    fn absent<'v>(&self) -> Result<Values<'v>, Unclear> {
        if self.is_optional { Ok(Vec::new()) } else { Err(Unclear::Missing(self.part.name)) }
    }
}

fn check_methods(methods: &[String], tell: &mut dyn FnMut(Option<&str>, String)) {
    if methods.is_empty() {
        tell(None, "methods: name at least one, such as [\"GET\"]".to_owned());
    }
    let is_method = |method: &str| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !methods.iter().all(|method| is_method(method)) {
        tell(None, "methods: write HTTP methods in capital letters, such as [\"GET\"]".to_owned());
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
            "there is no question without a record: write where its id comes from, or take records whole"
                .to_owned(),
        );
    }
}

/// A part of several records needs to know how many there are.
fn check_several(parts: &[PartOfRoute], tell: &mut dyn FnMut(Option<&str>, String)) {
    if !parts.iter().any(|part| part.is_several && part.part.name == RECORD_ID) {
        for part in parts.iter().filter(|part| part.is_several) {
            tell(Some(part.part.name), format!("several: write it at {RECORD_ID} too, or leave it out"));
        }
    }
}

/// A part of the path that Lupa does not read selects what the service sends:
/// the operator says so by the name if another filter reads it.
fn check_path(path: &Template, parts: &[(String, PartOptions)], tell: &mut dyn FnMut(Option<&str>, String)) {
    let is_read = |name: &str| {
        parts.iter().any(|(_, part)| matches!(&part.source, PartSource::Path(read) if read == name))
    };
    for name in path.names().filter(|name| !name.starts_with('_') && !is_read(name)) {
        tell(
            None,
            format!(
                "path: no part of the question comes from {{{name}}}: use it, or write {{_{name}}} if the \
                 service reports to Lupa which records it leads to"
            ),
        );
    }
}

fn has(parts: &[(String, PartOptions)], name: &str) -> bool {
    parts.iter().any(|(given, _)| given == name)
}

fn unreadable(part: &Part) -> Unclear {
    Unclear::Unreadable { name: part.name, expected: part.put.expected() }
}
