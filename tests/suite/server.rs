//! The running server, over gRPC: every test starts the very function that
//! production starts, on a store of its own, and calls it as a client does.

mod catalogue;
mod concurrent;
mod decide;
mod directory;
mod ending;
mod explain;
mod fixture;
mod health;
mod index;
mod list;
mod orders;
mod print;
mod privacy;
mod record;
pub(crate) mod refused;
pub(crate) mod process;
pub(crate) mod requests;
mod simulate;
mod tokens;
mod undecodable;
mod watch;
