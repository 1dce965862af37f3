//! Tests of what operators use: the demo, the dashboards and alerts, the exported
//! telemetry, the data of the benchmarks, and the planted faults of `tests/faults`.
//!
//! `operations::observability` needs the real Prometheus: `scripts/test` installs
//! it under `target/tools/prometheus`. `operations::faults` needs Git. The others
//! need nothing. Run only this group: `cargo test --test suite operations::`

mod demo;
mod faults;
mod observability;
#[cfg(feature = "envoy")]
pub(crate) mod telemetry;
