//! What is counted and timed on the way, each instrument named once. What is
//! asked for when metrics are read (the index, connections) is registered by
//! whoever knows it, see [`Metrics::meter`].
//!
//! Where a request passes, a handle is bound once and kept: counting is then
//! an addition, and no attribute is looked up.

mod text;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundCounter, BoundHistogram, Counter, Histogram, Meter, MeterProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::reader::MetricReader;

use crate::policy::declaration::Kind;
use crate::policy::directory::{RegisterKind, Sector};
use crate::policy::verdict::Reason;

use super::attributes::Attribute;
use super::rpc::Rpc;
use text::Reader;

/// In which form [`Metrics::text`] is.
pub const TEXT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the latency histograms, in seconds: from a microsecond to ten seconds.
const LATENCY_BOUNDS: [f64; 22] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5,
    1.0, 2.0, 5.0, 10.0,
];

/// Classes of requests by how many records they ask about: the most in each,
/// and its name. The first is for requests that ask about none.
const RECORD_CLASSES: [(usize, &str); 6] =
    [(0, "0"), (1, "1"), (10, "2-10"), (100, "11-100"), (1_000, "101-1000"), (usize::MAX, "1001+")];

/// The status codes of gRPC, by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Those that are a server's fault, by the semantic conventions.
const FAULTS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/// How many reasons there are, and sides of sharing: two sectors, registers of
/// none, and registers that are not known.
const REASONS: usize = Reason::InvalidRecord as usize + 1;
const SIDES: usize = 4;

/// How many records a request was about; in the extensions of its answer.
#[derive(Clone, Copy, Debug)]
pub struct RecordCount(pub usize);

/// A status code of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcStatus(usize);

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// A declaration of a kind.
    Declaration(Kind),
    /// A withdrawal.
    Withdrawal,
}

/// What the store was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOperation {
    /// To append a declaration or a withdrawal.
    Append,
    /// To read a client's history.
    ReadHistory,
    /// To log that declarations are viewed.
    LogViewing,
    /// To replace the directory.
    ReplaceDirectory,
}

/// What is counted and timed.
pub struct Metrics {
    provider: SdkMeterProvider,
    meter: Meter,
    reader: Reader,
    decisions: Counter<u64>,
    /// By requester, holder and reason.
    bound_decisions: Box<[OnceLock<BoundCounter<u64>>]>,
    calls: Histogram<f64>,
    /// By method, status and class.
    bound_calls: Box<[OnceLock<BoundHistogram<f64>>]>,
    refusals: Counter<u64>,
    declarations: Counter<u64>,
    store_operations: Histogram<f64>,
    store_errors: Counter<u64>,
    accept_failures: Counter<u64>,
}

impl RpcStatus {
    /// That of a request that was answered.
    pub const OK: Self = Self(0);

    /// The status with a number; a number that means nothing is `UNKNOWN`.
    #[must_use]
    pub fn of(number: i32) -> Self {
        usize::try_from(number).ok().filter(|place| *place < CODES.len()).map_or(Self(2), Self)
    }

    /// Such as `INVALID_ARGUMENT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        CODES.get(self.0).copied().unwrap_or("UNKNOWN")
    }

    /// Whether the server is at fault. A denial is none, and neither is a refusal.
    #[must_use]
    pub fn is_fault(self) -> bool {
        FAULTS.contains(&self.name())
    }
}

impl Recorded {
    /// As it stands in an attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Declaration(Kind::Information) => "information",
            Self::Declaration(Kind::Consent) => "consent",
            Self::Declaration(Kind::Denial) => "denial",
            Self::Withdrawal => "withdrawal",
        }
    }
}

impl StoreOperation {
    const ALL: [Self; 4] = [Self::Append, Self::ReadHistory, Self::LogViewing, Self::ReplaceDirectory];

    /// As it stands in an attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::ReadHistory => "read_history",
            Self::LogViewing => "log_viewing",
            Self::ReplaceDirectory => "replace_directory",
        }
    }
}

