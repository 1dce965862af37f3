//! Libraries in this process. What all records have in common is prepared in
//! advance, and each library gets the facts in its own form.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema};
use lupa::policy::Question;
use lupa::policy::calendar::Calendar;
use lupa::policy::facts::Facts;
use lupa::policy::verdict::Effect;
use lupa::wire::declaration::stored_declarations;
use lupa::wire::{decision, directory, v1};
use lupa_bench::measure::repeats::{Spread, repeated};
use serde_json::{Value, json};

use crate::Arguments;
use crate::facts::{DENIED_REGISTER, REQUESTER, Record, denied_event, is_permitted, records};
use crate::lupa_server;

const RECORDS: usize = 60;
const BATCH: Duration = Duration::from_millis(20);

const CEDAR: &str = "permit(principal, action, resource) when {
  context.relationship && (context.register == context.requester ||
    (context.informed && context.consent &&
     !context.denied_registers.contains(context.register) && !context.denied_events.contains(context.event)))
};";

const REGO: &str = "package lupa
import rego.v1
default allow := false
allow if {
  input.relationship
  input.register == input.requester
}
allow if {
  input.relationship
  input.informed
  input.consent
  not input.register in input.denied_registers
  not input.event in input.denied_events
}";

/// Nanoseconds per decision, by name.
pub(crate) fn measure(arguments: &Arguments) -> Vec<(&'static str, Spread)> {
    vec![
        ("Lupa's core, all rules", lupa(arguments)),
        ("cedar-policy, requests prepared", cedar(arguments, true)),
        ("cedar-policy, a request built for each", cedar(arguments, false)),
        ("regorus, inputs prepared", rego(arguments)),
    ]
}

fn lupa(arguments: &Arguments) -> Spread {
    let directory = directory::directory(&lupa_server::directory()).expect("a directory");
    let calendar = Calendar::published();
    let recorded_at = Some(pbjson_types::Timestamp { seconds: 1_750_000_000, nanos: 0 });
    let stored: Vec<_> = lupa_server::declarations()
        .into_iter()
        .enumerate()
        .map(|(place, declaration)| v1::StoredDeclaration {
            id: format!("declaration-{place}"),
            declaration: Some(v1::Declaration { content: Some(declaration) }),
            given_at: recorded_at,
            recorded_at,
            declarer: Some(v1::Declarer { role: v1::Role::Client.into(), ..Default::default() }),
            ..Default::default()
        })
        .collect();
    let stored = stored_declarations("declarations", &stored).expect("declarations");
    let records = records(RECORDS);
    let message = lupa_server::message(&records);
    let situation = decision::situation(&message).expect("a situation");
    let now = "2026-11-21T10:00:00Z".parse().expect("an instant");
    let question = Question::new(&situation, Facts::all(&stored), &directory, &calendar, now);
    let asked: Vec<_> =
        message.records.iter().map(|record| decision::record(record).expect("a record")).collect();
    let decide = |place: usize| question.decide(black_box(&asked[place])).effect() == Effect::Permit;
    nanos(arguments, &records, decide)
}

fn cedar(arguments: &Arguments, is_prepared: bool) -> Spread {
    let policies: PolicySet = CEDAR.parse().expect("a policy");
    let (authorizer, entities) = (Authorizer::new(), Entities::empty());
    let uid = |text: &str| -> EntityUid { text.parse().expect("an entity") };
    let (principal, action, resource) =
        (uid("Professional::\"one\""), uid("Action::\"read\""), uid("Record::\"one\""));
    let records = records(RECORDS);
    let request = |record: &Record| {
        let context = Context::from_json_value(facts(record), None).expect("a context");
        Request::new(principal.clone(), action.clone(), resource.clone(), context, None::<&Schema>)
            .expect("a request")
    };
    let requests: Vec<Request> = records.iter().map(request).collect();
    nanos(arguments, &records, |place| {
        let answer = if is_prepared {
            authorizer.is_authorized(black_box(&requests[place]), &policies, &entities)
        } else {
            authorizer.is_authorized(&request(&records[place]), &policies, &entities)
        };
        answer.decision() == Decision::Allow
    })
}

fn rego(arguments: &Arguments) -> Spread {
    let mut engine = regorus::Engine::new();
    engine.add_policy("lupa.rego".to_owned(), REGO.to_owned()).expect("a policy");
    let compiled = engine.compile_with_entrypoint(&"data.lupa.allow".into()).expect("a compiled policy");
    let records = records(RECORDS);
    let inputs: Vec<regorus::Value> = records
        .iter()
        .map(|record| regorus::Value::from_json_str(&facts(record).to_string()).expect("an input"))
        .collect();
    nanos(arguments, &records, |place| {
        let answer = compiled.eval_with_input(black_box(&inputs[place]).clone()).expect("an answer");
        answer == regorus::Value::from(true)
    })
}

/// The facts of a decision about a record.
fn facts(record: &Record) -> Value {
    json!({
        "relationship": true, "informed": true, "consent": true, "requester": REQUESTER,
        "register": record.register, "event": record.event,
        "denied_registers": [DENIED_REGISTER], "denied_events": [denied_event()],
    })
}

/// Nanoseconds per decision on the records in turn, after a check of each decision.
fn nanos(arguments: &Arguments, records: &[Record], mut decide: impl FnMut(usize) -> bool) -> Spread {
    for (place, record) in records.iter().enumerate() {
        assert_eq!(decide(place), is_permitted(record), "{record:?}");
    }
    let start = Instant::now();
    let mut rounds: u32 = 0;
    while start.elapsed() < BATCH {
        (0..records.len()).for_each(|place| _ = black_box(decide(place)));
        rounds += 1;
    }
    let measured = repeated(arguments.repeats, || {
        let start = Instant::now();
        for _ in 0..rounds {
            (0..records.len()).for_each(|place| _ = black_box(decide(place)));
        }
        [start.elapsed().as_nanos() as f64 / f64::from(rounds) / records.len() as f64]
    });
    measured.spread(0)
}
