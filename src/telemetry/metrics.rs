//! The instruments that count and time requests and store operations. Metrics of
//! state (the index, connections) are registered by their owners and read when
//! metrics are collected, see [`Metrics::meter`]. All are described in
//! [`catalogue`].
//!
//! On the path of a request an instrument is bound to its attributes once and the
//! bound one is reused: counting is then an addition, without a lookup by attributes.

pub mod catalogue;
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
use text::MetricsReader;

pub use super::attributes::Recorded;
pub use catalogue::{METRICS, MetricDefinition, MetricKind, markdown, plain};

/// The media type of [`Metrics::text`].
pub const TEXT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the latency histograms, in seconds: from a microsecond to ten seconds.
const LATENCY_BOUNDS: [f64; 22] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5,
    1.0, 2.0, 5.0, 10.0,
];

/// Classes of requests by the number of records requested: the maximum of each,
/// and its name.
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

/// The codes that the semantic conventions count as server errors.
const FAULTS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/// Number of reasons.
const REASONS: usize = Reason::InvalidRecord as usize + 1;
/// Number of sectors of a register: two, none and unknown.
const SECTORS: usize = 4;

/// Number of records requested; in the extensions of the response.
#[derive(Clone, Copy, Debug)]
pub struct RecordCount(pub usize);

/// A status code of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcStatus(usize);

/// An operation of the store that is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOperation {
    /// Append a declaration or a withdrawal.
    Append,
    /// Read a client's history.
    ReadHistory,
    /// Log that declarations are viewed.
    LogViewing,
    /// Replace the directory.
    ReplaceDirectory,
}

/// A limit at which a connection or a stream ends, or is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitName(&'static str);

impl LimitName {
    /// The number of connections, in all or of a caller.
    pub const CONNECTIONS: Self = Self("connections_max");
    /// The number of connections of the HTTP port.
    pub const HTTP_CONNECTIONS: Self = Self("http_connections_max");
    /// The time until the first request, and for a block of headers.
    pub const FIRST_REQUEST: Self = Self("first_request_ms_max");
    /// The time in which a message arrives.
    pub const MESSAGE_TIME: Self = Self("message_ms_max");
    /// The time in which an answer is read.
    pub const ANSWER_TIME: Self = Self("answer_ms_max");
    /// The time without a request.
    pub const IDLE_CONNECTION: Self = Self("idle_connection_ms_max");
    /// Frames that no request explains.
    pub const CONTROL_FRAMES: Self = Self("control_frames_per_second_max");

    const ALL: [Self; 7] = [
        Self::CONNECTIONS,
        Self::HTTP_CONNECTIONS,
        Self::FIRST_REQUEST,
        Self::MESSAGE_TIME,
        Self::ANSWER_TIME,
        Self::IDLE_CONNECTION,
        Self::CONTROL_FRAMES,
    ];

    /// The key of the setting in the section `limits`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// Why a caller is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityRefusal {
    /// The handshake of TLS has failed.
    Handshake,
    /// The certificate names no caller, or no longer.
    Certificate,
    /// The token is not valid, or not of this caller.
    Token,
    /// What a proxy has passed on names no caller.
    Forwarded,
    /// There is neither.
    Missing,
}

impl IdentityRefusal {
    const ALL: [Self; 5] = [Self::Handshake, Self::Certificate, Self::Token, Self::Forwarded, Self::Missing];

    fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Certificate => "certificate",
            Self::Token => "token",
            Self::Forwarded => "forwarded",
            Self::Missing => "missing",
        }
    }
}

/// The instruments of the process.
pub struct Metrics {
    provider: SdkMeterProvider,
    meter: Meter,
    reader: MetricsReader,
    decisions: Counter<u64>,
    /// Indexed by requester, holder and reason.
    bound_decisions: Box<[OnceLock<BoundCounter<u64>>]>,
    calls: Histogram<f64>,
    /// Indexed by method, status and class.
    bound_calls: Box<[OnceLock<BoundHistogram<f64>>]>,
    refusals: Counter<u64>,
    declarations: Counter<u64>,
    store_operations: Histogram<f64>,
    store_errors: Counter<u64>,
    accept_failures: Counter<u64>,
    limits_reached: Counter<u64>,
    not_identified: Counter<u64>,
}

impl RpcStatus {
    /// The request was answered.
    pub const OK: Self = Self(0);

    /// The status with a number; an undefined number is `UNKNOWN`.
    #[must_use]
    pub fn of(number: i32) -> Self {
        usize::try_from(number).ok().filter(|place| *place < CODES.len()).map_or(Self(2), Self)
    }

    /// Such as `INVALID_ARGUMENT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        CODES.get(self.0).copied().unwrap_or("UNKNOWN")
    }

    /// Whether it is a server error. A denial is none, and neither is a refusal.
    #[must_use]
    pub fn is_fault(self) -> bool {
        FAULTS.contains(&self.name())
    }
}

impl StoreOperation {
    const ALL: [Self; 4] = [Self::Append, Self::ReadHistory, Self::LogViewing, Self::ReplaceDirectory];

