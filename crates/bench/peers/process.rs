//! Servers in child processes.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use lupa_bench::measure::noise::{add_child, processor_seconds_of, remove_child};
use tonic::transport::Channel;

/// A server in a child process, which is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// This program in another role, which prints its address.
    pub(crate) fn of_this_program(role: &str, argument: &std::path::Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(role).arg(argument).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a server");
        let output = child.stdout.take().expect("standard output");
        let address = |line: &str| line.strip_prefix("listening ")?.parse().ok();
        Self::of(child, output, address)
    }

    /// A program that prints its address on standard error.
    pub(crate) fn with_address_on_stderr(
        mut command: Command,
        address: impl Fn(&str) -> Option<SocketAddr>,
    ) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a server");
        let output = child.stderr.take().expect("standard error");
        Self::of(child, output, address)
    }

    /// A program with a given address. Returns when it accepts connections.
    pub(crate) fn at(mut command: Command, address: SocketAddr) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a server");
        add_child(child.id());
        while std::net::TcpStream::connect(address).is_err() {
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }

    fn of(
        child: Child,
        output: impl Read + Send + 'static,
        address: impl Fn(&str) -> Option<SocketAddr>,
    ) -> Self {
        add_child(child.id());
        let mut lines = BufReader::new(output).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| address(&line));
        thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("it prints its address") }
    }

    pub(crate) fn processor_seconds(&self) -> f64 {
        processor_seconds_of(self.child.id())
    }

    pub(crate) async fn connect(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).expect("a URL");
        endpoint.connect().await.expect("a connection")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        remove_child(self.child.id());
        self.child.kill().expect("killed");
        self.child.wait().expect("an end");
    }
}

/// A free port of loopback.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}
