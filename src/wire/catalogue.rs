//! The rule catalogue, to the wire.

use std::sync::Arc;

use prost::Message;
use sha2::{Digest, Sha256};

use crate::policy::calendar::{Calendar, CalendarDate};
use crate::policy::rules::{CATALOGUE, Period, Rule, RuleList};

use super::directory::text;
use super::v1;
use super::verdict::to_reason;

/// The version of the rule catalogue: changes whenever a rule or a date does.
#[derive(Clone, Debug)]
pub struct CatalogueVersion(Arc<str>);

impl CatalogueVersion {
    /// The version of Lupa, a digest of the rules' sources, and one of the catalogue
    /// and the dates in force, such as `0.1.0-60303ae2-9f86d081`.
    #[must_use]
    pub fn of(calendar: &Calendar) -> Self {
        let mut digest = Sha256::new();
        for rule in to_rules(calendar) {
            digest.update(rule.encode_length_delimited_to_vec());
        }
        // Every date and version, those too that no rule names.
        digest.update(format!("{calendar:?}"));
        let digest = digest.finalize();
        let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let rules: String = env!("RULES_DIGEST").chars().take(8).collect();
        Self(format!("{}-{rules}-{short}", env!("CARGO_PKG_VERSION")).into())
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.0
    }
}

/// Writes every rule, in the order of evaluation.
#[must_use]
pub fn to_rules(calendar: &Calendar) -> Vec<v1::Rule> {
    CATALOGUE.iter().flat_map(|list| list.rules.iter().map(|rule| to_rule(list, rule, calendar))).collect()
}

/// Writes a rule of the catalogue.
pub(super) fn to_rule_of_catalogue(rule: &'static Rule, calendar: &Calendar) -> Option<v1::Rule> {
    let list = CATALOGUE.iter().find(|list| list.rules.iter().any(|of_list| of_list.id == rule.id))?;
    Some(to_rule(list, rule, calendar))
}

fn to_rule(list: &RuleList, rule: &Rule, calendar: &Calendar) -> v1::Rule {
    let Period { from, until } = rule.in_force;
    let day = |date: Option<CalendarDate>| text(date.and_then(|date| calendar.day(date)).as_ref());
    v1::Rule {
        id: rule.id.to_owned(),
        title: rule.title.to_owned(),
        list: list.name.to_owned(),
        sources: rule.sources.iter().map(ToString::to_string).collect(),
        in_force_from: day(from),
        in_force_until: day(until),
        reasons: rule.reasons.iter().map(|reason| to_reason(*reason).into()).collect(),
        dates: rule.dates.iter().map(|date| to_named_date(*date, calendar)).collect(),
    }
}

fn to_named_date(date: CalendarDate, calendar: &Calendar) -> v1::NamedDate {
    v1::NamedDate { name: date.name().to_owned(), date: text(calendar.day(date).as_ref()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written_with_their_lists_and_dates() {
        let rules = to_rules(&Calendar::published());
        assert_eq!(rules.len(), CATALOGUE.iter().map(|list| list.rules.len()).sum::<usize>());
        let rule = rules.iter().find(|rule| rule.id == "xs-local-consent").expect("it is listed");
        let dates = [v1::NamedDate { name: "act_in_force".to_owned(), date: "2021-11-01".to_owned() }];
        assert_eq!((rule.list.as_str(), rule.dates.as_slice()), ("across sectors", dates.as_slice()));
        assert_eq!((rule.in_force_from.as_str(), rule.in_force_until.as_str()), ("", "2027-03-01"));
        let sources = [
            "002 – Consent and denials of consent to data sharing in health care",
            "003 – Consent and denials of consent to data sharing in social welfare services",
        ];
        assert_eq!(rule.sources, sources);
    }
}
