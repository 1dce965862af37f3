//! The OTLP exporters, configured by the standard variables of OpenTelemetry.
//! Without an endpoint nothing is sent.

use opentelemetry_otlp::{ExporterBuildError, LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use uuid::Uuid;

use super::TelemetryFault;

/// A signal, by its name in the variables.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }

    /// Whether an exporter is configured.
    fn is_sent(self) -> Result<bool, TelemetryFault> {
        if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(false);
        }
        let exporter = format!("OTEL_{}_EXPORTER", self.name());
        match variable(&exporter).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(false),
            Some(_) => return Err(TelemetryFault::Variable(exporter, "write otlp or none")),
        }
        let of_signal = |what: &str| format!("OTEL_EXPORTER_OTLP_{}_{what}", self.name());
        let is_set = |name: &str| variable(name).is_some();
        if !is_set(&of_signal("ENDPOINT")) && !is_set("OTEL_EXPORTER_OTLP_ENDPOINT") {
            return Ok(false);
        }
        for name in [of_signal("PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL".to_owned()] {
            match variable(&name).as_deref() {
                None => {}
                Some("grpc") => break,
                Some(_) => return Err(TelemetryFault::Variable(name, "write grpc, or leave it out")),
            }
        }
        Ok(true)
    }

    /// The exporter, if one is configured.
    pub(super) fn exporter<E>(
        self,
        build: impl FnOnce() -> Result<E, ExporterBuildError>,
    ) -> Result<Option<E>, TelemetryFault> {
        let fault = |error| TelemetryFault::Exporter(self.name(), error);
        if self.is_sent()? { build().map(Some).map_err(fault) } else { Ok(None) }
    }
}

pub(super) fn traces() -> Result<Option<SpanExporter>, TelemetryFault> {
    Signal::Traces.exporter(|| SpanExporter::builder().with_tonic().build())
}

pub(super) fn metrics() -> Result<Option<MetricExporter>, TelemetryFault> {
    Signal::Metrics.exporter(|| MetricExporter::builder().with_tonic().build())
}

pub(super) fn logs() -> Result<Option<LogExporter>, TelemetryFault> {
    Signal::Logs.exporter(|| LogExporter::builder().with_tonic().build())
}

/// The sender: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, or `lupa`.
pub(super) fn resource() -> Resource {
    let declared = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let is_named = variable("OTEL_SERVICE_NAME").is_some() || declared.contains("service.name=");
    let attributes = [("service.version", env!("CARGO_PKG_VERSION").to_owned())];
    let instance = (!declared.contains("service.instance.id="))
        .then(|| ("service.instance.id", Uuid::new_v4().to_string()));
    let attributes = attributes.into_iter().chain(instance);
    let builder = Resource::builder()
        .with_attributes(attributes.map(|(name, value)| opentelemetry::KeyValue::new(name, value)));
    if is_named { builder.build() } else { builder.with_service_name("lupa").build() }
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
