//! The cases of the `core` group, through a running server.

mod differential;
mod revisions;
mod scenarios;
