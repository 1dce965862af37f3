//! Tests of what operators use: commands whose server or output fails, the demo, the dashboards and alerts, the exported
//! telemetry, the data of the benchmarks, the planted faults of `tests/faults`, and
//! the files of history that `lupa import` and `lupa export` read and write.
//!
//! `operations::observability` needs the real Prometheus: `scripts/test` installs
//! it under `target/tools/prometheus`. `operations::faults` needs Git,
//! `operations::history_files` PostgreSQL's programs. The others
//! need nothing. Run only this group: `cargo test --test suite operations::`

mod commands;
mod demo;
mod faults;
mod history_files;
mod observability;
mod process;
#[cfg(feature = "envoy")]
pub(crate) mod telemetry;
