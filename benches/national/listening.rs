//! The two ways in which the empty services run.

use std::future::Future;
use std::net::SocketAddr;
use std::thread;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Connections that a worker has not taken up yet.
const WAITING_MAX: usize = 256;

/// Connections, as tonic takes them.
pub(crate) type Incoming = ReceiverStream<std::io::Result<TcpStream>>;

/// Runs a server on a free port of loopback as Lupa does: a runtime for each
/// core, each in a thread, to which connections are handed in turn. Never returns.
pub(crate) fn per_core<Serving>(serve: impl Fn(Incoming) -> Serving + Clone + Send + 'static)
where
    Serving: Future<Output = ()>,
{
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers: Vec<mpsc::Sender<std::net::TcpStream>> = (0..cores)
        .map(|_| {
            let (handed, connections) = mpsc::channel(WAITING_MAX);
            let serve = serve.clone();
            thread::spawn(move || worker(serve, connections));
            handed
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
    let (handed, connections) = mpsc::channel(WAITING_MAX);
    runtime.spawn(serve(ReceiverStream::new(connections)));
    runtime.block_on(async {
        let listener = listen().await;
        loop {
            handed.send(Ok(accept(&listener).await)).await.expect("a server");
        }
    });
}

fn worker<Serving: Future<Output = ()>>(
    serve: impl Fn(Incoming) -> Serving,
    mut connections: mpsc::Receiver<std::net::TcpStream>,
) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (handed, taken_up) = mpsc::channel(WAITING_MAX);
    runtime.block_on(async {
        let taking = async {
            while let Some(stream) = connections.recv().await {
                // A connection belongs to the runtime that takes it up.
                handed.send(TcpStream::from_std(stream)).await.expect("a server");
            }
        };
        tokio::join!(taking, serve(ReceiverStream::new(taken_up)));
    });
}

async fn listen() -> TcpListener {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    println!("listening {}", listener.local_addr().expect("an address"));
    listener
}

async fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    stream
}
