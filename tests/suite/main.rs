//! The suite: one binary, a list of modules.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod architecture;
mod bad_input;
mod demo;
mod differential;
mod generator;
mod kill;
mod reference;
mod scenarios;
mod server;
