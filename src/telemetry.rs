//! What operators see: logs, metrics and traces.
//!
//! ```text
//!  tracing's events ─▶ logs ────▶ standard error ──┐
//!  metrics ───────────────────▶ /metrics ──────────┼──▶ OTLP, where the standard
//!  spans ──────────────────────────────────────────┘    variables name an endpoint
//! ```
//!
//! What may be said of a request is in [`attributes`], and nowhere else.

pub mod attributes;
mod logs;
pub mod metrics;
mod otlp;
pub mod rpc;
pub mod span;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::PeriodicReader;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload;
use tracing_subscriber::util::TryInitError;

use crate::config::{Detail, Log};

pub use logs::LogLevel;
use metrics::Metrics;
use span::Spans;

/// Telemetry cannot be set up, or changed.
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
    /// The level cannot be changed.
    #[error("the log level cannot be changed: logs have ended")]
    Reload(#[source] reload::Error),
    /// A standard variable says what Lupa does not do.
    #[error("{0}: {1}")]
    Variable(String, &'static str),
    /// Something cannot be sent.
    #[error(
        "{0} cannot be sent: correct the variables OTEL_EXPORTER_OTLP_…, or leave them out to send nothing"
    )]
    Exporter(&'static str, #[source] ExporterBuildError),
}

/// What is counted and traced, for the parts of the server.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// What is counted and timed.
    pub metrics: Arc<Metrics>,
    /// Where spans begin.
    pub spans: Spans,
}

/// The telemetry of the process: one that runs must be ended, or what has not
/// been sent is lost.
#[derive(Debug)]
pub struct Running {
    /// For the parts of the server.
    pub telemetry: Telemetry,
    /// For whoever changes it.
    pub level: LogLevel,
    logs: Option<SdkLoggerProvider>,
}

impl Telemetry {
    /// Counts, and sends nothing.
    #[must_use]
    pub fn unsent() -> Self {
        let metrics =
            Metrics::new(None::<PeriodicReader<opentelemetry_otlp::MetricExporter>>, otlp::resource());
        Self { metrics: Arc::new(metrics), spans: Spans::none() }
    }
}

impl Running {
    /// Begins to log, to count and to trace. Call it in a runtime: what is sent
    /// is sent there.
    pub fn begin(log: &Log, detail: Detail) -> Result<Self, TelemetryFault> {
        let resource = otlp::resource();
        let logs = otlp::logs()?.map(|exporter| {
            SdkLoggerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build()
        });
        let level = logs::begin(log, logs.as_ref())?;
        let reader = otlp::metrics()?.map(|exporter| PeriodicReader::builder(exporter).build());
        let metrics = Arc::new(Metrics::new(reader, resource.clone()));
        let spans = otlp::traces()?.map(|exporter| {
            SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()
        });
        let spans = spans.map_or_else(Spans::none, |provider| Spans::sent_by(provider, detail));
        Ok(Self { telemetry: Telemetry { metrics, spans }, level, logs })
    }

    /// Sends what has not been sent, for so long at most. Blocks.
    pub fn end(self, within: Duration) {
        let Self { telemetry: Telemetry { metrics, spans }, level: _, logs } = self;
        let ended = [("traces", spans.shutdown(within)), ("metrics", metrics.shutdown(within))];
        for (what, ended) in ended {
            if let Err(error) = ended {
                tracing::warn!(what, %error, "not all telemetry was sent");
            }
        }
        // The last: it sends what was said of the others.
        if let Some(Err(error)) = logs.map(|logs| logs.shutdown_with_timeout(within)) {
            tracing::warn!(what = "logs", %error, "not all telemetry was sent");
        }
    }
}
