//! Differential test: the core compared with the reference evaluator on generated cases.
//! Wrong permits and wrong denials are counted separately.

pub(crate) mod linked;

use chrono::TimeDelta;
use lupa::policy::admit::{Admitted, PersonRecords, admit, admit_withdrawal};
use lupa::policy::day::Day;
use lupa::policy::facts::Facts;
use lupa::policy::refusal::Refusal;
use lupa::policy::{Question, World};
use lupa::wire::v1::{self, Effect};
use lupa::wire::verdict::{Disclosure, id_among, to_verdict};
use lupa::wire::{client, decision, declaration, directory};

use crate::core::evaluate::{cases, terms, to_core, verdicts};
use crate::core::generator::{Case, RecordingCase, RecordingRequest, births, case, recording_case};
use crate::core::reference::{self, Answer};

/// Number of cases.
const CASES: u64 = 100_000;

#[test]
fn decisions_agree_with_the_reference() {
    let mut differences = Differences::default();
    for seed in 0..cases(CASES) {
        let case = case(seed);
        differences.add(seed, &case, &verdicts(&case, Disclosure::Detailed));
    }
    differences.assert_none();
}

#[test]
fn recordings_agree_with_the_reference() {
    let mut differences = Vec::new();
    for seed in 0..cases(CASES) {
        let (expected, found) = recording(&recording_case(seed));
        if expected != found {
            differences.push(format!("seed {seed}: expected {expected:?}, found {found:?}"));
        }
    }
    let shown: Vec<_> = differences.iter().take(20).collect();
    assert!(differences.is_empty(), "{} differences, the first: {shown:#?}", differences.len());
}

/// An identity code with a date of birth after tomorrow is refused.
#[test]
fn unborn_clients_agree_with_the_reference() {
    for (message, birth) in births() {
        let client = client::client_of(Some(&message)).expect("a client");
        for days in -3..=1 {
            let today = birth + TimeDelta::days(days);
            let core_today = Day::parse(&today.to_string()).expect("a day");
            let expected = reference::is_unborn(&message, today);
            assert_eq!(client.is_born_by_tomorrow(core_today), !expected, "{message:?} on {today}");
        }
    }
}

/// The residual cached for a register changes no answer.
#[test]
fn verdict_does_not_depend_on_other_records() {
    for seed in 0..cases(CASES / 50) {
        let Case { directory: given, calendar, declarations, mut request, at } = case(seed);
        let directory = directory::directory(&given).expect("a directory");
        let stored = declaration::stored_declarations("declarations", &declarations).expect("declarations");
        let calendar = to_core(&calendar);
        // Each record as if held in each register in turn, and in an unknown one.
        let registers = given.registers.iter().map(|register| register.oid.as_str()).chain(["1.2.3"]);
        let asked = std::mem::take(&mut request.records);
        request.records = registers
            .flat_map(|register| asked.iter().map(move |record| (register.to_owned(), record.clone())))
            .map(|(register, record)| v1::Record { register, ..record })
            .collect();
        let situation = decision::situation(&request).expect("a situation");
        let ask = || {
            World { directory: &directory, calendar: &calendar, now: at }
                .question(&situation, Facts::all(&stored))
        };
        let told = |question: &Question<'_, '_>, record: &v1::Record| {
            let verdict = question.decide_read(decision::record(record));
            to_verdict(&verdict, Disclosure::Detailed, id_among(&stored))
        };
        let together = ask();
        for record in request.records.iter().chain(request.records.iter().rev()) {
            assert_eq!(told(&together, record), told(&ask(), record), "seed {seed}");
        }
    }
}

#[derive(Default)]
pub(crate) struct Differences {
    wrong_permits: Vec<String>,
    wrong_denials: Vec<String>,
    others: Vec<String>,
}

impl Differences {
    /// Compares the verdicts with those of the reference.
    pub(crate) fn add(&mut self, seed: u64, case: &Case, found: &[v1::Verdict]) {
        let Case { directory, calendar, declarations, request, at } = case;
        assert_eq!(request.records.len(), found.len(), "seed {seed}");
        for (record, found) in request.records.iter().zip(found) {
            let expected = reference::decide(directory, calendar, declarations, request, record, *at);
            let found = answer(found);
            let expected = (expected.rule.to_owned(), expected);
            if found == expected {
                continue;
            }
            let difference = format!("seed {seed}: expected {expected:?}, found {found:?}");
            match (expected.1.effect, found.1.effect) {
                (Effect::Deny, Effect::Permit) => self.wrong_permits.push(difference),
                (Effect::Permit, Effect::Deny) => self.wrong_denials.push(difference),
                (_, _) => self.others.push(difference),
            }
        }
    }

    pub(crate) fn assert_none(&self) {
        let Self { wrong_permits, wrong_denials, others } = self;
        let counts = (wrong_permits.len(), wrong_denials.len(), others.len());
        let shown: Vec<_> =
            [wrong_permits, wrong_denials, others].into_iter().flat_map(|list| list.iter().take(8)).collect();
        assert_eq!(counts, (0, 0, 0), "wrong permits, wrong denials, others; the first: {shown:#?}");
    }
}

/// A verdict in the types of the reference, with the id of its rule.
fn answer(verdict: &v1::Verdict) -> (String, Answer) {
    let mut obligations: Vec<_> = verdict.obligations().collect();
    obligations.sort_by_key(|obligation| i32::from(*obligation));
    let answer = Answer {
        effect: verdict.effect(),
        reason: verdict.reason(),
        detail: verdict.details().detail(),
        rule: reference_rule(&verdict.details().rule),
        obligations,
    };
    (verdict.details().rule.clone(), answer)
}

/// The id of the rule in the catalogue, so that whole answers can be compared.
fn reference_rule(id: &str) -> &'static str {
    let rules = lupa::policy::rules::CATALOGUE.iter().flat_map(|list| list.rules);
    rules.map(|rule| rule.id).find(|known| *known == id).unwrap_or("")
}

type Recorded = Result<Vec<v1::Notice>, String>;

/// The outcomes of a recording, by the reference and by the core.
fn recording(case: &RecordingCase) -> (Recorded, Recorded) {
    let RecordingCase { directory: given, calendar, declarations, request, at } = case;
    let directory = directory::directory(given).expect("a directory");
    let stored = declaration::stored_declarations("declarations", declarations).expect("declarations");
    let core_calendar = to_core(calendar);
    let terms = terms(&directory, &core_calendar);
    let (expected, found) = match request {
        RecordingRequest::Record(message) => {
            let (submission, _) = declaration::submission(message).expect("a submission");
            (
                reference::admit(given, calendar, declarations, message, *at),
                admit(&submission, PersonRecords::of_one(&submission.client, &stored), terms, *at),
            )
        }
        RecordingRequest::Withdraw(message) => {
            let (submission, _) = declaration::withdrawal(message).expect("a withdrawal");
            (
                reference::admit_withdrawal(given, calendar, declarations, message, *at),
                admit_withdrawal(&submission, PersonRecords::of_one(&submission.client, &stored), terms, *at),
            )
        }
    };
    (expected.map_err(str::to_owned), in_wire_words(found))
}

fn in_wire_words(found: Result<Admitted, Refusal>) -> Recorded {
    match found {
        Ok(admitted) => Ok(admitted.notices.into_iter().map(declaration::to_notice).collect()),
        Err(Refusal::DeclarationUnknown) => Err("NOT_FOUND".to_owned()),
        Err(refusal) => Err(refusal.code().to_owned()),
    }
}
