//! Logs: structured lines on standard error and, if an endpoint is configured,
//! over OTLP. The level can be changed while Lupa runs.

use std::io::{IsTerminal, stderr};

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use super::TelemetryFault;
use super::repeats::RepeatedEvents;
use crate::config::{Log, LogFormat, check_level};

/// Crates whose logs are not sent: sending one would log, and so never end.
const SENDERS: [&str; 6] = ["opentelemetry", "tonic", "h2", "hyper", "hyper_util", "tower"];

/// A handle to the log level of the process.
#[derive(Clone, Debug)]
pub struct LogLevel(reload::Handle<EnvFilter, Registry>);

impl LogLevel {
    /// The current level or directives.
    #[must_use]
    pub fn now(&self) -> String {
        self.0.with_current(ToString::to_string).unwrap_or_default()
    }

    /// Changes it, until the next change or the end of the process.
    pub fn change(&self, level: &str) -> Result<(), TelemetryFault> {
        self.0.reload(filter(level)?).map_err(TelemetryFault::Reload)
    }
}

/// Starts to log, for the whole process.
pub(super) fn start(
    log: &Log,
    repeats: &RepeatedEvents,
    sent_by: Option<&SdkLoggerProvider>,
) -> Result<LogLevel, TelemetryFault> {
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    let is_terminal = stderr().is_terminal();
    let as_text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => is_terminal,
    };
    let is_colour_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Reporting a failed write would write to standard error again, and panic.
    let lines = fmt::layer().with_writer(stderr).log_internal_errors(false);
    let lines = if as_text {
        lines.with_ansi(is_terminal && is_colour_wanted).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    };
    let is_sent = filter_fn(|of| {
        let root = of.target().split(':').next().unwrap_or_default();
        !SENDERS.iter().any(|sender| root == *sender || root.starts_with("opentelemetry"))
    });
    let sent = sent_by.map(|provider| OpenTelemetryTracingBridge::new(provider).with_filter(is_sent));
    tracing_subscriber::registry()
        .with(filter)
        .with(repeats.clone())
        .with(lines)
        .with(sent)
        .try_init()
        .map_err(TelemetryFault::Again)?;
    Ok(LogLevel(handle))
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryFault> {
    check_level(level).map_err(TelemetryFault::Level)?;
    EnvFilter::builder().parse(level).map_err(|error| TelemetryFault::Directives(level.to_owned(), error))
}
