//! The test suite: one binary, with its tests grouped by what they need.
//!
//! | group | needs | run only this group |
//! |---|---|---|
//! | `core` | nothing | `cargo test --test suite core::` |
//! | `server` | nothing; `server::envoy` needs Envoy | `cargo test --test suite server::` |
//! | `store` | PostgreSQL's `initdb` and `postgres`; `store::history` also libfaketime | `cargo test --test suite store::` |
//! | `operations` | Git; `operations::observability` needs Prometheus | `cargo test --test suite operations::` |
//! | `architecture` | Git | `cargo test --test suite architecture::` |
//!
//! `scripts/test` installs what is missing and runs them all. `fixtures` has no
//! tests: it starts the servers that several groups need.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test reports a failure by panicking"
)]

mod architecture;
mod core;
mod fixtures;
mod operations;
mod pages;
mod server;
mod store;
