//! Plain words: phrases that have a standard term or a plainer form are counted in
//! comments, strings and Markdown, module by module, and may only become fewer.

mod text;

use std::collections::BTreeMap;

use super::assert_none;
use super::tree::{text_of, tracked_files};
use text::prose;

/// Phrases to avoid, and what to write instead.
const PHRASES: &[(&str, &str)] = &[
    ("told", "returned, reported, logged, specified"),
    ("tell", "return, report, publish, log, send"),
    ("tells", "returns, reports, publishes, logs, sends"),
    ("telling", "reporting, publishing, logging"),
    ("whoever", "name the actor: the caller, the replica, the operator"),
    ("whomever", "name the actor: the caller, the replica, the operator"),
    ("who asks", "the caller, the requester"),
    ("so many", "a number with a name: the maximum number of …"),
    ("so long", "a duration with a name: the timeout, the interval"),
    ("so much", "a quantity with a name"),
    ("how manieth", "ordinal"),
    ("at most so", "upper bound of …"),
    ("what of", "a clause with a subject: the part of … that …"),
    ("of which", "a clause with a subject"),
    ("begin", "start"),
    ("begins", "starts"),
    ("began", "started"),
    ("begun", "started"),
    ("anew", "again"),
    ("is asked", "is requested, is called"),
    ("was asked", "was requested, was called"),
    ("looked at", "read, checked, probed"),
    ("looks at", "reads, checks, probes"),
    ("gives up", "times out, stops retrying"),
    ("given up", "timed out, canceled"),
    ("made of", "consists of, built from"),
    ("vouches", "verifies, certifies"),
];

/// Text with a phrase that a format, a law or a quotation needs, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("each of which", "a relative clause with its noun"),
    ("is told explicitly", "a quotation of the rules in the reference evaluator"),
];

/// The number of phrases of each module. A module without a row must have none.
const BUDGETS: &[(&str, usize)] = &[("benches", 4), ("docs", 6), ("src/store", 3)];

const THIS_FILE: &str = "tests/suite/architecture/prose.rs";

/// Files that list the phrases.
const NOT_COUNTED: &[&str] = &[THIS_FILE, "CONTRIBUTING.md"];

#[test]
fn phrases_become_fewer() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (module, _) in BUDGETS {
        found.entry((*module).to_owned()).or_default();
    }
    for path in tracked_files() {
        let prose = text_of(&path).and_then(|text| prose(&path, &text));
        let Some(prose) = prose.filter(|_| !NOT_COUNTED.contains(&path.as_str())) else { continue };
        let of_module = found.entry(module(&path)).or_default();
        for (line, phrase) in phrases(&without_allowed(prose)) {
            of_module.push(format!("{path}:{line}: `{phrase}`: write {}", instead(phrase)));
        }
    }
    let mut faults = Vec::new();
    for (module, places) in found {
        let count = places.len();
        let budget = BUDGETS.iter().find(|(name, _)| *name == module).map_or(0, |(_, budget)| *budget);
        if count > budget {
            faults.push(format!(
                "{module}: {count} phrases, and the budget is {budget}. Rewrite what you added in the terms of \
                 docs/glossary.md (CONTRIBUTING.md says how); these are all:\n  {}",
                places.join("\n  ")
            ));
        } else if count < budget {
            faults.push(format!(
                "{module}: {count} phrases, and the budget is {budget}: lower it to {count} in BUDGETS of {THIS_FILE}"
            ));
        }
    }
    assert_none(&faults);
}

/// The module that a file belongs to: a room of `src`, a crate, a group of the suite, or
/// a folder at the top.
fn module(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["src", room, ..] | ["crates", room, ..] => format!("{}/{}", parts[0], room.trim_end_matches(".rs")),
        ["tests", "suite", group, ..] => format!("tests/suite/{}", group.trim_end_matches(".rs")),
        [folder, _, ..] => folder.to_owned(),
        [..] => path.to_owned(),
    }
}

/// Each phrase of a text, with its line.
fn phrases(prose: &str) -> Vec<(usize, &'static str)> {
    let words: Vec<(usize, String)> = prose
        .lines()
        .enumerate()
        .flat_map(|(line, text)| text.split(is_space).map(move |word| (line + 1, word)))
        .filter(|(_, word)| !word.is_empty())
        .map(|(line, word)| (line, plain(word)))
        .collect();
    let phrases: Vec<(&str, Vec<&str>)> =
        PHRASES.iter().map(|(phrase, _)| (*phrase, phrase.split(' ').collect())).collect();
    let mut found = Vec::new();
    for (start, (line, _)) in words.iter().enumerate() {
        for (phrase, expected) in &phrases {
            let mut rest = words[start..].iter();
            if expected.iter().all(|expected| rest.next().is_some_and(|(_, word)| word == expected)) {
                found.push((*line, *phrase));
            }
        }
    }
    found
}

/// Separates adjacent words; any other character belongs to a word.
fn is_space(character: char) -> bool {
    character == ' ' || character == '/' || character == '!' || character == '#'
}

/// A word in lower case without punctuation. A word in capitals belongs to a format, such
/// as SQL, and is kept.
fn plain(word: &str) -> String {
    let word = word.trim_matches(|mark: char| mark.is_ascii_punctuation() && mark != '_' || !mark.is_ascii());
    let is_format = word.len() > 1 && word.chars().all(|letter| letter.is_ascii_uppercase());
    if is_format { word.to_owned() } else { word.to_ascii_lowercase() }
}

fn without_allowed(prose: String) -> String {
    ALLOWED.iter().fold(prose, |prose, (allowed, _)| prose.replace(allowed, ""))
}

fn instead(phrase: &str) -> &'static str {
    PHRASES.iter().find(|(known, _)| *known == phrase).map_or("", |(_, instead)| instead)
}

#[test]
fn phrases_are_counted_as_words() {
    let found = phrases("Told so,\nand told_id; untold BEGIN \"begin\".\n/// so\n/// many, so-many");
    assert_eq!(found, [(1, "told"), (2, "begin"), (3, "so many")]);
    assert_eq!(module("src/store/postgres/write.rs"), "src/store");
    assert_eq!(module("src/lib.rs"), "src/lib");
    assert_eq!(module("crates/policy/src/lib.rs"), "crates/policy");
    assert_eq!(module("tests/suite/core.rs"), "tests/suite/core");
    assert_eq!(module("README.md"), "README.md");
}
