//! Lupa.

pub mod policy;
pub mod wire;
