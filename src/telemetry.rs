//! Telemetry: logs, metrics and traces, by OpenTelemetry.
//!
//! ```text
//!  tracing's events ─▶ logs ────▶ standard error ──┐
//!  metrics ───────────────────▶ /metrics ──────────┼──▶ OTLP, where the standard
//!  spans ──────────────────────────────────────────┘    variables name an endpoint
//! ```
//!
//! [`attributes`] is the allow-list of what telemetry may reveal about a request.
//! [`metrics::catalogue`] describes every metric.

pub mod attributes;
mod logs;
pub mod metrics;
mod otlp;
mod repeats;
pub mod rpc;
pub mod span;
mod variables;

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::PeriodicReader;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::{task, time};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload;
use tracing_subscriber::util::TryInitError;

use crate::config::{Detail, Log};

pub use logs::LogLevel;
use metrics::Metrics;
use repeats::RepeatedEvents;
use span::Spans;

/// Telemetry cannot be set up, or changed.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryFault {
    /// A word is not a level.
    #[error("log.level: {0}")]
    Level(String),
    /// The directives cannot be read.
    #[error(
        "log.level: `{0}` cannot be read: write error, warn, info, debug, trace, or directives such as `info,lupa=debug`"
    )]
    Directives(String, #[source] ParseError),
    /// Logs are set up already.
    #[error("logs are set up already: set them up once a process")]
    Again(#[source] TryInitError),
    /// The level cannot be changed.
    #[error("the log level cannot be changed: logging has stopped")]
    Reload(#[source] reload::Error),
    /// A standard variable has a value that Lupa does not support.
    #[error("{0}: {1}")]
    Variable(String, &'static str),
    /// An exporter cannot be set up.
    #[error(
        "{0} cannot be sent: correct the variables OTEL_EXPORTER_OTLP_…, or leave them out to send nothing"
    )]
    Exporter(&'static str, #[source] ExporterBuildError),
}

/// Metrics and spans, for the parts of the server.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Counters and timers.
    pub metrics: Arc<Metrics>,
    /// Starts spans.
    pub spans: Spans,
}

/// The running telemetry of the process. Shut it down before the process ends, or
/// what is not sent yet is lost.
#[derive(Debug)]
pub struct Running {
    /// For the parts of the server.
    pub telemetry: Telemetry,
    /// Changes the log level.
    pub level: LogLevel,
    logs: Option<SdkLoggerProvider>,
    repeats: RepeatedEvents,
    /// Says how often events were repeated.
    repeats_task: task::JoinHandle<()>,
}

impl Telemetry {
    /// Telemetry that counts and sends nothing.
    #[must_use]
    pub fn unsent() -> Self {
        let metrics =
            Metrics::new(None::<PeriodicReader<opentelemetry_otlp::MetricExporter>>, otlp::resource());
        Self { metrics: Arc::new(metrics), spans: Spans::none() }
    }
}

impl Running {
    /// Starts logs, metrics and traces. Call it in the runtime that is to send them.
    pub fn start(log: &Log, detail: Detail) -> Result<Self, TelemetryFault> {
        let resource = otlp::resource();
        let logs = otlp::logs()?.map(|exporter| {
            SdkLoggerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build()
        });
        let repeats = RepeatedEvents::default();
        let level = logs::start(log, &repeats, logs.as_ref())?;
        let each_minute = repeats.clone();
        let repeats_task = task::spawn(async move {
            loop {
                time::sleep(repeats::SAY_INTERVAL).await;
                each_minute.say(false);
            }
        });
        otlp::warn_of_resource();
        let reader = otlp::metrics()?.map(|exporter| PeriodicReader::builder(exporter).build());
        let metrics = Arc::new(Metrics::new(reader, resource.clone()));
        let spans = otlp::traces()?.map(|exporter| {
            SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()
        });
        let spans = spans.map_or_else(Spans::none, |provider| Spans::sent_by(provider, detail));
        Ok(Self { telemetry: Telemetry { metrics, spans }, level, logs, repeats, repeats_task })
    }

    /// Sends what is not sent yet: all signals at once, within one timeout, whatever their receiver does.
    /// Blocks.
    pub fn shut_down(self, within: Duration) {
        let Self { telemetry: Telemetry { metrics, spans }, level: _, logs, repeats, repeats_task } = self;
        repeats_task.abort();
        repeats.say(true);
        let end = Instant::now() + within;
        let (ended, ends) = mpsc::channel();
        let traces = ended.clone();
        let logged = ended.clone();
        // Each on its own thread: the reader of metrics has a timeout of its own.
        let threads = [
            spawn("traces", move || drop(traces.send(("traces", spans.shutdown(within))))),
            spawn("metrics", move || drop(ended.send(("metrics", metrics.shutdown(within))))),
            spawn("logs", move || {
                let result = logs.map_or(Ok(()), |logs| logs.shutdown_with_timeout(within));
                drop(logged.send(("logs", result)));
            }),
        ];
        let mut missing = threads.into_iter().filter(Result::is_ok).count();
        while missing > 0 {
            match ends.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((_, Ok(()))) => {}
                Ok((what, Err(error))) => tracing::warn!(what, %error, "not all telemetry was sent"),
                Err(_) => {
                    tracing::warn!(signals = missing, "not all telemetry was sent within the grace period");
                    return;
                }
            }
            missing -= 1;
        }
    }
}

/// Starts a thread to flush a signal; without one, the signal is not flushed.
fn spawn(signal: &str, flush: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(format!("flush-{signal}")).spawn(flush)
}
