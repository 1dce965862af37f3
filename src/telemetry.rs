//! Logs: structured lines on standard error, as the configuration says.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat};

/// Logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryFault {
    /// The level is neither a level nor directives.
    #[error(
        "log.level: `{0}` cannot be read: write error, warn, info, debug, trace, or directives such as `info,lupa=debug`"
    )]
    Level(String, #[source] ParseError),
    /// Logs were set up before.
    #[error("logs are set up already: set them up once a process")]
    Again(#[source] TryInitError),
}

/// Sets up logs for the whole process.
pub fn init(log: &Log) -> Result<(), TelemetryFault> {
    let filter = EnvFilter::builder()
        .parse(&log.level)
        .map_err(|error| TelemetryFault::Level(log.level.clone(), error))?;
    let is_terminal = stderr().is_terminal();
    let as_text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => is_terminal,
    };
    let is_colour_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = if as_text {
        lines.with_ansi(is_terminal && is_colour_wanted).finish().try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init()
    };
    started.map_err(TelemetryFault::Again)
}
