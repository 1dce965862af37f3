//! Properties of whole small populations.

use chrono::TimeDelta;
use std::collections::{HashMap, HashSet};

use super::*;
use lupa::policy::admit::{PersonRecords, Submission, Terms, WithdrawalSubmission, admit, admit_withdrawal};
use lupa::policy::calendar::Calendar;
use lupa::policy::declaration::{Content, Declaration, Role, Scope, Withdrawal};
use lupa::policy::oid::OpaqueId;

fn population(clients: u64, declarations: u64, seed: u64) -> Population {
    let until = "2026-11-01T00:00:00Z".parse().expect("an instant");
    Population::new(PopulationSize { clients, declarations, seed, until }).expect("a population")
}

#[test]
fn a_seed_determines_the_population() {
    let changes = |seed| -> Vec<String> {
        population(200, 700, seed)
            .changes()
            .map(|change| format!("{} {change:?}", change.client.extension()))
            .collect()
    };
    assert_eq!(changes(1), changes(1));
    assert_ne!(changes(1), changes(2));
}

#[test]
fn it_has_the_requested_size_and_is_in_order_of_time() {
    let population = population(3_000, 9_120, 5);
    let changes: Vec<_> = population.changes().collect();
    let clients: HashSet<_> = changes.iter().map(|change| change.client.clone()).collect();
    assert_eq!(clients.len(), 3_000);
    let declared = changes.iter().filter(|change| matches!(change.act, Act::Declares(_))).count();
    assert_eq!(declared, 9_120);
    assert!(changes.is_sorted_by_key(|change| change.recorded_at));
    assert!(changes.first().is_some_and(|first| first.recorded_at >= population.starts_at()));
    assert!(changes.last().is_some_and(|last| last.recorded_at < population.size.until));
}

#[test]
fn a_history_equals_the_changes_of_its_client() {
    let population = population(300, 1_200, 9);
    let mut declared: HashMap<ClientId, Vec<(Instant, Content)>> = HashMap::new();
    for change in population.changes() {
        if let Act::Declares(stated) = change.act {
            declared.entry(change.client).or_default().push((change.recorded_at, stated.content));
        }
    }
    for number in 0..population.clients() {
        let history = population.history(number).map(|(at, stated, _)| (at, stated.content));
        let client = population.client(number).expect("a client");
        assert_eq!(declared.remove(&client), Some(history.collect()), "{number}");
    }
    assert!(declared.is_empty());
}

#[test]
fn the_policy_admits_every_change_at_its_time() {
    let calendar = Calendar::published();
    let population = population(4_000, 14_000, 11);
    let directory = population.directory();
    let terms = Terms {
        directory,
        calendar: &calendar,
        clock_ahead_max: TimeDelta::zero(),
        declarations_max: usize::MAX,
    };
    let mut stored: HashMap<ClientId, Vec<Declaration>> = HashMap::new();
    for (place, Change { recorded_at, client, act }) in population.changes().enumerate() {
        let id = |place: u64| OpaqueId::parse(format!("{place}")).expect("an id");
        let of_client = stored.entry(client.clone()).or_default();
        match act {
            Act::Declares(Stated { content, given_at, declarer, recorded_by }) => {
                let submission = Submission {
                    client,
                    content: content.clone(),
                    given_at: Some(given_at),
                    declarer: declarer.clone(),
                    recorded_by: recorded_by.clone(),
                    label: None,
                };
                let admitted = admit(
                    &submission,
                    PersonRecords::of_one(&submission.client, of_client),
                    terms,
                    recorded_at,
                );
                assert!(admitted.is_ok(), "{admitted:?} {submission:?} {recorded_at}");
                of_client.push(Declaration {
                    id: id(place as u64),
                    content,
                    given_at,
                    recorded_at,
                    withdrawal: None,
                    declarer: Some(declarer),
                    recorded_by: Some(recorded_by),
                    label: None,
                });
            }
            Act::Withdraws { declared_as, by, recorded_by } => {
                let submission = WithdrawalSubmission {
                    client,
                    declaration: id(declared_as),
                    given_at: None,
                    declarer: by.clone(),
                    recorded_by,
                };
                let admitted = admit_withdrawal(
                    &submission,
                    PersonRecords::of_one(&submission.client, of_client),
                    terms,
                    recorded_at,
                );
                assert!(admitted.is_ok(), "{admitted:?} {submission:?} {recorded_at}");
                let withdrawn = of_client.iter_mut().find(|one| one.id == id(declared_as));
                withdrawn.expect("a declaration").withdrawal =
                    Some(Withdrawal { recorded_at, given_at: recorded_at, by: Some(by) });
            }
        }
    }
}

#[test]
fn the_mix_is_as_documented() {
    let population = population(100_000, 304_000, 1);
    let (mut informed, mut denials, mut consents, mut withdrawn, mut by_guardian, mut extensive) =
        (HashSet::new(), 0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    for Change { client, act, .. } in population.changes() {
        match act {
            Act::Declares(stated) => {
                by_guardian += u32::from(stated.declarer.role == Role::Guardian);
                match stated.content {
                    Content::Information(_) => drop(informed.insert(client)),
                    Content::Consent(_) => consents += 1,
                    Content::Denial(denial) => {
                        denials += 1;
                        extensive += u32::from(denial.scope == Scope::Extensive);
                    }
                    Content::Unreadable(_) => panic!("nothing is unreadable"),
                }
            }
            Act::Withdraws { .. } => withdrawn += 1,
        }
    }
    println!(
        "{} informed, {denials} denials, {consents} consents, {withdrawn} withdrawn, {by_guardian} by guardians",
        informed.len()
    );
    assert!((94_000..96_000).contains(&informed.len()), "{}", informed.len());
    assert!((9_000..12_500).contains(&denials), "{denials}");
    assert!(consents > 120_000, "{consents}");
    assert!((consents / 13..consents / 8).contains(&withdrawn), "{withdrawn} of {consents}");
    assert!(by_guardian > 10_000, "{by_guardian}");
    assert_eq!(extensive, 0);
}

#[test]
fn an_impossible_size_is_rejected() {
    let until: Instant = "2026-11-01T00:00:00Z".parse().expect("an instant");
    let fault = |clients, declarations, until| {
        Population::new(PopulationSize { clients, declarations, seed: 1, until }).err()
    };
    assert_eq!(fault(CODES_MAX + 1, CODES_MAX + 1, until), Some(PopulationFault::TooManyClients));
    assert_eq!(fault(10, 9, until), Some(PopulationFault::TooFewDeclarations));
    let early = "2022-11-05T00:00:00Z".parse().expect("an instant");
    assert_eq!(fault(10, 10, early), Some(PopulationFault::TooEarly));
    assert_eq!(fault(0, 0, until), None);
}
