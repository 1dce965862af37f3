//! Persons under several codes: the store, the index and the core together, compared with the
//! reference evaluator.

use lupa::index::Snapshot;
use lupa::policy::World;
use lupa::policy::history::HistoryEntry;
use lupa::wire::v1::history_line::Entry;
use lupa::wire::v1::{self, ClientId, HistoryLine};
use lupa::wire::verdict::{Disclosure, to_verdict};
use lupa::wire::{client, decision, directory, history};

use super::{CASES, Differences};
use crate::core::evaluate::{cases, to_core};
use crate::core::generator::{Case, Linked, linked};
use crate::core::reference::LinkedRegister;
use crate::fixtures::imported::Imported;

/// Of this number of cases, one is a person under several codes.
const PERSON_OF: u64 = 25;

/// Number of persons in one store, for which the generator makes different codes.
const PERSONS: u64 = 100;

/// Of this number of verdicts, links must change one at least: otherwise the test is blind.
const ONE_OF: usize = 8;

/// Everything that is recorded, as lines of history.
pub(crate) fn entries(register: &LinkedRegister) -> Vec<HistoryEntry> {
    let LinkedRegister { declarations, withdrawals, links } = register;
    let declarations = declarations.iter().cloned();
    let declarations = declarations.map(|(client, stored)| (Some(client), Entry::Declaration(stored)));
    let withdrawals = withdrawals.iter().cloned();
    let withdrawals = withdrawals.map(|(client, one)| (Some(client), Entry::Withdrawal(one)));
    let links = links.iter().cloned().map(|link| (None, Entry::Link(link)));
    let lines = declarations.chain(withdrawals).chain(links);
    // Some are recorded after the decision.
    let now = "2200-01-01T00:00:00Z".parse().expect("an instant");
    let entry = |(client, entry)| {
        history::history_entry(&HistoryLine { client, entry: Some(entry) }, now).expect("an entry")
    };
    lines.map(entry).collect()
}

/// The verdicts of a case by the declarations of a snapshot, under a code.
pub(crate) fn verdicts(snapshot: &Snapshot, case: &Case, code: &ClientId) -> Vec<v1::Verdict> {
    let Case { directory, calendar, declarations: _, request, at } = case;
    let request = v1::DecideRequest { client: Some(code.clone()), ..request.clone() };
    let directory = directory::directory(directory).expect("a directory");
    let calendar = to_core(calendar);
    let situation = decision::situation(&request).expect("a situation");
    let declarations = snapshot.declarations(&situation.client);
    let question =
        declarations.question(World { directory: &directory, calendar: &calendar, now: *at }, &situation);
    let verdict = |record| {
        let verdict = question.decide_read(decision::record(record));
        to_verdict(&verdict, Disclosure::Detailed, |place| declarations.id(place))
    };
    request.records.iter().map(verdict).collect()
}

#[tokio::test]
async fn decisions_about_linked_codes_agree_with_the_reference() {
    let mut differences = Differences::default();
    let (mut verdicts_count, mut changed_count) = (0, 0);
    let seeds: Vec<u64> = (0..cases(CASES) / PERSON_OF).collect();
    for seeds in seeds.chunks(usize::try_from(PERSONS).expect("a number")) {
        let persons: Vec<(u64, Linked)> = seeds.iter().map(|seed| (*seed, linked(*seed))).collect();
        let history = persons.iter().flat_map(|(_, linked)| entries(&linked.register)).collect();
        let imported = Imported::start(history).await;
        let snapshot = imported.snapshot().await;
        for (seed, Linked { case, codes, register }) in &persons {
            let alone = LinkedRegister { links: Vec::new(), ..register.clone() };
            for code in codes {
                let person = register.person(code);
                let read = snapshot.person(&client::client_of(Some(code)).expect("a client"));
                let known = read.map(|person| (person.codes.len(), client::to_client(&person.current)));
                let is_linked = person.codes.len() > 1;
                assert_eq!(
                    known,
                    is_linked.then(|| (person.codes.len(), person.current.clone())),
                    "seed {seed}"
                );
                let found = verdicts(&snapshot, case, code);
                let mut expected = case.clone();
                expected.request.client = Some(person.current);
                expected.declarations = person.declarations;
                differences.add(*seed, &expected, &found);
                expected.request.client = Some(code.clone());
                expected.declarations = alone.person(code).declarations;
                verdicts_count += found.len();
                changed_count += differing(&expected, &found);
            }
        }
    }
    differences.assert_none();
    println!("links change {changed_count} of {verdicts_count} verdicts");
    assert!(changed_count * ONE_OF >= verdicts_count, "{changed_count} of {verdicts_count} verdicts differ");
}

/// The number of verdicts that differ from those of the reference.
fn differing(case: &Case, found: &[v1::Verdict]) -> usize {
    let mut differences = Differences::default();
    differences.add(0, case, found);
    let Differences { wrong_permits, wrong_denials, others } = differences;
    wrong_permits.len() + wrong_denials.len() + others.len()
}
