//! The expected outcome of a scenario, and its comparison with the actual one.

use serde::Deserialize;

use crate::wire::v1;

use super::ScenarioOutcome;

/// The expected outcome of a scenario. A field that is left out is not compared.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// One verdict for each record.
    Verdicts(Vec<ExpectedVerdict>),
    /// Acceptance or rejection.
    Acceptance(ExpectedAcceptance),
}

/// The expected verdict of a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedVerdict {
    effect: Option<v1::Effect>,
    reason: Option<v1::Reason>,
    detail: Option<v1::Detail>,
    rule: Option<String>,
    /// Obligations that must be present.
    #[serde(default)]
    obligations: Vec<v1::Obligation>,
    /// Obligations that must be absent.
    #[serde(default)]
    lacks_obligations: Vec<v1::Obligation>,
    /// Declarations that must be among the deciding ones.
    #[serde(default)]
    declarations: Vec<String>,
    /// Conditions that must be among those that the claims lack.
    #[serde(default)]
    missing_conditions: Vec<String>,
    /// The invalid field of an invalid record.
    invalid_field: Option<String>,
}

/// Whether the request is expected to be accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAcceptance {
    accepted: bool,
    code: Option<String>,
    /// Notices that must be present.
    #[serde(default)]
    notices: Vec<v1::Notice>,
    /// Notices that must be absent.
    #[serde(default)]
    lacks_notices: Vec<v1::Notice>,
    #[serde(default)]
    contains_declarations: Vec<String>,
    #[serde(default)]
    lacks_declarations: Vec<String>,
}

/// A difference between the expected and the actual outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The index of the record. None: the whole request.
    pub record: Option<usize>,
    /// The expected and the actual value.
    pub message: String,
}

impl Expectation {
    /// Whether the scenario expects an invalid request.
    pub(super) fn expects_invalid(&self) -> bool {
        matches!(self, Self::Acceptance(acceptance) if acceptance.code.as_deref() == Some("INVALID_ARGUMENT"))
    }

    /// The differences from an outcome. Empty: there are none.
    #[must_use]
    pub fn differences(&self, outcome: &ScenarioOutcome) -> Vec<Difference> {
        match (self, outcome) {
            (Self::Verdicts(expected), ScenarioOutcome::Decided(verdicts))
                if expected.len() != verdicts.len() =>
            {
                vec![whole(format!("expected {} verdicts, got {}", expected.len(), verdicts.len()))]
            }
            (Self::Verdicts(expected), ScenarioOutcome::Decided(verdicts)) => {
                let pairs = expected.iter().zip(verdicts).enumerate();
                pairs
                    .filter_map(|(record, (expected, verdict))| expected.difference(record, verdict))
                    .collect()
            }
            (Self::Acceptance(expected), ScenarioOutcome::Accepted { notices, declarations }) => {
                expected.differences_accepted(notices, declarations)
            }
            (Self::Acceptance(expected), ScenarioOutcome::Refused(code)) => {
                expected.differences_refused(code)
            }
            (Self::Verdicts(_), ScenarioOutcome::Refused(code)) => {
                vec![whole(format!("expected verdicts, got {code}"))]
            }
            (Self::Verdicts(_), ScenarioOutcome::Accepted { .. })
            | (Self::Acceptance(_), ScenarioOutcome::Decided(_)) => {
                vec![whole("the expectation does not fit the kind of request".to_owned())]
            }
        }
    }
}

impl ExpectedVerdict {
    fn difference(&self, record: usize, verdict: &v1::Verdict) -> Option<Difference> {
        let Self {
            effect,
            reason,
            detail,
            rule,
            obligations,
            lacks_obligations,
            declarations,
            missing_conditions,
            invalid_field,
        } = self;
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: Option<&str>, actual: &str| {
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                differences.push(format!("{what}: expected {}, got {}", or_none(expected), or_none(actual)));
            }
        };
        compare("effect", effect.map(|effect| effect.as_str_name()), verdict.effect().as_str_name());
        compare("reason", reason.map(|reason| reason.as_str_name()), verdict.reason().as_str_name());
        compare(
            "detail",
            detail.map(|detail| detail.as_str_name()),
            verdict.details().detail().as_str_name(),
        );
        compare("rule", rule.as_deref(), &verdict.details().rule);
        compare("invalid_field", invalid_field.as_deref(), &verdict.invalid_field);
        let actual: Vec<v1::Obligation> = verdict.obligations().collect();
        differences.extend(absent("obligation", obligations.iter().map(|one| one.as_str_name()), |one| {
            actual.iter().any(|actual| actual.as_str_name() == one)
        }));
        differences.extend(present(
            "obligation",
            lacks_obligations.iter().map(|one| one.as_str_name()),
            |one| actual.iter().any(|actual| actual.as_str_name() == one),
        ));
        differences.extend(absent("declaration", declarations.iter().map(String::as_str), |id| {
            verdict.details().declarations.iter().any(|actual| actual == id)
        }));
        differences.extend(absent(
            "missing condition",
            missing_conditions.iter().map(String::as_str),
            |condition| verdict.details().missing_conditions.iter().any(|actual| actual == condition),
        ));
        (!differences.is_empty())
            .then(|| Difference { record: Some(record), message: differences.join("; ") })
    }
}

impl ExpectedAcceptance {
    fn differences_accepted(&self, notices: &[v1::Notice], shown: &[String]) -> Vec<Difference> {
        if !self.accepted {
            return vec![whole(format!(
                "expected {}, but it was accepted",
                self.code.as_deref().unwrap_or("a rejection")
            ))];
        }
        let has_notice = |name: &str| notices.iter().any(|notice| notice.as_str_name() == name);
        let is_shown = |id: &str| shown.iter().any(|shown| shown == id);
        let mut differences = absent("notice", self.notices.iter().map(|one| one.as_str_name()), has_notice);
        differences.extend(present(
            "notice",
            self.lacks_notices.iter().map(|one| one.as_str_name()),
            has_notice,
        ));
        differences.extend(absent(
            "declaration",
            self.contains_declarations.iter().map(String::as_str),
            is_shown,
        ));
        differences.extend(present(
            "declaration",
            self.lacks_declarations.iter().map(String::as_str),
            is_shown,
        ));
        differences.into_iter().map(whole).collect()
    }

    fn differences_refused(&self, code: &str) -> Vec<Difference> {
        if self.accepted {
            return vec![whole(format!("expected to be accepted, got {code}"))];
        }
        match &self.code {
            Some(expected) if expected != code => vec![whole(format!("expected {expected}, got {code}"))],
            _ => Vec::new(),
        }
    }
}

fn whole(message: String) -> Difference {
    Difference { record: None, message }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn absent<'a>(
    what: &str,
    expected: impl Iterator<Item = &'a str>,
    has: impl Fn(&str) -> bool,
) -> Vec<String> {
    expected.filter(|one| !has(one)).map(|one| format!("{what} {one}: expected, but absent")).collect()
}

fn present<'a>(
    what: &str,
    unwanted: impl Iterator<Item = &'a str>,
    has: impl Fn(&str) -> bool,
) -> Vec<String> {
    unwanted.filter(|one| has(one)).map(|one| format!("{what} {one}: present, but must be absent")).collect()
}
