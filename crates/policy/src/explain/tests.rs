//! The steps and sentences of explanations, and the days of change.

use super::super::declaration::{Allocation, ConsentKind, DataKind, DenialSector, Recipient, Scope};
use super::super::request::{Channel, RecordKind};
use super::super::rules::FactValue;
use super::*;
use crate::samples::*;

/// The outcomes of the two rules of a consent to the other sector, within one
/// county and outside Kanta, for a client without declarations.
fn outcomes_on(day: &str) -> Vec<(&'static str, Outcome)> {
    let situation = situation(COUNTY_HEALTHCARE);
    let record = record(COUNTY_SOCIAL_WELFARE, RecordKind::ClientDocument);
    let (directory, calendar) = (directory(""), Calendar::published());
    let question =
        World { directory: &directory, calendar: &calendar, now: noon(day) }.question(&situation, []);
    let steps = question.explain(&record).steps.into_iter().map(|step| (step.rule.id, step.outcome));
    steps.filter(|(id, _)| ["xs-local-consent", "xs-consent"].contains(id)).collect()
}

#[test]
fn a_rule_that_is_not_in_force_differs_from_one_that_passed() {
    let (passed, not_in_force) = (Outcome::Passed, Outcome::NotInForce);
    for (day, local, across) in [("2027-02-28", passed, not_in_force), ("2027-03-01", not_in_force, passed)] {
        assert_eq!(outcomes_on(day), [("xs-local-consent", local), ("xs-consent", across)], "{day}");
    }
}

fn account_of(
    rule: &str,
    situation: &Situation<'_>,
    declarations: &ClientDeclarations,
    record: &Record<'_>,
    day: &str,
) -> Account {
    let (directory, calendar) = (directory("Esimerkki Oy"), Calendar::published());
    let question = World { directory: &directory, calendar: &calendar, now: noon(day) }
        .question(situation, Facts::all(declarations));
    let steps = question.explain(record).steps;
    steps.into_iter().find(|step| step.rule.id == rule).expect("a step of the rule").account
}

fn value(account: &Account, key: &str) -> FactValue {
    account.facts.iter().find(|fact| fact.key == key).expect("such a fact").value.clone()
}

#[test]
fn the_consent_considered_is_named_with_the_dimension_that_misses() {
    let allocation = |recipients, data| Allocation { recipients, data, ..unlimited() };
    let kind = || ConsentKind::PatientDataToSocialWelfare;
    for (allocation, dimension, sentence) in [
        (
            allocation(vec![Recipient::Organisation(oid(PRIVATE))], vec![]),
            "RECIPIENT",
            "The client gave the consent PATIENT_DATA_TO_SOCIAL_WELFARE on 2024-01-02; it is limited to \
             recipients 1.2.246.10.99999999.101.0, which do not include Mallilan hyvinvointialue \
             (1.2.246.10.99999999.8.0), or are not offered.",
        ),
        (
            allocation(vec![], vec![DataKind::PatientSummary]),
            "DATA",
            "The client gave the consent PATIENT_DATA_TO_SOCIAL_WELFARE on 2024-01-02; it covers data \
             PATIENT_SUMMARY, and the record is of kind STATEMENT_OR_CERTIFICATE.",
        ),
    ] {
        let declarations =
            [information("informed", "2024-01-01"), allocated("consent", "2024-01-02", kind(), allocation)];
        let record = record(COUNTY_HEALTHCARE, RecordKind::Patient(DataKind::StatementOrCertificate));
        let situation = situation(COUNTY_SOCIAL_WELFARE);
        let account = account_of("xs-consent", &situation, &declarations, &record, "2027-03-01");
        assert_eq!(value(&account, "consent.misses"), FactValue::Text(dimension.to_owned()));
        assert_eq!(value(&account, "consent"), FactValue::Declaration(1));
        assert_eq!(account.sentence(), sentence);
    }
}

#[test]
fn the_denial_that_covers_is_named_by_its_scope_and_the_others_say_why_they_do_not() {
    let denied = |name, scope| denial(name, "2024-01-02", DenialSector::Healthcare, scope);
    let declarations = [
        denied("other", Scope::ServiceEvent(id("event-2"))),
        denied("register", Scope::Register(oid(COUNTY_HEALTHCARE))),
        denial("social", "2024-01-02", DenialSector::SocialWelfare, Scope::Document(id("document-1"))),
    ];
    let record = record(COUNTY_HEALTHCARE, RecordKind::Patient(DataKind::PatientSummary));
    let account =
        account_of("hc-denied", &situation(COUNTY_OCCUPATIONAL), &declarations, &record, "2026-02-01");
    assert_eq!(value(&account, "denial.covers"), FactValue::Declaration(1));
    assert_eq!(value(&account, "denial.does_not_cover"), FactValue::Declaration(0));
    assert_eq!(
        account.sentence(),
        "A denial of REGISTER 1.2.246.10.99999999.8.1 covers the record; the denial of SERVICE_EVENT \
         event-2 is about other data; the request makes no claim of an emergency."
    );
}

#[test]
fn a_rule_that_passed_says_which_register_joined_when() {
    let situation = Situation { channel: Channel::Kanta, ..situation(COUNTY_OCCUPATIONAL) };
    let record = record(COUNTY_HEALTHCARE, RecordKind::Patient(DataKind::PatientSummary));
    let account = account_of("hc-not-open", &situation, &[], &record, "2026-02-01");
    assert_eq!(value(&account, "holder.joined_kanta_on"), FactValue::None);
    assert_eq!(
        account.sentence(),
        "The directory has no day on which the requester's register Työterveyshuollon rekisteri \
         (1.2.246.10.99999999.8.2) joined Kanta; the directory has no day on which the holder's register \
         Terveydenhuollon rekisteri (1.2.246.10.99999999.8.1) joined Kanta."
    );
}

/// Day by day, the answers change on the days returned, and on no others.
#[test]
fn the_days_on_which_the_answer_changes_are_returned() {
    let declarations = [
        information("informed", "2024-01-01"),
        consent("across", "2024-01-02", ConsentKind::ClientDataToHealthcare),
        consent("local", "2024-01-02", ConsentKind::LocalCrossSector { controller: oid(COUNTY) }),
    ];
    let situation = situation(COUNTY_HEALTHCARE);
    let record = record(COUNTY_SOCIAL_WELFARE, RecordKind::ClientDocument);
    let (directory, calendar) = (directory(""), Calendar::published());
    let now = noon("2026-02-01");
    let next = next_answers(
        &situation,
        &situation.client,
        &declarations,
        &directory,
        &calendar,
        now,
        &record,
        || false,
    );
    let returned: Vec<_> = next
        .iter()
        .map(|next| (next.from.to_string(), next.verdict.rule.map(RuleId::as_str).unwrap_or_default()))
        .collect();
    assert_eq!(returned, [("2027-03-01".to_owned(), "xs-consent")]);

    let mut day = Day::of(now);
    let mut last = None;
    let mut changes = Vec::new();
    while day < Day::parse("2029-01-01").expect("a day") {
        let question = World { directory: &directory, calendar: &calendar, now: day.start() }
            .question(&situation, Facts::all(&declarations));
        let rule = question.decide(&record).rule.map(RuleId::as_str);
        if last.is_some_and(|last| last != rule) {
            changes.push((day.to_string(), rule.unwrap_or_default()));
        }
        last = Some(rule);
        day = day.next().expect("a day");
    }
    assert_eq!(changes, returned);
}
