//! The values of the settings, a struct for each section.
//!
//! [`SETTINGS`](super::SETTINGS) describes each setting once. The fields here
//! have the names of the settings and no description of their own.

#![expect(missing_docs, reason = "each field is the setting of the same name, described in SETTINGS")]

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Calendar, Log, Route, Store, Telemetry};

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub limits: Limits,
    pub access: Access,
    pub sidecar: Sidecar,
    pub store: Store,
    pub index: Index,
    pub watch: Watch,
    pub consistency: Consistency,
    pub clock: Clock,
    pub listing: Listing,
    pub log: Log,
    pub telemetry: Telemetry,
    pub calendar: Calendar,
}

/// The gRPC server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen_address: SocketAddr,
    pub http_address: Option<SocketAddr>,
    pub allow_plaintext_beyond_loopback: bool,
    pub tls_certificate_file: Option<PathBuf>,
    pub tls_key_file: Option<PathBuf>,
    pub callers_file: Option<PathBuf>,
    pub reflection: Reflection,
    pub runtime: Runtime,
    pub workers: usize,
    pub request_bytes_max: usize,
    pub response_bytes_max: usize,
    pub records_per_request_max: usize,
    pub concurrent_streams_per_connection_max: u32,
    pub stream_window_bytes: u32,
    pub connection_window_bytes: u32,
    pub frame_bytes_max: u32,
    pub local_error_resets_max: usize,
    pub header_list_bytes_max: u32,
    pub request_timeout_ms: u64,
    pub keepalive_interval_ms: u64,
    pub keepalive_timeout_ms: u64,
    pub shutdown_wait_ms: u64,
    pub shutdown_grace_ms: u64,
}

/// What callers may have in flight, and for how long.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub in_flight_bytes_max: u64,
    pub in_flight_bytes_per_caller_max: u64,
    pub in_flight_bytes_per_connection_max: u64,
    pub requests_max: u64,
    pub requests_per_caller_max: u64,
    pub connections_max: u64,
    pub connections_per_caller_max: u64,
    pub http_connections_max: usize,
    pub first_request_ms_max: u64,
    pub message_ms_max: u64,
    pub answer_ms_max: u64,
    pub idle_connection_ms_max: u64,
    pub control_frames_per_second_max: u32,
    pub reads_max: usize,
    pub reads_per_caller_max: usize,
    pub viewings_per_minute_per_caller_max: u64,
    pub viewings_counted_max: usize,
    pub declarations_per_client_max: usize,
    pub simulated_declarations_max: usize,
    pub directory_entries_max: usize,
    pub side_threads: usize,
    pub side_queue_length_max: usize,
}

/// How connections are distributed over the cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Each worker thread serves its own connections.
    PerCore,
    /// One work-stealing thread pool serves all connections.
    Shared,
}

/// When gRPC server reflection answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reflection {
    /// While the server listens on loopback.
    Loopback,
    /// Always.
    On,
    /// Never.
    Off,
}

/// The disclosure level of callers, by their network address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    pub loopback: Entitlement,
    pub beyond_loopback: Entitlement,
}

/// The disclosure level of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entitlement {
    /// Everything: details, explanations, simulations, denials, replacing the directory.
    Full,
    /// Verdicts without details.
    Public,
}

/// Envoy's external authorization.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    pub socket_path: Option<PathBuf>,
    pub socket_group_may_connect: bool,
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// The index in memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    pub poll_interval_ms: u64,
    pub max_staleness_ms: u64,
    pub retry_delay_max_ms: u64,
    pub overlay_clients_max: usize,
    pub checkpoint_path: Option<PathBuf>,
    pub checkpoint_interval_ms: u64,
    pub checkpoint_changes_min: u64,
}

/// Watch streams.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    pub streams_max: usize,
    pub streams_per_caller_max: usize,
    pub changes_per_message_max: usize,
    pub checkpoint_interval_ms: u64,
    pub send_timeout_ms: u64,
}

/// Revision tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    pub wait_ms_max: u64,
}

/// The wall clocks of this server and of recorders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    pub difference_ms_max: u64,
    pub step_back_ms_max: u64,
    pub recorder_ahead_ms_max: u32,
}

/// Lists of declarations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    pub page_size_default: u32,
    pub page_size_max: u32,
}
