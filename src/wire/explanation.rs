//! An explanation, to the wire.

use crate::policy::calendar::Calendar;
use crate::policy::explain::{NextAnswer, Outcome, Step};
use crate::policy::rules::{Fact, FactValue};
use crate::policy::verdict::RuleId;

use super::catalogue::to_rule_of_catalogue;
use super::v1;
use super::verdict::{to_detail, to_effect, to_reason};

/// Writes what a rule found. `id_of` gives the id of the declaration at a place.
pub fn to_explained<'i>(
    step: &Step,
    calendar: &Calendar,
    id_of: impl Fn(u32) -> Option<&'i str>,
) -> Option<v1::ExplainedRule> {
    let Step { rule, outcome, account } = step;
    let (finding, effect) = match outcome {
        Outcome::NotInForce => (v1::Finding::NotInForce, v1::Effect::Unspecified),
        Outcome::Passed => (v1::Finding::Silent, v1::Effect::Unspecified),
        Outcome::Decided(effect) => (v1::Finding::Decided, to_effect(*effect)),
        Outcome::NotReached => (v1::Finding::NotReached, v1::Effect::Unspecified),
    };
    Some(v1::ExplainedRule {
        rule: Some(to_rule_of_catalogue(rule, calendar)?),
        finding: finding.into(),
        explanation: account.sentence(),
        effect: effect.into(),
        facts: account.facts.iter().map(|fact| to_fact(fact, &id_of)).collect(),
    })
}

fn to_fact<'i>(fact: &Fact, id_of: &impl Fn(u32) -> Option<&'i str>) -> v1::Fact {
    let Fact { key, value } = fact;
    let value = match value {
        FactValue::None => NONE.to_owned(),
        FactValue::Text(text) => text.clone(),
        FactValue::Day(day) => day.to_string(),
        FactValue::Flag(flag) => flag.to_string(),
        FactValue::Declaration(place) => id_of(*place).unwrap_or(NONE).to_owned(),
    };
    v1::Fact { key: (*key).to_owned(), value }
}

/// Stands for what there is none of.
const NONE: &str = "none";

/// Writes an answer that will be given from a day on.
#[must_use]
pub fn to_next(next: &NextAnswer) -> v1::NextAnswer {
    let NextAnswer { from, verdict } = next;
    let rule = verdict.rule.map(RuleId::as_str).unwrap_or_default();
    let (effect, reason) = (to_effect(verdict.effect()), to_reason(verdict.reason));
    let detail = verdict.detail.map_or(v1::Detail::Unspecified, to_detail);
    let name = |name: &str, prefix: &str| name.strip_prefix(prefix).unwrap_or(name).to_owned();
    let mut explanation = format!(
        "From {from} this would be decided by {rule}: {} {}",
        name(effect.as_str_name(), "EFFECT_"),
        name(reason.as_str_name(), "REASON_"),
    );
    if detail != v1::Detail::Unspecified {
        explanation.push_str(&format!(" ({})", name(detail.as_str_name(), "DETAIL_")));
    }
    explanation.push('.');
    v1::NextAnswer {
        from: from.to_string(),
        rule: rule.to_owned(),
        effect: effect.into(),
        reason: reason.into(),
        detail: detail.into(),
        explanation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::{Account, CATALOGUE, Rule};
    use crate::policy::samples::*;
    use crate::policy::verdict::Effect;

    #[test]
    fn what_a_rule_found_is_written_with_its_effect_and_facts() {
        let calendar = Calendar::published();
        let rule: &'static Rule = CATALOGUE.iter().find_map(|list| list.rules.last()).expect("a rule");
        let mut account = Account::default();
        account.facts = vec![
            Fact { key: "consent", value: FactValue::Declaration(1) },
            Fact { key: "consent.given_on", value: FactValue::None },
        ];
        for (outcome, finding, effect) in [
            (Outcome::NotInForce, v1::Finding::NotInForce, v1::Effect::Unspecified),
            (Outcome::Passed, v1::Finding::Silent, v1::Effect::Unspecified),
            (Outcome::Decided(Effect::Permit), v1::Finding::Decided, v1::Effect::Permit),
            (Outcome::Decided(Effect::Deny), v1::Finding::Decided, v1::Effect::Deny),
            (Outcome::NotReached, v1::Finding::NotReached, v1::Effect::Unspecified),
        ] {
            let step = Step { rule, outcome, account: account.clone() };
            let id_of = |place| ["first", "second"].get(place as usize).copied();
            let written = to_explained(&step, &calendar, id_of).expect("it is of the catalogue");
            assert_eq!((written.finding(), written.effect()), (finding, effect));
            assert_eq!(written.rule.expect("a rule").id, rule.id);
            let facts: Vec<_> = written.facts.iter().map(|fact| (&*fact.key, &*fact.value)).collect();
            assert_eq!(facts, [("consent", "second"), ("consent.given_on", "none")]);
        }
    }

    #[test]
    fn an_answer_to_come_is_written_in_a_sentence() {
        use crate::policy::Question;
        use crate::policy::request::RecordKind;

        let situation = situation(COUNTY_HEALTHCARE);
        let record = record(COUNTY_SOCIAL_WELFARE, RecordKind::ClientDocument);
        let (directory, calendar) = (directory(""), Calendar::published());
        let from = crate::policy::day::Day::parse("2027-03-01").expect("a day");
        let verdict = Question::new(&situation, [], &directory, &calendar, from.start()).decide(&record);
        let next = to_next(&NextAnswer { from, verdict });
        assert_eq!(
            next.explanation,
            "From 2027-03-01 this would be decided by xs-no-basis: DENY NOT_SHAREABLE (INFORMATION_MISSING)."
        );
        assert_eq!((next.from.as_str(), next.rule.as_str()), ("2027-03-01", "xs-no-basis"));
    }
}
