//! Lupa.

pub mod index;
pub mod policy;
pub mod store;
pub mod wire;
