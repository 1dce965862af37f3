//! The two runtimes of the empty services.

use std::future::Future;
use std::net::SocketAddr;
use std::thread;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Maximum number of connections that wait for a worker.
const WAITING_MAX: usize = 256;

/// Accepted connections, in the type that tonic expects.
pub(crate) type Incoming = ReceiverStream<std::io::Result<TcpStream>>;

/// Runs a server on a free port of loopback as Lupa does: one runtime and thread
/// per core, among which connections are distributed in turn. Never returns.
pub(crate) fn per_core<Serving>(serve: impl Fn(Incoming) -> Serving + Clone + Send + 'static)
where
    Serving: Future<Output = ()>,
{
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers: Vec<mpsc::Sender<std::net::TcpStream>> = (0..cores)
        .map(|_| {
            let (sender, connections) = mpsc::channel(WAITING_MAX);
            let serve = serve.clone();
            thread::spawn(move || worker(serve, connections));
            sender
        })
        .collect();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = listen().await;
        for worker in workers.iter().cycle() {
            let stream = accept(&listener).await.into_std().expect("a connection");
            worker.send(stream).await.expect("a worker");
        }
    });
}

/// The same on tokio's default runtime. Never returns.
pub(crate) fn shared<Serving>(serve: impl Fn(Incoming) -> Serving)
where
    Serving: Future<Output = ()> + Send + 'static,
{
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (sender, connections) = mpsc::channel(WAITING_MAX);
    runtime.spawn(serve(ReceiverStream::new(connections)));
    runtime.block_on(async {
        let listener = listen().await;
        loop {
            sender.send(Ok(accept(&listener).await)).await.expect("a server");
        }
    });
}

fn worker<Serving: Future<Output = ()>>(
    serve: impl Fn(Incoming) -> Serving,
    mut connections: mpsc::Receiver<std::net::TcpStream>,
) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (sender, adopted) = mpsc::channel(WAITING_MAX);
    runtime.block_on(async {
        let adopting = async {
            while let Some(stream) = connections.recv().await {
                // A connection belongs to the runtime in which it is registered.
                sender.send(TcpStream::from_std(stream)).await.expect("a server");
            }
        };
        tokio::join!(adopting, serve(ReceiverStream::new(adopted)));
    });
}

async fn listen() -> TcpListener {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    println!("listening {}", listener.local_addr().expect("an address"));
    listener
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().await.expect("a connection");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    stream
}
