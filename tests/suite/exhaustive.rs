//! The space of each rule list, small but whole: every combination of its
//! conditions, each true or false, each scope matching or not, each date
//! before, on and after, in the core beside the reference. Most mistakes show in
//! a small world already; here nothing is left to chance.

mod across_sectors;
mod allocation;
mod choices;
mod denials;
mod everyone;
mod healthcare;
mod social_welfare;
mod wellbeing;
mod world;

use chrono::{DateTime, Utc};
use lupa::policy::Question;
use lupa::policy::directory::Directory;
use lupa::policy::gist::Gist;
use lupa::wire::verdict::{Disclosure, id_among, to_verdict};
use lupa::wire::{decision, declaration, directory, v1};

use crate::core::to_core;
use crate::differential::Differences;
use crate::generator::Case;
use choices::Choices;

/// Compares every state of a space. Tells how many there are, which is what
/// says that none was forgotten: a condition left out would make them fewer.
fn exhaust(name: &str, states: u64, mut state: impl FnMut(&mut Choices) -> Case) {
    let mut differences = Differences::default();
    let mut built = None;
    let mut choices = Choices::default();
    let mut compared = 0;
    loop {
        let case = state(&mut choices);
        differences.add(compared, &case, &verdicts(&case, &mut built));
        compared += 1;
        if !choices.advance() {
            break;
        }
    }
    println!("{name}: {compared} states");
    differences.assert_none();
    assert_eq!(compared, states, "{name}: another number of states");
}

/// A directory as given and as it is built, which takes longer than to decide.
type Built = Option<(v1::Directory, Directory)>;

fn verdicts(case: &Case, built: &mut Built) -> Vec<v1::Verdict> {
    let Case { directory: given, calendar, declarations, request, at } = case;
    if built.as_ref().is_none_or(|(last, _)| last != given) {
        *built = Some((given.clone(), directory::directory(given).expect("a directory")));
    }
    let (_, directory) = built.as_ref().expect("it was built");
    let stored = declaration::stored_declarations("declarations", declarations).expect("declarations");
    let situation = decision::situation(request).expect("a situation");
    let calendar = to_core(calendar);
    let question = Question::new(&situation, Gist::all(&stored), directory, &calendar, *at);
    let verdict = |record| {
        let verdict = question.decide_read(decision::record(record));
        to_verdict(&verdict, Disclosure::Detailed, id_among(&stored))
    };
    request.records.iter().map(verdict).collect()
}

/// Noon in Finland on a day, in winter.
fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T10:00:00Z").parse().expect("an instant")
}
