//! The suite: one binary, a list of modules.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and tells what it does not expect as it comes"
)]

mod answer;
mod architecture;
mod bad_input;
mod bench_data;
mod core;
mod demo;
mod decoder;
mod differential;
#[cfg(feature = "envoy")]
mod envoy;
mod exhaustive;
mod faults;
mod fuzzed;
mod generator;
mod golden;
mod history;
mod kill;
mod matrix;
mod observability;
mod properties;
mod reference;
mod relay;
mod round_trip;
mod ports;
mod postgres;
mod running;
mod scenarios;
mod server;
#[cfg(feature = "envoy")]
mod sidecar;
mod sources_page;
mod store;
#[cfg(feature = "envoy")]
mod telemetry;
