//! Tests of decisions as pure functions: no server, no store, no clock.
//!
//! Needs nothing. Run only this group: `cargo test --test suite core::`
//! `LUPA_TEST_CASES=1000000` sets the number of generated cases.

mod answer;
mod decoder;
pub(crate) mod differential;
pub(crate) mod evaluate;
mod exhaustive;
mod fuzzed;
pub(crate) mod generator;
mod golden;
mod matrix;
pub(crate) mod properties;
pub(crate) mod reference;
mod repeated;
mod round_trip;
pub(crate) mod scenarios;
