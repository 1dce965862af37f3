//! Exhaustive test of each rule list in a small space: every combination of its conditions
//! (true or false, scope matching or not, date before, on and after), in the core and in
//! the reference. Most faults show in a small space already.

mod across_sectors;
mod allocation;
mod choices;
mod denials;
mod everyone;
mod healthcare;
mod last_word;
mod merged;
mod social_welfare;
mod wellbeing;
mod world;

use chrono::{DateTime, Utc};
use lupa::policy::directory::Directory;
use lupa::wire::verdict::Disclosure;
use lupa::wire::{directory, v1};

use crate::core::differential::Differences;
use crate::core::evaluate::verdicts_in;
use crate::core::generator::Case;
use choices::Choices;

/// Compares every state of a space and checks their number: a forgotten condition would
/// reduce it.
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

/// A directory as given and built. Building takes longer than deciding, so it is kept.
type Built = Option<(v1::Directory, Directory)>;

fn verdicts(case: &Case, built: &mut Built) -> Vec<v1::Verdict> {
    if built.as_ref().is_none_or(|(last, _)| *last != case.directory) {
        let given = case.directory.clone();
        *built = Some((given, directory::directory(&case.directory).expect("a directory")));
    }
    let (_, directory) = built.as_ref().expect("it was built");
    verdicts_in(directory, case, Disclosure::Detailed)
}

/// Noon in Finland on a day, in winter.
fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T10:00:00Z").parse().expect("an instant")
}
