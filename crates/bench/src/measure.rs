//! The load generator and the statistics that the benches share: closed-loop
//! load over gRPC, interleaved repeats with a check for foreign load, and
//! Markdown tables.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails by panicking")]

pub mod caller;
pub mod load;
pub mod machine;
pub mod noise;
pub mod repeats;
pub mod report;

use std::path::PathBuf;

/// The root folder of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    crates.expect("the crate is two folders below the root").to_owned()
}
