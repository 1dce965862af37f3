//! The catalogue of metrics: each is described once. Instruments, the `# HELP`
//! lines of `/metrics`, `lupa metrics` and `docs/metrics.md` take name, type,
//! unit, labels and text from here.

use std::borrow::Cow;

use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};

/// The name and the meaning of a metric.
#[derive(Debug)]
pub struct MetricDefinition {
    /// Name in OTLP.
    pub name: &'static str,
    /// How its value develops.
    pub kind: MetricKind,
    /// Unit in OTLP, by UCUM; empty = a plain number.
    pub unit: &'static str,
    /// Names of its attributes in OTLP.
    pub labels: &'static [&'static str],
    /// Its meaning, without a final period.
    pub help: &'static str,
}

/// How the value of a metric develops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only rises, from 0 at the start of the process.
    Counter,
    /// It rises and falls.
    Gauge,
    /// Observations, counted in buckets.
    Histogram,
}

/// Every metric, in the order of the page.
pub static METRICS: &[&MetricDefinition] = &[
    &DECISIONS,
    &CALLS,
    &REFUSALS,
    &DECLARATIONS,
    &STORE_OPERATIONS,
    &STORE_ERRORS,
    &INDEX_AGE,
    &INDEX_REVISION,
    &INDEX_MARKED_REVISION,
    &INDEX_MARKED_DIGEST,
    &INDEX_CLIENTS,
    &INDEX_DECLARATIONS,
    &INDEX_BASE,
    &INDEX_OVERLAY_CLIENTS,
    &INDEX_LOAD,
    &INDEX_MERGES,
    &INDEX_LAST_MERGE,
    &INDEX_LONGEST_MERGE_STEP,
    &INDEX_READ_FAILURES,
    &INDEX_LOADS,
    &STORE_LOST_REVISIONS,
    &CLOCK_DIFFERENCE,
    &INDEX_CHECKPOINT_AGE,
    &INDEX_CHECKPOINT_REVISION,
    &INDEX_CHECKPOINT,
    &INDEX_CHECKPOINT_REFUSED,
    &CONNECTIONS_OPEN,
    &CONNECTIONS_ACCEPTED,
    &CONNECTION_ACCEPT_FAILURES,
    &LIMITS_REACHED,
    &NOT_IDENTIFIED,
    &IDENTITY_EXPIRY,
    &IDENTITY_RELOAD_FAILED,
    &IN_FLIGHT_BYTES,
    &IN_FLIGHT_REQUESTS,
    &BUILD,
];

pub(crate) static DECISIONS: MetricDefinition = counter(
    "lupa.decisions",
    "{record}",
    &["lupa.effect", "lupa.reason", "lupa.requester.sector", "lupa.holder.sector"],
    "Records decided; a sector is NONE for a register of the citizen's own data and UNKNOWN for one that is not in the directory",
);
pub(crate) static CALLS: MetricDefinition = histogram(
    "rpc.server.call.duration",
    &["rpc.system.name", "rpc.method", "rpc.response.status_code", "lupa.records.class"],
    "Duration of requests until their answer is written, by method, status and number of records requested",
);
pub(crate) static REFUSALS: MetricDefinition = counter(
    "lupa.refusals",
    "{request}",
    &["rpc.method", "lupa.refusal"],
    "Requests that were rejected or could not be answered, by error reason",
);
pub(crate) static DECLARATIONS: MetricDefinition = counter(
    "lupa.declarations",
    "{declaration}",
    &["lupa.declaration.kind"],
    "Changes recorded: information, consent, denial, withdrawal, link or unlink; replays of an idempotency key do not count",
);
pub(crate) static STORE_OPERATIONS: MetricDefinition = histogram(
    "lupa.store.operation.duration",
    &["lupa.store.operation"],
    "Duration of store operations, including the wait for the writer",
);
pub(crate) static STORE_ERRORS: MetricDefinition =
    counter("lupa.store.errors", "{operation}", &["lupa.store.operation"], "Store operations that failed");
pub(crate) static INDEX_AGE: MetricDefinition = gauge(
    "lupa.index.age",
    "s",
    &[],
    "Seconds since the start of the last poll that found the index up to date",
);
pub(crate) static INDEX_REVISION: MetricDefinition =
    gauge("lupa.index.revision", "", &[], "Revision of the index; replicas of one store reach the same one");
pub(crate) static INDEX_MARKED_REVISION: MetricDefinition = gauge(
    "lupa.index.marked_revision",
    "",
    &[],
    "Revision of the last minute digest; all replicas of one store take it at the same revisions",
);
pub(crate) static INDEX_MARKED_DIGEST: MetricDefinition = gauge(
    "lupa.index.marked_digest",
    "",
    &[],
    "State digest at that revision, its upper 53 bits; a replica with another value than the others has diverged. All bits: lupa index stats",
);
pub(crate) static INDEX_CLIENTS: MetricDefinition =
    gauge("lupa.index.clients", "", &[], "Clients with declarations");
