//! The settings of logs and traces.

use serde::Deserialize;

use super::nearest::nearest;

/// The levels of a log, from silent to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Logs.
#[expect(missing_docs, reason = "each field is the setting of the same name, described in SETTINGS")]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

/// Checks that every directive of a log level names a level. `EnvFilter` takes a word that is no level
/// for a target: with `warning`, nothing else would be logged any more.
pub fn check_level(level: &str) -> Result<(), String> {
    let is_level = |word: &str| LEVELS.iter().any(|known| known.eq_ignore_ascii_case(word));
    let mut directives = level.split(',').map(str::trim).filter(|directive| !directive.is_empty()).peekable();
    if directives.peek().is_none() {
        return Err(with_examples("a level is missing"));
    }
    // Directives with spans and fields have a grammar of their own, which `EnvFilter` checks.
    for directive in directives.filter(|directive| !directive.contains(['[', ']', '{', '}', '"'])) {
        let word = directive.rsplit_once('=').map_or(directive, |(_, word)| word);
        if !is_level(word) {
            let meant = nearest(&word.to_ascii_lowercase(), LEVELS);
            let meant = meant.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(with_examples(&format!("`{word}` is not a level{meant}")));
        }
    }
    Ok(())
}

fn with_examples(fault: &str) -> String {
    let separator = if fault.ends_with('?') { "" } else { ":" };
    format!("{fault}{separator} write {}, or directives such as `info,lupa=debug`", LEVELS.join(", "))
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Traces. The standard variables of OpenTelemetry set where they are sent.
#[expect(missing_docs, reason = "each field is the setting of the same name, described in SETTINGS")]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub detail: Detail,
}

/// What a span discloses of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// The public reasons, which do not distinguish a denial from a missing consent.
    Public,
    /// The deciding rules too.
    Rules,
}
