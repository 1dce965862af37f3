//! Lupa ("permission"): a gRPC policy decision point. It answers, for each
//! record that a professional is about to see, PERMIT or DENY with a reason,
//! from what the client has declared, what the directory says, and what the
//! caller asserts. A second service records the declarations.
//!
//! In reading order:
//!
//! - [`policy`] is the core: pure rules, no I/O, no clock.
//! - [`index`] keeps every client's declarations in memory; its follower reads
//!   committed changes from the
//! - [`store`], where declarations are durable before they are acknowledged.
//! - [`wire`] converts between the generated messages and the core's types.
//! - [`service`] converts, decides, converts.
//! - [`identity`] says what a caller may ask.
//! - [`server`] opens the parts, joins them and listens.
//! - [`telemetry`], [`config`] and [`cli`] are for the operator.
//!
//! `store` and `wire` never meet: both know the core's types only.

#![forbid(unsafe_code)]

pub use lupa_policy as policy;

pub mod index;
pub mod store;
pub mod wire;
pub mod service;
pub mod identity;
pub mod server;
pub mod telemetry;
pub mod config;
pub mod cli;