impl Metrics {
    /// Metrics that are also read by what sends them, if anything does.
    pub(super) fn new(sender: Option<impl MetricReader>, resource: opentelemetry_sdk::Resource) -> Self {
        let reader = Reader::default();
        let builder = SdkMeterProvider::builder().with_resource(resource).with_reader(reader.clone());
        let provider = match sender {
            Some(sender) => builder.with_reader(sender).build(),
            None => builder.build(),
        };
        let meter = provider.meter("lupa");
        let seconds = |name: &'static str, description: &'static str| {
            let bounds = LATENCY_BOUNDS.to_vec();
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(bounds).build()
        };
        let count = |name: &'static str, unit: &'static str, description: &'static str| {
            meter.u64_counter(name).with_unit(unit).with_description(description).build()
        };
        let metrics = Self {
            reader,
            decisions: count("lupa.decisions", "{record}", "Records decided about"),
            bound_decisions: unbound(SIDES * SIDES * REASONS),
            calls: seconds(
                "rpc.server.call.duration",
                "How long requests took, until their answer was written",
            ),
            bound_calls: unbound(Rpc::COUNT * CODES.len() * RECORD_CLASSES.len()),
            refusals: count(
                "lupa.refusals",
                "{request}",
                "Requests that were refused or not answered, by code",
            ),
            declarations: count("lupa.declarations", "{declaration}", "What was recorded, repeats apart"),
            store_operations: seconds(
                "lupa.store.operation.duration",
                "How long operations of the store took, waiting for the writer included",
            ),
            store_errors: count("lupa.store.errors", "{operation}", "Operations of the store that failed"),
            accept_failures: count(
                "lupa.connections.accept_failures",
                "{attempt}",
                "Times that no connection could be accepted, for want of memory or file descriptors",
            ),
            meter: meter.clone(),
            provider,
        };
        metrics.begin_at_zero();
        metrics
    }

    /// What is counted seldom is told from the start: that a counter comes up
    /// with a one is not seen as an increase.
    fn begin_at_zero(&self) {
        self.accept_failures.add(0, &[]);
        for kind in [Kind::Information, Kind::Consent, Kind::Denial].map(Recorded::Declaration) {
            self.declarations.add(0, &attributes([Attribute::declaration_kind(kind)]));
        }
        self.declarations.add(0, &attributes([Attribute::declaration_kind(Recorded::Withdrawal)]));
        for operation in StoreOperation::ALL {
            self.store_errors.add(0, &attributes([Attribute::store_operation(operation.name())]));
        }
    }

    /// Where further instruments are made, those that are asked when metrics are read.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Counts records with a reason, of registers of one kind; none = not known.
    pub fn decided(
        &self,
        requester: Option<RegisterKind>,
        holder: Option<RegisterKind>,
        reason: Reason,
        count: u64,
    ) {
        let place = (side(requester) * SIDES + side(holder)) * REASONS + reason as usize;
        let Some(bound) = self.bound_decisions.get(place) else { return };
        let bind = || {
            self.decisions.bind(&attributes([
                Attribute::effect(reason.effect()),
                Attribute::reason(reason),
                Attribute::requester_sector(requester),
                Attribute::holder_sector(holder),
            ]))
        };
        bound.get_or_init(bind).add(count);
    }

    /// Times a request.
    pub fn called(&self, rpc: Rpc, status: RpcStatus, records: usize, took: Duration) {
        let class = RECORD_CLASSES.iter().position(|(most, _)| records <= *most).unwrap_or_default();
        let place = (rpc.place() * CODES.len() + status.0) * RECORD_CLASSES.len() + class;
        let Some(bound) = self.bound_calls.get(place) else { return };
        let bind = || {
            let class = RECORD_CLASSES.get(class).map_or("", |(_, name)| *name);
            self.calls.bind(&attributes([
                Attribute::rpc_system(),
                Attribute::rpc_method(rpc),
                Attribute::rpc_status(status.name()),
                Attribute::records_class(class),
            ]))
        };
        bound.get_or_init(bind).record(took.as_secs_f64());
    }

    /// Counts a request that was refused or not answered, by the interface's code.
    pub fn refused(&self, rpc: Rpc, code: &str) {
        self.refusals.add(1, &attributes([Attribute::rpc_method(rpc), Attribute::refusal(code)]));
    }

    /// Counts what was recorded.
    pub fn recorded(&self, recorded: Recorded) {
        self.declarations.add(1, &attributes([Attribute::declaration_kind(recorded)]));
    }

    /// Times an operation of the store.
    pub fn stored(&self, operation: StoreOperation, took: Duration, has_failed: bool) {
        let attributes = attributes([Attribute::store_operation(operation.name())]);
        self.store_operations.record(took.as_secs_f64(), &attributes);
        if has_failed {
            self.store_errors.add(1, &attributes);
        }
    }

    /// Counts that no connection could be accepted.
    pub fn not_accepted(&self) {
        self.accept_failures.add(1, &[]);
    }

    /// Everything, as OpenMetrics text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        self.reader.text()
    }

    pub(super) fn shutdown(&self, within: Duration) -> OTelSdkResult {
        self.provider.shutdown_with_timeout(within)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn unbound<T>(count: usize) -> Box<[OnceLock<T>]> {
    (0..count).map(|_| OnceLock::new()).collect()
}

fn attributes<const N: usize>(attributes: [Attribute; N]) -> [KeyValue; N] {
    attributes.map(Attribute::into_key_value)
}

fn side(kind: Option<RegisterKind>) -> usize {
    match kind.map(RegisterKind::sector) {
        Some(Some(Sector::Healthcare)) => 0,
        Some(Some(Sector::SocialWelfare)) => 1,
        Some(None) => 2,
        None => 3,
    }
}
