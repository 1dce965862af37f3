//! The settings of logs and traces.

use serde::Deserialize;

/// Logs.
#[expect(missing_docs, reason = "each field is the setting of the same name, described in SETTINGS")]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
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
