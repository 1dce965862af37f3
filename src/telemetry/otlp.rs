//! The OTLP exporters, configured by the standard variables of OpenTelemetry.
//! Without an endpoint nothing is sent.

use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use uuid::Uuid;

use super::{TelemetryFault, variables};

/// Attributes that the operator declares.
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

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

    /// Whether an exporter is configured. The other variables count only if one is.
    fn is_sent(self) -> Result<bool, TelemetryFault> {
        if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(false);
        }
        let Some((name, endpoint)) = self.in_force("ENDPOINT") else { return Ok(false) };
        let refuse = |name, what| Err(TelemetryFault::Variable(name, what));
        let exporter = format!("OTEL_{}_EXPORTER", self.name());
        match variable(&exporter).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(false),
            Some(_) => return refuse(exporter, "Lupa does not have this exporter: write otlp or none"),
        }
        if let Some((name, protocol)) = self.in_force("PROTOCOL")
            && protocol != "grpc"
        {
            return refuse(name, "write grpc, or leave it out");
        }
        if !variables::has_scheme(&endpoint) && self.in_force("INSECURE").is_none() {
            return refuse(
                name,
                "the scheme is missing: write http://HOST:PORT, or https://HOST:PORT for TLS",
            );
        }
        if let Some((name, headers)) = self.in_force("HEADERS") {
            variables::check_headers(&headers).map_err(|what| TelemetryFault::Variable(name, what))?;
        }
        if let Some((name, timeout)) = self.in_force("TIMEOUT")
            && timeout.trim().parse::<u64>().is_err()
        {
            return refuse(name, "write a number of milliseconds, such as 10000");
        }
        let of_batches = match self {
            Self::Traces => Some("OTEL_BSP"),
            Self::Logs => Some("OTEL_BLRP"),
            Self::Metrics => None,
        };
        let checked = match of_batches {
            Some(prefix) => variables::check_batches(prefix, variable),
            None => variables::check_intervals(variable),
        };
        checked.map_err(|(name, what)| TelemetryFault::Variable(name, what))?;
        Ok(true)
    }

    /// The variable that has an option of this signal: its own one, or that of all signals.
    fn in_force(self, what: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", self.name());
        let names = [own, format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| variable(&name).map(|value| (name, value)))
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
    resource_by(variable)
}

fn resource_by(variable: impl Fn(&str) -> Option<String>) -> Resource {
    let declared = variable(RESOURCE_ATTRIBUTES).unwrap_or_default();
    let declared = variables::attributes(&declared).unwrap_or_default();
    // The detector of the SDK for these variables does not decode them.
    Resource::builder_empty()
        .with_detectors(&[Box::new(TelemetryResourceDetector)])
        .with_attributes([
            KeyValue::new("service.name", "lupa"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
        ])
        .with_attributes(declared.into_iter().map(|(name, value)| KeyValue::new(name, value)))
        .with_attributes(variable("OTEL_SERVICE_NAME").map(|name| KeyValue::new("service.name", name)))
        .build()
}

/// Logs that the declared attributes are not used. The specification discards them and goes on.
pub(super) fn warn_of_resource() {
    if let Err(fault) = variables::attributes(&variable(RESOURCE_ATTRIBUTES).unwrap_or_default()) {
        tracing::warn!(fault, "{RESOURCE_ATTRIBUTES} is ignored");
    }
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attribute of the resource that some variables make.
    fn attribute(of: &str, variables: &[(&str, &str)]) -> String {
        let variable =
            |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        resource_by(variable).get(&opentelemetry::Key::new(of.to_owned())).expect("an attribute").to_string()
    }

    #[test]
    fn the_service_name_goes_before_the_declared_attributes() {
        let declared = |list| [(RESOURCE_ATTRIBUTES, list)];
        let both = [("OTEL_SERVICE_NAME", "A"), (RESOURCE_ATTRIBUTES, "service.name=B")];
        assert_eq!(attribute("service.name", &both), "A");
        assert_eq!(attribute("service.name", &declared("service.name=B")), "B");
        assert_eq!(attribute("service.name", &declared("peer.service.name=x")), "lupa");
        assert_eq!(attribute("team", &declared("team=a%2Cb")), "a,b");
        assert_eq!(attribute("service.instance.id", &declared("service.instance.id=7")), "7");
        let own = attribute("service.instance.id", &declared("k8s.service.instance.id=7"));
        Uuid::parse_str(&own).expect("a new id");
        // One fault discards them all.
        assert_eq!(attribute("service.name", &declared("service.name=B,team")), "lupa");
    }
}
