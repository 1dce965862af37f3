//! Lupa ("permission"): a policy decision point over gRPC. For each record that
//! a professional is about to see it answers PERMIT or DENY with a reason. It
//! decides from the client's declarations, from a directory of organisations
//! and registers, and from what the caller asserts. A second service records the
//! declarations.
//!
//! ```text
//!  decide:  caller ─▶ server ─▶ service ─▶ index ─▶ policy ─▶ verdicts
//!                                            ▲
//!                                            │ follower: committed changes
//!                                            │
//!  record:  caller ─▶ server ─▶ service ─▶ store
//! ```
//!
//! In reading order:
//!
//! - [`clock`] reads the wall clock and checks it.
//! - [`policy`] is the core: pure rules, without I/O and without a clock.
//! - [`index`] holds every client's declarations in memory. Its follower reads
//!   the committed changes from the store.
//! - [`store`] makes declarations durable before they are acknowledged.
//! - [`wire`] converts between protobuf messages and the types of the core.
//! - [`decide`] is the one place where records are decided, whichever way a request came in.
//! - [`service`] implements the rpcs: it converts, decides and converts back.
//! - [`identity`] maps a caller to its disclosure level.
//! - [`limits`] bounds what callers may have in flight.
//! - [`server`] opens the parts, connects them and listens.
//! - [`telemetry`], [`config`] and [`cli`] are for the operator.
//!
//! `store` and `wire` do not import each other: both depend on the types of the
//! core only.

#![forbid(unsafe_code)]
#![deny(clippy::print_stderr, clippy::print_stdout)]

pub use lupa_policy as policy;

pub mod clock;
pub mod index;
pub mod store;
pub mod wire;
pub mod decide;
pub mod service;
pub mod identity;
pub mod limits;
pub mod server;
pub mod telemetry;
pub mod config;
pub mod cli;
