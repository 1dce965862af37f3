//! Tests of a running Lupa over gRPC and HTTP: started in the test process by the
//! same function that `lupa serve` calls, or as the real binary. Each test has a
//! store of its own in a temporary folder.
//!
//! Needs nothing, except `server::envoy`, which needs the real Envoy:
//! `scripts/test` installs it under `target/tools/envoy`, or set `ENVOY` to its path.
//! Run only this group: `cargo test --test suite server::`

mod bad_input;
mod bounded;
mod catalogue;
mod clocks;
mod concurrent;
mod decide;
mod directory;
mod ending;
#[cfg(feature = "envoy")]
mod envoy;
mod explain;
mod fixture;
mod health;
mod identity;
mod index;
mod limits;
mod links;
mod list;
mod orders;
mod over_grpc;
mod print;
mod privacy;
mod record;
mod shares;
#[cfg(feature = "envoy")]
pub(crate) mod sidecar;
mod simulate;
mod tokens;
mod undecodable;
mod viewings;
mod watch;
