//! Reads a scenario file, or reports every fault with its line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pbjson_types::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::cli::document::{Document, Fault};
use crate::config;
use crate::policy::calendar::Calendar;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::wire::declaration::stored_declarations;
use crate::wire::directory::directory;
use crate::wire::v1;
use crate::wire::violation::{InvalidRequest, instant};

use super::{Expectation, Request, Scenario};

/// The frame of a file. Its messages are parsed separately, by their paths.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileFrame {
    #[serde(rename = "directory")]
    directory: Option<IgnoredAny>,
    directory_file: Option<PathBuf>,
    calendar: Option<config::Calendar>,
    #[serde(rename = "meta")]
    _meta: Option<IgnoredAny>,
    scenarios: Vec<ScenarioFrame>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFrame {
    name: String,
    #[serde(rename = "meta")]
    _meta: Option<IgnoredAny>,
    at: Option<Timestamp>,
    directory: Option<IgnoredAny>,
    directory_file: Option<PathBuf>,
    calendar: Option<config::Calendar>,
    declarations: Option<IgnoredAny>,
    decide: Option<IgnoredAny>,
    record: Option<IgnoredAny>,
    withdraw: Option<IgnoredAny>,
    list: Option<IgnoredAny>,
    print: Option<IgnoredAny>,
    #[serde(rename = "expect")]
    _expect: IgnoredAny,
}

type ReadDirectory = Arc<(v1::Directory, Directory)>;

/// Reads the scenarios of a file. `now` is the time of requests without one.
pub fn read(path: &Path, text: &str, now: Instant) -> Result<Vec<Scenario>, Vec<Fault>> {
    let document = Document::read(text)?;
    let FileFrame { directory, directory_file, calendar: dates, _meta: _, scenarios } = document.parse()?;
    let mut reader = ScenarioReader { document: &document, path, now, files: HashMap::new() };
    let shared = reader.directory("directory", directory.is_some(), directory_file.as_deref())?;
    let shared_calendar = reader.calendar("calendar", dates.as_ref())?;
    let mut faults = Vec::new();
    let mut read = Vec::with_capacity(scenarios.len());
    for (place, frame) in scenarios.into_iter().enumerate() {
        match reader.scenario(
            &format!("scenarios[{place}]"),
            frame,
            shared.as_ref(),
            shared_calendar.as_ref(),
        ) {
            Ok(scenario) => read.push(scenario),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(read) } else { Err(faults) }
}

struct ScenarioReader<'a> {
    document: &'a Document,
    path: &'a Path,
    now: Instant,
    /// Directory files that have been read already.
    files: HashMap<PathBuf, ReadDirectory>,
}

