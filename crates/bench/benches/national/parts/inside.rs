//! Decisions in the core, without wire and index.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lupa::policy::World;
use lupa::policy::calendar::Calendar;
use lupa::policy::declaration::Declaration;
use lupa::policy::directory::Directory;
use lupa::policy::facts::Facts;
use lupa::policy::request::Record;
use lupa::policy::verdict::RuleId;
use lupa::wire::declaration::stored_declarations;
use lupa::wire::{decision, directory, v1};
use lupa_bench::measure::repeats::{Spread, repeated};
use lupa_bench::measure::report::Section;

use crate::arguments::Arguments;
use crate::scenarios::{Scenario, scenarios};
use crate::server::demo_directory;
use crate::{questions, targets};

/// Batches per repeat. A batch is long enough that the cost of reading the clock is
/// negligible.
const BATCHES: usize = 15;
const BATCH: Duration = Duration::from_millis(5);

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let calendar = Calendar::published();
    let directory = directory::directory(&demo_directory()).expect("a directory without faults");
    let scenarios = scenarios();
    let situations: Vec<_> = scenarios
        .iter()
        .map(|scenario| decision::situation(&scenario.request).expect("a situation"))
        .collect();
    let asked: Vec<_> = scenarios
        .iter()
        .zip(&situations)
        .map(|(scenario, situation)| {
            let facts = Facts::all(&scenario.declarations);
            let question = World { directory: &directory, calendar: &calendar, now: scenario.now }
                .question(situation, facts);
            let record = scenario.request.records.first().expect("a record");
            (scenario, question, decision::record(record).expect("a record"))
        })
        .collect();
    for (scenario, question, record) in &asked {
        let rule = question.decide(record).rule.map(RuleId::as_str);
        assert_eq!(rule, Some(scenario.rule.as_str()), "{}", scenario.name);
    }

    let mut section = Section::default();
    let mixed = nanos(arguments, asked.len(), || {
        for (_, question, record) in &asked {
            black_box(black_box(question).decide(black_box(record)));
        }
    });
    let mut rows = vec![["mixed, all in turn".to_owned(), mixed.format(1.0, 0)]];
    for (Scenario { name, .. }, question, record) in &asked {
        let alone = nanos(arguments, 1, || {
            black_box(black_box(question).decide(black_box(record)));
        });
        rows.push([(*name).clone(), alone.format(1.0, 0)]);
    }
    section.text(
        "The questions of `benches/scenarios.yaml`, prepared in advance, warm; nanoseconds per record. A decision does \
         not allocate (`tests/no_allocation.rs`).",
    );
    section.table(["one record", "ns"], &rows);
    section.check(targets::DECIDE_ONE.beside(Some(mixed.median)));
    prepare(arguments, &mut section, &directory, &calendar);
    section
}

/// Preparing a question from few and from many declarations, and deciding a
/// thousand records with it.
fn prepare(arguments: &Arguments, section: &mut Section, directory: &Directory, calendar: &Calendar) {
    let request = questions::decide(1_000);
    let situation = decision::situation(&request).expect("a situation");
    let records: Vec<Record<'_>> =
        request.records.iter().map(|record| decision::record(record).expect("a record")).collect();
    let now = "2026-11-21T10:00:00+02:00".parse().expect("an instant");
    let rows: Vec<_> = [3, 1_000, 10_000]
        .into_iter()
        .map(|count| {
            let stored = declarations(count);
            let question =
                || World { directory, calendar, now }.question(&situation, Facts::all(black_box(&stored)));
            let preparing = nanos(arguments, 1, || drop(black_box(question())));
            let question = question();
            let deciding = nanos(arguments, records.len(), || {
                for record in &records {
                    black_box(black_box(&question).decide(black_box(record)));
                }
            });
            [count.to_string(), preparing.format(0.001, 2), deciding.format(1.0, 0)]
        })
        .collect();
    section
        .text("Preparing a question from the declarations of one client, once per request, and deciding a thousand records with it.");
    section.table(["declarations", "preparing, µs", "deciding, ns per record"], &rows);
}

/// Nanoseconds per operation. A run does `of` operations.
fn nanos(arguments: &Arguments, of: usize, mut run: impl FnMut()) -> Spread {
    let start = Instant::now();
    let mut runs: u32 = 0;
    while start.elapsed() < BATCH {
        run();
        runs += 1;
    }
    let repeats = repeated(arguments.repeats.max(2) * BATCHES, || {
        let start = Instant::now();
        for _ in 0..runs {
            run();
        }
        [start.elapsed().as_nanos() as f64 / f64::from(runs) / of as f64]
    });
    repeats.spread(0)
}

/// Information, a consent and denials, `count` in all.
fn declarations(count: usize) -> Vec<Declaration> {
    let recorded_at = Some(pbjson_types::Timestamp { seconds: 1_750_000_000, nanos: 0 });
    let stored: Vec<_> = questions::declarations_of_a_client(count)
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
    stored_declarations("declarations", &stored).expect("declarations")
}
