//! Lupa.

pub mod wire;