impl ScenarioReader<'_> {
    fn scenario(
        &mut self,
        at: &str,
        frame: ScenarioFrame,
        directory: Option<&ReadDirectory>,
        calendar: Option<&Arc<Calendar>>,
    ) -> Result<Scenario, Vec<Fault>> {
        let own = self.directory(
            &format!("{at}.directory"),
            frame.directory.is_some(),
            frame.directory_file.as_deref(),
        )?;
        let directory =
            own.or_else(|| directory.cloned()).ok_or_else(|| {
                vec![self.fault(
                    at,
                    "no directory: give `directory` or `directory_file`, here or for the whole file",
                )]
            })?;
        let own = self.calendar(&format!("{at}.calendar"), frame.calendar.as_ref())?;
        let calendar = own.or_else(|| calendar.cloned()).unwrap_or_else(|| Arc::new(Calendar::published()));
        let requested_at = match &frame.at {
            None => self.now,
            Some(timestamp) => instant("at", timestamp).map_err(|invalid| self.faults(at, &invalid))?,
        };
        let expectation = self.expectation(&format!("{at}.expect"))?;
        let request = self.request(at, &frame, &expectation)?;
        let declarations: Vec<v1::StoredDeclaration> =
            if frame.declarations.is_some() { self.part(&format!("{at}.declarations"))? } else { Vec::new() };
        let stored = stored_declarations("declarations", &declarations)
            .map_err(|invalid| self.faults(at, &invalid))?;
        Ok(Scenario {
            line: self.document.line_of(at),
            name: frame.name,
            at: requested_at,
            directory,
            calendar,
            declarations: (declarations, stored),
            request,
            expectation,
        })
    }

    fn request(
        &self,
        at: &str,
        frame: &ScenarioFrame,
        expectation: &Expectation,
    ) -> Result<Request, Vec<Fault>> {
        let ScenarioFrame { decide, record, withdraw, list, print, .. } = frame;
        let requests = [decide, record, withdraw, list, print].into_iter().flatten().count();
        if requests != 1 {
            return Err(vec![self.fault(at, "write one request: decide, record, withdraw, list or print")]);
        }
        let read = if decide.is_some() {
            self.part(&format!("{at}.decide")).map(Request::Decide)
        } else if record.is_some() {
            self.part(&format!("{at}.record")).map(Request::Record)
        } else if withdraw.is_some() {
            self.part(&format!("{at}.withdraw")).map(Request::Withdraw)
        } else if list.is_some() {
            self.part(&format!("{at}.list")).map(Request::List)
        } else {
            self.part(&format!("{at}.print")).map(Request::Print)
        };
        // A request that is no valid message is an invalid argument, if the scenario expects that.
        read.or_else(
            |faults| if expectation.expects_invalid() { Ok(Request::Unreadable) } else { Err(faults) },
        )
    }

    fn expectation(&self, at: &str) -> Result<Expectation, Vec<Fault>> {
        match self.part::<Vec<IgnoredAny>>(at) {
            Ok(_) => self.part(at).map(Expectation::Verdicts),
            Err(_) => self.part(at).map(Expectation::Acceptance),
        }
    }

    fn directory(
        &mut self,
        at: &str,
        is_given: bool,
        file: Option<&Path>,
    ) -> Result<Option<ReadDirectory>, Vec<Fault>> {
        match (is_given, file) {
            (true, Some(_)) => Err(vec![self.fault(at, "give `directory` or `directory_file`, not both")]),
            (false, None) => Ok(None),
            (true, None) => {
                let message: v1::Directory = self.part(at)?;
                let read = directory(&message).map_err(|invalid| self.faults(at, &invalid))?;
                Ok(Some(Arc::new((message, read))))
            }
            (false, Some(file)) => self.directory_file(at, file).map(Some),
        }
    }

    /// The path is relative to the scenario file.
    fn directory_file(&mut self, at: &str, file: &Path) -> Result<ReadDirectory, Vec<Fault>> {
        let path = self.path.parent().unwrap_or(Path::new("")).join(file);
        if let Some(read) = self.files.get(&path) {
            return Ok(Arc::clone(read));
        }
        let at = format!("{at}_file");
        let fault = |message: String| vec![self.fault(&at, message)];
        let text = std::fs::read_to_string(&path).map_err(|error| {
            fault(format!("`{}` cannot be read ({error}): correct the path", path.display()))
        })?;
        let within = |fault: &Fault| self.fault(&at, fault.in_file(&path.display().to_string()));
        let within = |faults: Vec<Fault>| faults.iter().map(within).collect::<Vec<_>>();
        let document = Document::read(&text).map_err(within)?;
        let message: v1::Directory = document.parse().map_err(within)?;
        let read = directory(&message).map_err(|invalid| {
            within(
                invalid
                    .violations
                    .iter()
                    .map(|violation| fault_at(&document, &violation.field, &violation.description))
                    .collect(),
            )
        })?;
        let read = Arc::new((message, read));
        self.files.insert(path, Arc::clone(&read));
        Ok(read)
    }

    fn calendar(
        &self,
        at: &str,
        dates: Option<&config::Calendar>,
    ) -> Result<Option<Arc<Calendar>>, Vec<Fault>> {
        let Some(dates) = dates else {
            return Ok(None);
        };
        match dates.over_published() {
            Ok(calendar) => Ok(Some(Arc::new(calendar))),
            Err(faults) => {
                let faults = faults.into_iter();
                Err(faults.map(|fault| self.fault(&format!("{at}.{}", fault.field), fault.message)).collect())
            }
        }
    }

    fn part<T: DeserializeOwned>(&self, at: &str) -> Result<T, Vec<Fault>> {
        self.document.parse_at(at)
    }

    fn fault(&self, at: &str, message: impl Into<String>) -> Fault {
        fault_at(self.document, at, &message.into())
    }

    fn faults(&self, at: &str, invalid: &InvalidRequest) -> Vec<Fault> {
        let violations = invalid.violations.iter();
        violations
            .map(|violation| {
                fault_at(self.document, &format!("{at}.{}", violation.field), &violation.description)
            })
            .collect()
    }
}

fn fault_at(document: &Document, path: &str, message: &str) -> Fault {
    Fault { line: document.line_of(path), path: path.to_owned(), message: message.to_owned() }
}
