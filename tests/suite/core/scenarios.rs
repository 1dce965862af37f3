//! The scenario corpus through the core, and its coverage.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lupa::cli::scenario::{Scenario, ScenarioOutcome, read};
use lupa::clock;
use lupa::policy::rules::CATALOGUE;
use lupa::wire::v1;

use crate::core::generator::coverage::CODES;

/// The refusals besides those of recording and withdrawing.
const OTHER_REFUSALS: [&str; 2] = ["VIEWING_PURPOSE_REQUIRED", "INVALID_ARGUMENT"];

/// The corpus, by file.
pub(crate) fn corpus() -> Vec<(PathBuf, Vec<Scenario>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let scenarios = read(&path, &text, clock::now())
                .unwrap_or_else(|faults| panic!("{}: {faults:#?}", path.display()));
            (path, scenarios)
        })
        .collect()
}

#[test]
fn every_scenario_holds_in_the_core() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (path, scenarios) in corpus() {
        for scenario in scenarios {
            count += 1;
            let differences = scenario.expectation.differences(&scenario.ask_core());
            failures.extend(
                differences
                    .iter()
                    .map(|difference| format!("{}: {}: {difference:?}", path.display(), scenario.name)),
            );
        }
    }
    assert!(failures.is_empty(), "{} failures: {failures:#?}", failures.len());
    assert!(count >= 200, "only {count} scenarios: the corpus has shrunk");
}

#[test]
fn every_rule_reason_detail_obligation_and_refusal_has_a_scenario() {
    let mut shown = BTreeSet::new();
    for (_, scenarios) in corpus() {
        for scenario in scenarios {
            match scenario.ask_core() {
                ScenarioOutcome::Decided(verdicts) => shown.extend(verdicts.iter().flat_map(words)),
                ScenarioOutcome::Refused(code) => {
                    shown.insert(code);
                }
                ScenarioOutcome::Accepted { notices, declarations: _ } => {
                    shown.extend(notices.iter().map(|notice| notice.as_str_name().to_owned()));
                }
            }
        }
    }
    let rules = CATALOGUE.iter().flat_map(|list| list.rules).map(|rule| rule.id);
    let reasons = (1..).map_while(|number| v1::Reason::try_from(number).ok()).map(|one| one.as_str_name());
    let details = (1..).map_while(|number| v1::Detail::try_from(number).ok()).map(|one| one.as_str_name());
    let obligations =
        (1..).map_while(|number| v1::Obligation::try_from(number).ok()).map(|one| one.as_str_name());
    let notices = (1..).map_while(|number| v1::Notice::try_from(number).ok());
    // Scenario files record declarations, not links: `admit/link/tests.rs` of the policy has its tests.
    let notices = notices.filter(|one| *one != v1::Notice::AlreadyLinked).map(|one| one.as_str_name());
    let wanted = rules
        .chain(reasons)
        .chain(details)
        .chain(obligations)
        .chain(notices)
        .chain(CODES)
        .chain(OTHER_REFUSALS);
    let missing: Vec<_> = wanted.filter(|word| !shown.contains(*word)).collect();
    assert!(missing.is_empty(), "write a scenario in tests/scenarios that shows each of {missing:#?}");
}

#[test]
fn every_scenario_cites_its_source() {
    for (path, _) in corpus() {
        let text = fs::read_to_string(&path).unwrap();
        let scenarios = text.matches("\n- name:").count() + text.matches("\n  - name:").count();
        let sources = text.matches("source:").count();
        assert!(sources >= scenarios, "{}: {scenarios} scenarios cite {sources} sources", path.display());
    }
}

fn words(verdict: &v1::Verdict) -> Vec<String> {
    let mut words = vec![verdict.details().rule.clone()];
    words.push(verdict.reason().as_str_name().to_owned());
    words.push(verdict.details().detail().as_str_name().to_owned());
    words.extend(verdict.obligations().map(|one| one.as_str_name().to_owned()));
    words
}
