//! What should come of a scenario, and how what came differs.

use serde::Deserialize;

use crate::wire::v1;

use super::Outcome;

/// What should come of a scenario. What is left out is not compared.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// One a record.
    Verdicts(Vec<ExpectedVerdict>),
    /// Accepted or refused.
    Acceptance(ExpectedAcceptance),
}

/// What a verdict should be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedVerdict {
    effect: Option<v1::Effect>,
    reason: Option<v1::Reason>,
    detail: Option<v1::Detail>,
    rule: Option<String>,
    /// These must be among them.
    #[serde(default)]
    obligations: Vec<v1::Obligation>,
    /// These must not.
    #[serde(default)]
    lacks_obligations: Vec<v1::Obligation>,
    /// These must be among those that decided.
    #[serde(default)]
    declarations: Vec<String>,
    /// These must be among those that the claims lack.
    #[serde(default)]
    missing_conditions: Vec<String>,
    /// The field at fault of an invalid record.
    invalid_field: Option<String>,
}

/// Whether a request should be accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAcceptance {
    accepted: bool,
    code: Option<String>,
    /// These must be among them.
    #[serde(default)]
    notices: Vec<v1::Notice>,
    /// These must not.
    #[serde(default)]
    lacks_notices: Vec<v1::Notice>,
    #[serde(default)]
    contains_declarations: Vec<String>,
    #[serde(default)]
    lacks_declarations: Vec<String>,
}

/// How what came differs from what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The record at this place; none = the whole request.
    pub record: Option<usize>,
    /// What was expected and what came.
    pub message: String,
}

impl Expectation {
    /// Whether it is expected that the request cannot be read.
    pub(super) fn is_of_unreadable(&self) -> bool {
        matches!(self, Self::Acceptance(acceptance) if acceptance.code.as_deref() == Some("INVALID_ARGUMENT"))
    }

    /// How an outcome differs; empty = it does not.
    #[must_use]
    pub fn differences(&self, outcome: &Outcome) -> Vec<Difference> {
        match (self, outcome) {
            (Self::Verdicts(expected), Outcome::Decided(verdicts)) if expected.len() != verdicts.len() => {
                vec![whole(format!("expected {} verdicts, came {}", expected.len(), verdicts.len()))]
            }
            (Self::Verdicts(expected), Outcome::Decided(verdicts)) => {
                let pairs = expected.iter().zip(verdicts).enumerate();
                pairs
                    .filter_map(|(record, (expected, verdict))| expected.difference(record, verdict))
                    .collect()
            }
            (Self::Acceptance(expected), Outcome::Accepted { notices, declarations }) => {
                expected.differences_accepted(notices, declarations)
            }
            (Self::Acceptance(expected), Outcome::Refused(code)) => expected.differences_refused(code),
            (Self::Verdicts(_), Outcome::Refused(code)) => {
                vec![whole(format!("expected verdicts, came {code}"))]
            }
            (Self::Verdicts(_), Outcome::Accepted { .. }) | (Self::Acceptance(_), Outcome::Decided(_)) => {
                vec![whole("what is expected does not go with what is asked".to_owned())]
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
        let mut wrong = Vec::new();
        let mut compare = |what: &str, expected: Option<&str>, came: &str| {
            if let Some(expected) = expected.filter(|expected| *expected != came) {
                wrong.push(format!("{what}: expected {}, came {}", or_none(expected), or_none(came)));
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
        let came: Vec<v1::Obligation> = verdict.obligations().collect();
        wrong.extend(absent("obligation", obligations.iter().map(|one| one.as_str_name()), |one| {
            came.iter().any(|came| came.as_str_name() == one)
        }));
        wrong.extend(present("obligation", lacks_obligations.iter().map(|one| one.as_str_name()), |one| {
            came.iter().any(|came| came.as_str_name() == one)
        }));
        wrong.extend(absent("declaration", declarations.iter().map(String::as_str), |id| {
            verdict.details().declarations.iter().any(|came| came == id)
        }));
        wrong.extend(absent(
            "missing condition",
            missing_conditions.iter().map(String::as_str),
            |condition| verdict.details().missing_conditions.iter().any(|came| came == condition),
        ));
        (!wrong.is_empty()).then(|| Difference { record: Some(record), message: wrong.join("; ") })
    }
}

impl ExpectedAcceptance {
    fn differences_accepted(&self, notices: &[v1::Notice], shown: &[String]) -> Vec<Difference> {
        if !self.accepted {
            return vec![whole(format!(
                "expected {}, was accepted",
                self.code.as_deref().unwrap_or("a refusal")
            ))];
        }
        let has_notice = |name: &str| notices.iter().any(|notice| notice.as_str_name() == name);
        let is_shown = |id: &str| shown.iter().any(|shown| shown == id);
        let mut wrong = absent("notice", self.notices.iter().map(|one| one.as_str_name()), has_notice);
        wrong.extend(present("notice", self.lacks_notices.iter().map(|one| one.as_str_name()), has_notice));
        wrong.extend(absent("declaration", self.contains_declarations.iter().map(String::as_str), is_shown));
        wrong.extend(present("declaration", self.lacks_declarations.iter().map(String::as_str), is_shown));
        wrong.into_iter().map(whole).collect()
    }

    fn differences_refused(&self, code: &str) -> Vec<Difference> {
        if self.accepted {
            return vec![whole(format!("expected to be accepted, came {code}"))];
        }
        match &self.code {
            Some(expected) if expected != code => vec![whole(format!("expected {expected}, came {code}"))],
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
    expected.filter(|one| !has(one)).map(|one| format!("{what} {one}: expected, did not come")).collect()
}

fn present<'a>(
    what: &str,
    unwanted: impl Iterator<Item = &'a str>,
    has: impl Fn(&str) -> bool,
) -> Vec<String> {
    unwanted.filter(|one| has(one)).map(|one| format!("{what} {one}: came, though it should not")).collect()
}
