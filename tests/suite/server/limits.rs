//! What one caller can do to the others: bytes that nobody reads, messages that never
//! end, connections that say nothing, floods. Each with the real binary, with small
//! limits, and beside it a caller whose requests must be answered.

mod connections;
mod memory;
mod raw;
mod shares;

use std::net::SocketAddr;
use std::path::Path;

use crate::fixtures::process::{Process, request, serve};

/// A server with these settings, and an HTTP port.
fn start(folder: &Path, settings: &[(&str, &str)]) -> Process {
    let mut command = serve(&folder.join("lupa.sqlite"));
    command.env("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0").envs(settings.iter().copied());
    Process::start(command).expect("it listens")
}

/// The value of a metric; 0 if it is absent.
async fn metric(http: SocketAddr, name: &str) -> u64 {
    let (_, text) = request(http, "GET", "/metrics", "").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse::<f64>().expect("a number") as u64)
}

/// How often a limit was reached.
async fn reached(http: SocketAddr, limit: &str) -> u64 {
    metric(http, &format!("lupa_limits_reached_total{{lupa_limit=\"{limit}\"}}")).await
}
