//! Decisions inside the core: no wire, no index. `cargo bench --bench decision`.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails by panicking")]

mod scenarios;
mod thousand;

use divan::{AllocProfiler, Bencher, black_box};
use lupa::cli::document::Document;
use lupa::policy::Question;
use lupa::policy::calendar::Calendar;
use lupa::policy::directory::Directory;
use lupa::policy::gist::Gist;
use lupa::policy::request::Record;
use lupa::wire::declaration::stored_declarations;
use lupa::wire::{decision, directory, v1};

/// Shows allocations beside the times, where there are any.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// One record, the question weighed before.
#[divan::bench(args = names())]
fn one_record(bencher: Bencher<'_, '_>, name: &str) {
    let scenario =
        scenarios::scenarios().into_iter().find(|scenario| scenario.name == name).expect("a scenario");
    let (directory, calendar) = (demo_directory(), Calendar::published());
    let situation = decision::situation(&scenario.request).expect("a situation");
    let record = decision::record(scenario.request.records.first().expect("a record")).expect("a record");
    let question =
        Question::new(&situation, Gist::all(&scenario.declarations), &directory, &calendar, scenario.now);
    let rule = question.decide(&record).rule.map(|rule| rule.id);
    assert_eq!(rule, Some(scenario.rule.as_str()), "{name}");
    bencher.bench_local(|| question.decide(black_box(&record)));
}

/// What is weighed once a request.
#[divan::bench(args = [3, 1_000])]
fn weigh_declarations(bencher: Bencher<'_, '_>, declarations: usize) {
    with_thousand(declarations, |ask, _| bencher.bench_local(|| black_box(ask())));
}

/// A thousand records of one client, weighing included.
#[divan::bench(args = [3, 1_000])]
fn thousand_records(bencher: Bencher<'_, '_>, declarations: usize) {
    with_thousand(declarations, |ask, records| {
        bencher.counter(divan::counter::ItemsCount::new(records.len())).bench_local(|| {
            let question = ask();
            for record in records {
                black_box(question.decide(black_box(record)));
            }
        });
    });
}

/// Sets up the question of a thousand records for a client with so many declarations.
fn with_thousand(
    declarations: usize,
    run: impl FnOnce(&dyn Fn() -> Question<'static, 'static>, &[Record<'static>]),
) {
    let directory: &Directory = Box::leak(Box::new(demo_directory()));
    let calendar: &Calendar = Box::leak(Box::new(Calendar::published()));
    let recorded_at = pbjson_types::Timestamp { seconds: 1_750_000_000, nanos: 0 };
    let stored: Vec<_> = thousand::declarations(declarations)
        .into_iter()
        .enumerate()
        .map(|(place, declaration)| v1::StoredDeclaration {
            id: format!("declaration-{place}"),
            declaration: Some(declaration),
            given_at: Some(recorded_at),
            recorded_at: Some(recorded_at),
            declarer: Some(v1::Declarer { role: v1::Role::Client.into(), ..Default::default() }),
            ..Default::default()
        })
        .collect();
    let stored = Box::leak(Box::new(stored_declarations("declarations", &stored).expect("declarations")));
    let request = Box::leak(Box::new(thousand::request()));
    let situation = Box::leak(Box::new(decision::situation(request).expect("a situation")));
    let records: Vec<_> =
        request.records.iter().map(|record| decision::record(record).expect("a record")).collect();
    let now = "2026-11-21T10:00:00+02:00".parse().expect("an instant");
    run(&|| Question::new(situation, Gist::all(stored), directory, calendar, now), &records);
}

fn names() -> Vec<String> {
    scenarios::scenarios().into_iter().map(|scenario| scenario.name).collect()
}

fn demo_directory() -> Directory {
    let document = Document::read(include_str!("../deploy/demo/directory.yaml")).expect("YAML");
    let message: v1::Directory = document.parse().expect("a directory");
    directory::directory(&message).expect("a directory without faults")
}
