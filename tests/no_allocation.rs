//! A decision allocates nothing, record by record: what a request weighs once
//! is weighed before.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../crates/bench/benches/scenarios.rs"]
mod scenarios;

use lupa::cli::document::Document;
use lupa::policy::Question;
use lupa::policy::calendar::Calendar;
use lupa::policy::facts::Facts;
use lupa::policy::verdict::RuleId;
use lupa::wire::{decision, directory, v1};

#[test]
fn a_decision_allocates_nothing() {
    let document = Document::read(include_str!("../deploy/demo/directory.yaml")).expect("YAML");
    let message: v1::Directory = document.parse().expect("a directory");
    let directory = directory::directory(&message).expect("a directory without faults");
    let calendar = Calendar::published();
    for scenario in scenarios::scenarios() {
        let situation = decision::situation(&scenario.request).expect("a situation");
        let question = Question::new(
            &situation,
            Facts::all(&scenario.declarations),
            &directory,
            &calendar,
            scenario.now,
        );
        for record in &scenario.request.records {
            let record = decision::record(record).expect("a record");
            let mut rule = None;
            let counted = allocation_counter::measure(|| {
                rule = question.decide(&record).rule.map(RuleId::as_str);
            });
            assert_eq!(rule, Some(scenario.rule.as_str()), "{}", scenario.name);
            assert_eq!(counted.count_total, 0, "{}", scenario.name);
        }
    }
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8])));
    assert_eq!(counted.count_total, 1);
}
