//! A store and the one into which its export was imported give the same answers.

use lupa::index::{PersonDeclarations, Snapshot};
use lupa::policy::World;
use lupa::policy::calendar::Calendar;
use lupa::policy::directory::Directory;
use lupa::policy::facts::OwnedFacts;
use lupa::wire::verdict::{Disclosure, to_verdict};
use lupa::wire::{decision, directory, v1};

use super::everything::{Everything, everything, to_core};
use super::line::{file_of, other};
use super::place::{Place, snapshot, start_index};
use super::recorded::record;
use crate::core::evaluate::{cases, to_core as to_core_calendar};
use crate::core::generator::Case;

/// Number of generated clients.
const CLIENTS: usize = 2_000;

/// Number of questions.
const QUESTIONS: u64 = 100_000;

async fn answers_are_equal(original: Place, copy: Place) {
    let everything = everything(CLIENTS);
    original.import_all(&[&original.write("source.ndjson", file_of(&everything.lines))]);
    record(&original.open()).await;
    copy.import_all(&[&original.export("exported.ndjson")]);

    let stores = [original.follow(), copy.follow()];
    let [(one, _one_follower), (other, _other_follower)] = stores.each_ref().map(start_index);
    let [one, other] = [snapshot(&one, &stores[0]).await, snapshot(&other, &stores[1]).await];
    tokio::task::block_in_place(|| {
        assert_same_facts(&everything, &one, &other);
        assert_same_verdicts(&everything, &one, &other);
    });
}

fn assert_same_facts(everything: &Everything, one: &Snapshot, two: &Snapshot) {
    let recorded = [other("recorded-1"), other("recorded-2"), crate::fixtures::requests::aino()];
    let mut linked = 0;
    for client in everything.clients.iter().chain(&recorded) {
        let client = to_core(client);
        assert_eq!(facts(&one.declarations(&client)), facts(&two.declarations(&client)));
        assert_eq!(one.person(&client), two.person(&client));
        linked += usize::from(one.person(&client).is_some());
    }
    assert!(linked > everything.clients.len() / 10, "only {linked} clients are linked");
    let counts = |snapshot: &Snapshot| (snapshot.clients(), snapshot.declaration_count());
    assert_eq!(counts(one), counts(two));
}

/// The part of declarations that affects decisions, each with its id.
fn facts(declarations: &PersonDeclarations<'_>) -> Vec<(String, OwnedFacts)> {
    let id = |place| declarations.id(place).unwrap().as_ref().to_owned();
    declarations.facts().map(|facts| (id(facts.place), facts.to_owned_facts())).collect()
}

/// The requests of all cases, each about its own client and about others.
fn assert_same_verdicts(everything: &Everything, one: &Snapshot, two: &Snapshot) {
    let Everything { clients, cases: given, .. } = everything;
    let given: Vec<Asked<'_>> = given.iter().map(Asked::of).collect();
    let mut left = cases(QUESTIONS);
    let (mut permits, mut denials) = (0, 0);
    for distance in 0.. {
        for (number, asked) in given.iter().enumerate() {
            if left == 0 {
                assert!(permits > 1_000 && denials > 1_000, "{permits} permits, {denials} denials");
                return;
            }
            left -= 1;
            let client = &clients[(number + distance * 7) % clients.len()];
            let (found, expected) = (asked.verdicts(client, two), asked.verdicts(client, one));
            assert_eq!(found, expected, "case {number}, client {client:?}");
            let permitted = found.iter().filter(|verdict| verdict.effect() == v1::Effect::Permit).count();
            permits += permitted;
            denials += found.len() - permitted;
        }
    }
}

/// A request, and what its answer depends on beside the declarations.
struct Asked<'c> {
    case: &'c Case,
    directory: Directory,
    calendar: Calendar,
}

impl<'c> Asked<'c> {
    fn of(case: &'c Case) -> Self {
        let directory = directory::directory(&case.directory).unwrap();
        Self { case, directory, calendar: to_core_calendar(&case.calendar) }
    }

    fn verdicts(&self, client: &v1::ClientId, snapshot: &Snapshot) -> Vec<v1::Verdict> {
        let Self { case: Case { request, at, .. }, directory, calendar } = self;
        let request = v1::DecideRequest { client: Some(client.clone()), ..request.clone() };
        let situation = decision::situation(&request).unwrap();
        let declarations = snapshot.declarations(&to_core(client));
        let question = declarations.question(World { directory, calendar, now: *at }, &situation);
        let verdict = |record: &v1::Record| {
            let verdict = question.decide_read(decision::record(record));
            to_verdict(&verdict, Disclosure::Detailed, |place| declarations.id(place))
        };
        request.records.iter().map(verdict).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_in_a_file_answers_alike() {
    answers_are_equal(Place::sqlite(), Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_in_postgres_answers_alike() {
    answers_are_equal(Place::sqlite(), Place::postgres()).await;
}
