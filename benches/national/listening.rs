//! The two ways in which the empty services run.

use std::future::Future;
use std::net::SocketAddr;
use std::thread;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// Runs a server on a free port of loopback: one runtime a core, each with a
/// listener of its own on the same port. Never returns.
pub(crate) fn per_core<Serving>(serve: impl Fn(TcpListener) -> Serving + Clone + Send + 'static)
where
    Serving: Future<Output = ()>,
{
    let first = listener(SocketAddr::from(([127, 0, 0, 1], 0)));
    let address = first.local_addr().expect("an address");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let listeners = std::iter::once(first).chain((1..cores).map(|_| listener(address)));
    let threads: Vec<_> = listeners
        .map(|listener| {
            let serve = serve.clone();
            thread::spawn(move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async { serve(TcpListener::from_std(listener).expect("a listener")).await });
            })
        })
        .collect();
    println!("listening {address}");
    for thread in threads {
        thread.join().expect("a server");
    }
}

/// The same on tokio's default runtime, with one listener. Never returns.
pub(crate) fn shared<Serving>(serve: impl Fn(TcpListener) -> Serving)
where
    Serving: Future<Output = ()>,
{
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let listener = listener(SocketAddr::from(([127, 0, 0, 1], 0)));
    println!("listening {}", listener.local_addr().expect("an address"));
    runtime.block_on(async { serve(TcpListener::from_std(listener).expect("a listener")).await });
}

fn listener(address: SocketAddr) -> std::net::TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).expect("a socket");
    socket.set_reuse_port(true).expect("a shared port");
    socket.set_nonblocking(true).expect("a socket that does not block");
    socket.bind(&address.into()).expect("a port");
    socket.listen(BACKLOG).expect("a listener");
    socket.into()
}