pub(crate) static INDEX_DECLARATIONS: MetricDefinition =
    gauge("lupa.index.declarations", "", &[], "Declarations, withdrawn ones included");
pub(crate) static INDEX_BASE: MetricDefinition =
    gauge("lupa.index.base", "By", &["part"], "Memory of the packed base: clients, entries and contents");
pub(crate) static INDEX_OVERLAY_CLIENTS: MetricDefinition = gauge(
    "lupa.index.overlay_clients",
    "",
    &[],
    "Clients with changes in the overlay, which are not merged into the base yet",
);
pub(crate) static INDEX_LOAD: MetricDefinition =
    gauge("lupa.index.load", "s", &[], "Duration of the load at the start");
pub(crate) static INDEX_MERGES: MetricDefinition =
    counter("lupa.index.merges", "", &[], "Completed merges of the overlay into the base");
pub(crate) static INDEX_LAST_MERGE: MetricDefinition =
    gauge("lupa.index.last_merge", "s", &[], "Duration of the last merge, pauses included");
pub(crate) static INDEX_LONGEST_MERGE_STEP: MetricDefinition = gauge(
    "lupa.index.longest_merge_step",
    "s",
    &[],
    "Longest merge step: the maximum delay that a merge added to a change",
);
pub(crate) static INDEX_READ_FAILURES: MetricDefinition = counter(
    "lupa.index.read_failures",
    "",
    &[],
    "Failed reads of the store; while they last the index becomes stale",
);
pub(crate) static INDEX_LOADS: MetricDefinition = counter(
    "lupa.index.loads",
    "",
    &[],
    "Times that the index was loaded: at the start, and again when what was read no longer counts",
);
pub(crate) static STORE_LOST_REVISIONS: MetricDefinition = counter(
    "lupa.store.lost_revisions",
    "",
    &[],
    "Changes that this server had seen acknowledged and that the store has lost",
);
pub(crate) static CLOCK_DIFFERENCE: MetricDefinition = gauge(
    "lupa.clock.difference",
    "s",
    &[],
    "How far the wall clock is ahead of the database's (PostgreSQL), or of what it was confirmed to be (SQLite); \
     negative if it is behind",
);
pub(crate) static INDEX_CHECKPOINT_AGE: MetricDefinition = gauge(
    "lupa.index.checkpoint_age",
    "s",
    &[],
    "Seconds since the last checkpoint was written, or read at the start",
);
pub(crate) static INDEX_CHECKPOINT_REVISION: MetricDefinition =
    gauge("lupa.index.checkpoint_revision", "", &[], "Revision of the last checkpoint");
pub(crate) static INDEX_CHECKPOINT: MetricDefinition =
    gauge("lupa.index.checkpoint", "s", &[], "Duration of writing or reading the last checkpoint");
pub(crate) static INDEX_CHECKPOINT_REFUSED: MetricDefinition = counter(
    "lupa.index.checkpoint_refused",
    "",
    &["reason"],
    "Checkpoints that were refused because they may be forged; the store was read instead",
);
pub(crate) static CONNECTIONS_OPEN: MetricDefinition =
    gauge("lupa.connections.open", "", &[], "Open connections");
pub(crate) static CONNECTIONS_ACCEPTED: MetricDefinition =
    counter("lupa.connections.accepted", "", &[], "Accepted connections");
pub(crate) static CONNECTION_ACCEPT_FAILURES: MetricDefinition = counter(
    "lupa.connections.accept_failures",
    "{attempt}",
    &[],
    "Connections that could not be accepted, for lack of memory or file descriptors",
);
pub(crate) static LIMITS_REACHED: MetricDefinition = counter(
    "lupa.limits.reached",
    "{time}",
    &["lupa.limit"],
    "Connections and streams that were ended or refused at a limit, by the setting in `limits` that says it; \
     requests that were refused are in lupa.refusals",
);
pub(crate) static NOT_IDENTIFIED: MetricDefinition = counter(
    "lupa.callers.not_identified",
    "{time}",
    &["lupa.reason"],
    "Connections and requests of callers that are not known: handshake, certificate, token, forwarded, missing",
);
pub(crate) static IDENTITY_EXPIRY: MetricDefinition = gauge(
    "lupa.identity.expiry_timestamp",
    "s",
    &["lupa.kind", "lupa.name"],
    "When a certificate or a list of revoked certificates expires, in seconds since 1970",
);
pub(crate) static IDENTITY_RELOAD_FAILED: MetricDefinition = gauge(
    "lupa.identity.reload_failed",
    "",
    &[],
    "1 while certificates and callers cannot be reloaded: those before stay in force; the log names the file",
);
pub(crate) static IN_FLIGHT_BYTES: MetricDefinition = gauge(
    "lupa.in_flight.bytes",
    "By",
    &[],
    "Bytes of requests and answers in flight beyond the part that each connection has for itself; at most \
     `limits.in_flight_bytes_max`",
);
pub(crate) static IN_FLIGHT_REQUESTS: MetricDefinition = gauge(
    "lupa.in_flight.requests",
    "{request}",
    &[],
    "Requests in flight beyond the part that each connection has for itself; at most `limits.requests_max`",
);
pub(crate) static BUILD: MetricDefinition =
    gauge("lupa.build_info", "", &["version"], "Always 1; the label is the version of lupa");

