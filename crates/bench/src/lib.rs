//! What Lupa is measured with, apart from the shipped binary.
//!
//! - [`population`] computes synthetic clients and declarations from a seed.
//! - [`fill`] writes such a history into a new SQLite store.
//! - [`measure`] generates load over gRPC, repeats measurements and formats them.
//!
//! ```text
//!  lupa-bench data:  population ──▶ fill ──▶ lupa::store::bulk ──▶ a store file
//!  cargo bench --bench national:  measure ──gRPC──▶ lupa serve, empty services
//!  lupa-peers:                    measure ──gRPC──▶ lupa serve, Cerbos, SpiceDB
//! ```

#![forbid(unsafe_code)]

pub mod fill;
pub mod measure;
pub mod population;
