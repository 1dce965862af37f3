//! The same walk as `decide`, keeping every step.

use super::decide::Question;
use super::request::Record;
use super::rules::{EVERYONE, Rule, UNKNOWN_REGISTER};
use super::verdict::Verdict;

/// What was looked at for one record, in order, and the answer.
#[derive(Debug)]
pub struct Explanation {
    /// As [`Question::decide`] answers.
    pub verdict: Verdict,
    /// Each rule of the lists that apply; none for an invalid record.
    pub steps: Vec<Step>,
}

/// What became of one rule.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The rule.
    pub rule: &'static Rule,
    /// What it found.
    pub outcome: Outcome,
}

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is not in force on the day.
    NotInForce,
    /// It did not speak.
    Silent,
    /// It decided.
    Decided,
    /// An earlier one decided.
    NotReached,
}

impl Question<'_, '_> {
    /// The answer for one record with every rule that was looked at.
    #[must_use]
    pub fn explain(&self, record: &Record<'_>) -> Explanation {
        let verdict = self.decide(record);
        let Some(decided) = verdict.rule else {
            return Explanation { verdict, steps: Vec::new() };
        };
        let list = self.list(record);
        let rules = EVERYONE.rules.iter().chain(list.map(|list| list.rules).unwrap_or_default());
        let mut has_decided = false;
        let steps = rules
            .map(|rule| {
                let outcome = if has_decided {
                    Outcome::NotReached
                } else if std::ptr::eq(*rule, decided) {
                    has_decided = true;
                    Outcome::Decided
                } else if self.is_in_force(rule) {
                    Outcome::Silent
                } else {
                    Outcome::NotInForce
                };
                Step { rule, outcome }
            })
            .collect();
        debug_assert!(has_decided || std::ptr::eq(decided, &UNKNOWN_REGISTER), "a rule of the lists decides");
        Explanation { verdict, steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::calendar::Calendar;
    use crate::policy::printout::samples::*;
    use crate::policy::request::RecordKind;

    /// What became of the two rules of a consent to the other sector, within
    /// one county and outside Kanta, where the client has declared nothing.
    fn outcomes_on(day: &str) -> Vec<(&'static str, Outcome)> {
        let situation = situation(COUNTY_HEALTHCARE);
        let record = record(COUNTY_SOCIAL_WELFARE, RecordKind::ClientDocument);
        let (directory, calendar) = (directory(""), Calendar::published());
        let question = Question::new(&situation, [], &directory, &calendar, noon(day));
        let steps = question.explain(&record).steps.into_iter().map(|step| (step.rule.id, step.outcome));
        steps.filter(|(id, _)| ["xs-local-consent", "xs-consent"].contains(id)).collect()
    }

    #[test]
    fn a_rule_that_is_not_in_force_is_told_from_a_silent_one() {
        let (silent, not_in_force) = (Outcome::Silent, Outcome::NotInForce);
        for (day, local, across) in
            [("2027-02-28", silent, not_in_force), ("2027-03-01", not_in_force, silent)]
        {
            assert_eq!(outcomes_on(day), [("xs-local-consent", local), ("xs-consent", across)], "{day}");
        }
    }
}
