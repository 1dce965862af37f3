//! Lupa.

pub mod cli;
pub mod config;
pub mod policy;
pub mod telemetry;
pub mod wire;
