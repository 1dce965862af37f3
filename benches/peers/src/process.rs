//! Servers in processes of their own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tonic::transport::Channel;

use crate::noise::{add_child, remove_child, ticks_of};

/// In which the kernel counts a process's time.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// This program again, which tells where it listens.
    pub(crate) fn of_this_program(role: &str, argument: &std::path::Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(role).arg(argument).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a server");
        let said = child.stdout.take().expect("its words");
        let address = |line: &str| line.strip_prefix("listening ")?.parse().ok();
        Self::of(child, said, address)
    }

    /// A program that tells on standard error where it listens.
    pub(crate) fn told_on_stderr(mut command: Command, address: impl Fn(&str) -> Option<SocketAddr>) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a server");
        let said = child.stderr.take().expect("its words");
        Self::of(child, said, address)
    }

    /// A program that listens where it was told to, once it answers there.
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
        said: impl Read + Send + 'static,
        address: impl Fn(&str) -> Option<SocketAddr>,
    ) -> Self {
        add_child(child.id());
        let mut lines = BufReader::new(said).lines();
        let told = lines.by_ref().map_while(Result::ok).find_map(|line| address(&line));
        thread::spawn(move || lines.for_each(drop));
        Self { child, address: told.expect("it says where it listens") }
    }

    pub(crate) fn processor_seconds(&self) -> f64 {
        ticks_of(self.child.id()) as f64 / TICKS_PER_SECOND
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

/// An address on which nothing listens.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}