const fn counter(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricDefinition {
    MetricDefinition { name, kind: MetricKind::Counter, unit, labels, help }
}

const fn gauge(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricDefinition {
    MetricDefinition { name, kind: MetricKind::Gauge, unit, labels, help }
}

/// Of durations, in seconds.
const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricDefinition {
    MetricDefinition { name, kind: MetricKind::Histogram, unit: "s", labels, help }
}

impl MetricDefinition {
    /// Its name at `/metrics`, such as `lupa_index_age_seconds`.
    #[must_use]
    pub fn exposed_name(&self) -> String {
        let unit = match self.unit {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        let total = if self.kind == MetricKind::Counter { "_total" } else { "" };
        format!("{}{unit}{total}", self.name.replace('.', "_"))
    }

    /// The names of its labels at `/metrics`.
    pub fn exposed_labels(&self) -> impl Iterator<Item = String> {
        self.labels.iter().map(|label| label.replace('.', "_"))
    }

    /// Its unit in words; empty = a plain number.
    #[must_use]
    pub fn unit_name(&self) -> Cow<'static, str> {
        match self.unit {
            "s" => "seconds".into(),
            "By" => "bytes".into(),
            unit => match unit.strip_prefix('{').and_then(|unit| unit.strip_suffix('}')) {
                Some(noun) => format!("{noun}s").into(),
                None => unit.into(),
            },
        }
    }

    pub(super) fn counter(&self, meter: &Meter) -> Counter<u64> {
        meter.u64_counter(self.name).with_unit(self.unit).with_description(self.help).build()
    }

    pub(super) fn histogram(&self, meter: &Meter, bounds: Vec<f64>) -> Histogram<f64> {
        let histogram = meter.f64_histogram(self.name).with_unit(self.unit).with_description(self.help);
        histogram.with_boundaries(bounds).build()
    }

    /// Registers a whole number that is read when metrics are collected.
    pub(crate) fn observe_u64(
        &self,
        meter: &Meter,
        observe: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
    ) {
        let (name, unit, help) = (self.name, self.unit, self.help);
        if self.kind == MetricKind::Counter {
            let counter = meter.u64_observable_counter(name).with_unit(unit).with_description(help);
            counter.with_callback(observe).build();
        } else {
            let gauge = meter.u64_observable_gauge(name).with_unit(unit).with_description(help);
            gauge.with_callback(observe).build();
        }
    }

    /// Registers a gauge of seconds that is read when metrics are collected.
    pub(crate) fn observe_f64(
        &self,
        meter: &Meter,
        observe: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static,
    ) {
        let gauge = meter.f64_observable_gauge(self.name).with_unit(self.unit).with_description(self.help);
        gauge.with_callback(observe).build();
    }
}

impl MetricKind {
    /// Its name in OpenMetrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The catalogue as a Markdown table, which is what `docs/metrics.md` contains.
#[must_use]
pub fn markdown() -> String {
    let mut text = "| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n".to_owned();
    for metric in METRICS {
        let labels: Vec<String> = metric.exposed_labels().map(|label| format!("`{label}`")).collect();
        let (name, kind, unit) = (metric.exposed_name(), metric.kind.name(), metric.unit_name());
        let (labels, help) = (labels.join(", "), metric.help);
        text += &format!("| `{name}` | {kind} | {unit} | {labels} | {help} |\n");
    }
    text
}

/// The catalogue for a terminal: a line with name, type, unit and labels, and the meaning below it.
#[must_use]
pub fn plain() -> String {
    let mut text = String::new();
    for metric in METRICS {
        text += &format!("{} {}", metric.exposed_name(), metric.kind.name());
        let unit = metric.unit_name();
        if !unit.is_empty() {
            text += &format!(", {unit}");
        }
        let labels: Vec<String> = metric.exposed_labels().collect();
        if !labels.is_empty() {
            text += &format!(", by {}", labels.join(", "));
        }
        text += &format!("\n    {}\n", metric.help);
    }
    text
}
