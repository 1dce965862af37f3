//! Ports of this machine, for what listens in tests and benches.

use std::net::{SocketAddr, TcpListener};

/// A port of loopback that nobody listens on.
pub(crate) fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}
