//! Lupa.

pub mod cli;
pub mod policy;
pub mod wire;