    /// Its name in an attribute.
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
    /// Metrics for `/metrics` and, if there is one, for a further reader that sends them.
    pub(super) fn new(sender: Option<impl MetricReader>, resource: opentelemetry_sdk::Resource) -> Self {
        let reader = MetricsReader::default();
        let builder = SdkMeterProvider::builder().with_resource(resource).with_reader(reader.clone());
        let provider = match sender {
            Some(sender) => builder.with_reader(sender).build(),
            None => builder.build(),
        };
        let meter = provider.meter("lupa");
        let seconds = |metric: &MetricDefinition| metric.histogram(&meter, LATENCY_BOUNDS.to_vec());
        let metrics = Self {
            reader,
            decisions: catalogue::DECISIONS.counter(&meter),
            bound_decisions: unbound(SECTORS * SECTORS * REASONS),
            calls: seconds(&catalogue::CALLS),
            bound_calls: unbound(Rpc::COUNT * CODES.len() * RECORD_CLASSES.len()),
            refusals: catalogue::REFUSALS.counter(&meter),
            declarations: catalogue::DECLARATIONS.counter(&meter),
            store_operations: seconds(&catalogue::STORE_OPERATIONS),
            store_errors: catalogue::STORE_ERRORS.counter(&meter),
            accept_failures: catalogue::CONNECTION_ACCEPT_FAILURES.counter(&meter),
            limits_reached: catalogue::LIMITS_REACHED.counter(&meter),
            not_identified: catalogue::NOT_IDENTIFIED.counter(&meter),
            meter: meter.clone(),
            provider,
        };
        metrics.initialize_at_zero();
        metrics
    }

    /// Exports rare counters from the start: `rate()` and `increase()` miss a counter
    /// that first appears with the value 1.
    fn initialize_at_zero(&self) {
        self.accept_failures.add(0, &[]);
        for LimitName(name) in LimitName::ALL {
            self.limits_reached.add(0, &attributes([Attribute::limit(name)]));
        }
        for why in IdentityRefusal::ALL {
            self.not_identified.add(0, &attributes([Attribute::identity_refusal(why.name())]));
        }
        for kind in [Kind::Information, Kind::Consent, Kind::Denial].map(Recorded::Declaration) {
            self.declarations.add(0, &attributes([Attribute::declaration_kind(kind)]));
        }
        for kind in [Recorded::Withdrawal, Recorded::Link, Recorded::Unlink] {
            self.declarations.add(0, &attributes([Attribute::declaration_kind(kind)]));
        }
        for operation in StoreOperation::ALL {
            self.store_errors.add(0, &attributes([Attribute::store_operation(operation.name())]));
        }
    }

    /// For instruments of other owners, which are read when metrics are collected.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Counts records decided for one reason; a register that is not known has no kind.
    pub fn decided(
        &self,
        requester: Option<RegisterKind>,
        holder: Option<RegisterKind>,
        reason: Reason,
        count: u64,
    ) {
        let place = (sector(requester) * SECTORS + sector(holder)) * REASONS + reason as usize;
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

    /// Records the duration of a request.
    pub fn called(&self, rpc: Rpc, status: RpcStatus, records: usize, took: Duration) {
        let class = RECORD_CLASSES.iter().position(|(max, _)| records <= *max).unwrap_or_default();
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

    /// Counts a request that was rejected or not answered, by its error reason.
    pub fn refused(&self, rpc: Rpc, code: &str) {
        self.refusals.add(1, &attributes([Attribute::rpc_method(rpc), Attribute::refusal(code)]));
    }

    /// Counts a declaration or a withdrawal that was recorded.
    pub fn recorded(&self, recorded: Recorded) {
        self.declarations.add(1, &attributes([Attribute::declaration_kind(recorded)]));
    }

    /// Records the duration of a store operation.
    pub fn stored(&self, operation: StoreOperation, took: Duration, has_failed: bool) {
        let attributes = attributes([Attribute::store_operation(operation.name())]);
        self.store_operations.record(took.as_secs_f64(), &attributes);
        if has_failed {
            self.store_errors.add(1, &attributes);
        }
    }

    /// Counts a connection that could not be accepted.
    pub fn not_accepted(&self) {
        self.accept_failures.add(1, &[]);
    }

    /// Counts a connection or a request of a caller that is not known.
    pub fn not_identified(&self, why: IdentityRefusal) {
        self.not_identified.add(1, &attributes([Attribute::identity_refusal(why.name())]));
    }

    /// Counts a connection or a stream that was ended or refused at a limit.
    pub fn limit_reached(&self, LimitName(name): LimitName) {
        self.limits_reached.add(1, &attributes([Attribute::limit(name)]));
    }

    /// All metrics, as OpenMetrics text.
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

fn sector(kind: Option<RegisterKind>) -> usize {
    match kind.map(RegisterKind::sector) {
        Some(Some(Sector::Healthcare)) => 0,
        Some(Some(Sector::SocialWelfare)) => 1,
        Some(None) => 2,
        None => 3,
    }
}
