//! Servers and requests that several groups of tests use. It has no tests.

pub(crate) mod imported;
pub(crate) mod importing;
pub(crate) mod linking;
pub(crate) mod patience;
pub(crate) mod pooler;
pub(crate) mod ports;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod refused;
pub(crate) mod relay;
pub(crate) mod requests;
pub(crate) mod running;
pub(crate) mod standby;
