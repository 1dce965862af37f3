//! `lupa test`: runs scenario files against the core.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use super::Global;
use super::document::Fault;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::scenario::{Scenario, read};
use super::terminal::Terminal;
use crate::clock;

/// Arguments of `lupa test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lupa test tests/scenarios
  lupa test my-policy.yaml --junit report.xml

For a folder, its *.yaml, *.yml and *.json files are run, without subfolders.
Exit code 1: a scenario failed or a file is invalid.")]
pub struct TestArgs {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// The result of one scenario, or of an invalid file.
#[derive(Debug, Serialize)]
struct TestResult {
    file: String,
    line: Option<usize>,
    scenario: String,
    failures: Vec<String>,
    is_unreadable: bool,
}

pub(super) fn run(args: &TestArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let mut tested = Vec::new();
    for file in files(&args.paths)? {
        test_file(&file, &mut tested)?;
    }
    if let Some(path) = &args.junit {
        let report = report(&tested)
            .to_string()
            .map_err(|_| CommandFailure::Internal("the report cannot be written as XML"))?;
        fs::write(path, report)
            .map_err(|error| CommandFailure::Written(path.display().to_string(), error))?;
    }
    let terminal = Terminal::detect();
    let failed = tested.iter().filter(|one| !one.failures.is_empty());
    let is_passed = failed.clone().count() == 0;
    if global.json {
        terminal.show_json(&tested)?;
    } else {
        let lines: String = failed.flat_map(TestResult::lines).collect();
        terminal.show(&format!("{lines}{}\n", summary(&tested)))?;
    }
    Ok(if is_passed { Exit::Success } else { Exit::Negative })
}

/// The files that the paths name, in alphabetical order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CommandFailure> {
    let mut files = Vec::new();
    for path in paths {
        let cannot = |error| CommandFailure::File(path.display().to_string(), error);
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(cannot)?;
        let entries = entries.into_iter().map(|entry| entry.path());
        let before = files.len();
        files.extend(entries.filter(|path| path.is_file() && is_scenario_file(path)));
        if files.len() == before {
            return Err(CommandFailure::Usage(format!(
                "no scenario files in `{}`: name another folder",
                path.display()
            )));
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn is_scenario_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

fn test_file(path: &Path, tested: &mut Vec<TestResult>) -> Result<(), CommandFailure> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| CommandFailure::File(file.clone(), error))?;
    match read(path, &text, clock::now()) {
        Ok(scenarios) => tested.extend(scenarios.iter().map(|scenario| TestResult::of(&file, scenario))),
        Err(faults) => tested.push(TestResult::unreadable(file, &faults)),
    }
    Ok(())
}

impl TestResult {
    fn of(file: &str, scenario: &Scenario) -> Self {
        let differences = scenario.expectation.differences(&scenario.ask_core());
        let failures = differences.into_iter().map(|difference| match difference.record {
            None => difference.message,
            Some(record) => {
                let walked = scenario.rules_walked(record).join(" → ");
                format!("record {}: {} (rules evaluated: {walked})", record + 1, difference.message)
            }
        });
        Self {
            file: file.to_owned(),
            line: scenario.line,
            scenario: scenario.name.clone(),
            failures: failures.collect(),
            is_unreadable: false,
        }
    }

    fn unreadable(file: String, faults: &[Fault]) -> Self {
        Self {
            scenario: "the file can be read".to_owned(),
            line: None,
            failures: faults.iter().map(ToString::to_string).collect(),
            file,
            is_unreadable: true,
        }
    }

    /// One line for each failure.
    fn lines(&self) -> impl Iterator<Item = String> {
        let line = self.line.map(|line| format!("{line}:")).unwrap_or_default();
        let place = format!("{}:{line}", self.file);
        self.failures.iter().map(move |failure| {
            if self.is_unreadable {
                format!("{place}{failure}\n")
            } else {
                format!("{place} {}: {failure}\n", self.scenario)
            }
        })
    }
}

fn summary(tested: &[TestResult]) -> String {
    let unreadable = tested.iter().filter(|one| one.is_unreadable).count();
    let failed = tested.iter().filter(|one| !one.is_unreadable && !one.failures.is_empty()).count();
    let passed = tested.len() - unreadable - failed;
    let files = if unreadable > 0 { format!(", {unreadable} files are invalid") } else { String::new() };
    format!("{passed} passed, {failed} failed{files}")
}

fn report(tested: &[TestResult]) -> Report {
    let mut report = Report::new("lupa test");
    for of_file in tested.chunk_by(|one, other| one.file == other.file) {
        let mut suite = TestSuite::new(of_file.first().map(|one| one.file.as_str()).unwrap_or_default());
        suite.add_test_cases(of_file.iter().map(|one| {
            let status = if one.failures.is_empty() {
                TestCaseStatus::success()
            } else {
                let kind = if one.is_unreadable { NonSuccessKind::Error } else { NonSuccessKind::Failure };
                let mut status = TestCaseStatus::non_success(kind);
                status.set_message(one.failures.join("\n"));
                status
            };
            TestCase::new(one.scenario.as_str(), status)
        }));
        report.add_test_suite(suite);
    }
    report
}
