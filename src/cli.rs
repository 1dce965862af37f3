//! The command line.

pub mod document;
