//! Who serves the connections: a thread for each core, or the runtime that all share.
//!
//! ```text
//!                    ┌─▶ worker 0: a runtime of its own, its connections
//!  listener ─ accept ┤
//!                    └─▶ worker 1: …
//! ```
//!
//! Each connection is handed to the worker with the fewest open, and stays
//! there: a request never changes cores. One listener does that rather than one
//! for each worker with SO_REUSEPORT, because the kernel spreads connections by
//! a hash, and gRPC has few of them and keeps them; and because a second process
//! could otherwise listen on the same port without either noticing.

use std::io;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::ServerError;
use super::connection::{Accepted, Handed, Open};
use super::services::Services;
use crate::config::{self, Runtime};
use crate::telemetry::metrics::Metrics;

/// Connections that a worker has not taken up yet; more wait to be accepted.
const WAITING_MAX: usize = 256;

/// How long nothing is accepted after the machine refused to.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    NotYet,
    /// Requests under way are answered, nothing else.
    Orderly,
    /// Requests under way are cut off.
    AtOnce,
}

/// All workers, running.
#[derive(Debug)]
pub(super) struct Workers {
    workers: Vec<Worker>,
    end: watch::Sender<End>,
    ended: JoinSet<Result<(), ServerError>>,
}

/// One worker, for whoever hands it connections.
#[derive(Debug)]
struct Worker {
    connections: mpsc::Sender<Handed>,
    open: Open,
}

impl Workers {
    /// Starts them.
    pub(super) fn start(config: &config::Server, services: &Services) -> Result<Self, ServerError> {
        let mut started =
            Self { workers: Vec::new(), end: watch::Sender::new(End::NotYet), ended: JoinSet::new() };
        match config.runtime {
            Runtime::Shared => {
                let (connections, end) = started.add();
                started.ended.spawn(serve(services.clone(), connections, end));
            }
            Runtime::PerCore => {
                for number in 0..worker_count(config.workers) {
                    let (connections, end) = started.add();
                    started.start_thread(number, services.clone(), connections, end)?;
                }
            }
        }
        Ok(started)
    }

    fn add(&mut self) -> (mpsc::Receiver<Handed>, watch::Receiver<End>) {
        let (connections, handed) = mpsc::channel(WAITING_MAX);
        self.workers.push(Worker { connections, open: Open::default() });
        (handed, self.end.subscribe())
    }

    fn start_thread(
        &mut self,
        number: usize,
        services: Services,
        connections: mpsc::Receiver<Handed>,
        end: watch::Receiver<End>,
    ) -> Result<(), ServerError> {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(ServerError::NoThread)?;
        let (tell, told) = oneshot::channel();
        let work = move || {
            let ended = runtime.block_on(serve(services, connections, end));
            // What was cut off goes with the runtime.
            runtime.shutdown_background();
            tell.send(ended)
        };
        thread::Builder::new()
            .name(format!("lupa-worker-{number}"))
            .spawn(work)
            .map_err(ServerError::NoThread)?;
        self.ended.spawn(async move { told.await.unwrap_or(Err(ServerError::WorkerFailed)) });
        Ok(())
    }

    /// The connections of each.
    pub(super) fn connections(&self) -> Vec<Open> {
        self.workers.iter().map(|worker| worker.open.clone()).collect()
    }

    /// Accepts connections and hands them out, until a worker ends by itself.
    pub(super) async fn accept(
        &mut self,
        listener: &TcpListener,
        socket: Option<&UnixListener>,
        metrics: &Metrics,
    ) -> Result<(), ServerError> {
        let Self { workers, ended, .. } = self;
        tokio::select! {
            ended = ended.join_next() => ended.unwrap_or(Ok(Ok(())))?,
            () = hand_out(listener, socket, workers, metrics) => Ok(()),
        }
    }

    /// Lets requests under way come to their end, within limits; false if they
    /// did not and were cut off.
    pub(super) async fn end(mut self, grace: Duration) -> Result<bool, ServerError> {
        self.workers.clear();
        self.end.send_replace(End::Orderly);
        if let Ok(ended) = time::timeout(grace, all(&mut self.ended)).await {
            return ended.map(|()| true);
        }
        self.end.send_replace(End::AtOnce);
        all(&mut self.ended).await.map(|()| false)
    }
}

fn worker_count(configured: usize) -> usize {
    match configured {
        0 => thread::available_parallelism().map_or(1, NonZero::get),
        count => count,
    }
}

async fn all(ended: &mut JoinSet<Result<(), ServerError>>) -> Result<(), ServerError> {
    while let Some(one) = ended.join_next().await {
        one??;
    }
    Ok(())
}

async fn hand_out(
    listener: &TcpListener,
    socket: Option<&UnixListener>,
    workers: &[Worker],
    metrics: &Metrics,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted.map(|(stream, _)| Accepted::Tcp(stream)),
            accepted = accept_on(socket) => accepted,
        };
        match accepted {
            Ok(accepted) => hand_over(accepted, workers).await,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                metrics.not_accepted();
                tracing::warn!(%error, "no connection can be accepted for a while");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept_on(socket: Option<&UnixListener>) -> io::Result<Accepted> {
    match socket {
        Some(socket) => socket.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        None => std::future::pending().await,
    }
}

async fn hand_over(accepted: Accepted, workers: &[Worker]) {
    let Some(idlest) = workers.iter().min_by_key(|worker| worker.open.count()) else { return };
    match Handed::over(accepted, &idlest.open) {
        // It is taken unless the worker has ended, and then all end.
        Ok(handed) => drop(idlest.connections.send(handed).await),
        Err(error) => tracing::debug!(%error, "a connection was lost before it was served"),
    }
}

/// Whether only the one who called has a problem.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    [ConnectionAborted, ConnectionReset, Interrupted].contains(&error.kind())
}

async fn serve(
    services: Services,
    connections: mpsc::Receiver<Handed>,
    end: watch::Receiver<End>,
) -> Result<(), ServerError> {
    let incoming = ReceiverStream::new(connections).map(Handed::take_up);
    tokio::select! {
        ended = services.serve(incoming, reached(end.clone(), End::Orderly)) => ended,
        () = reached(end, End::AtOnce) => Ok(()),
    }
}

/// Waits for the end, also that of whoever tells it.
async fn reached(mut end: watch::Receiver<End>, at_least: End) {
    drop(end.wait_for(|end| *end >= at_least).await);
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn connections_go_to_the_worker_with_the_fewest() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (workers, mut handed): (Vec<_>, Vec<_>) = (0..2)
            .map(|_| {
                let (connections, handed) = mpsc::channel(WAITING_MAX);
                (Worker { connections, open: Open::default() }, handed)
            })
            .unzip();
        let mut callers = Vec::new();
        let connect = async |callers: &mut Vec<TcpStream>| {
            callers.push(TcpStream::connect(address).await.expect("a connection"));
            let (stream, _) = listener.accept().await.expect("a connection");
            hand_over(Accepted::Tcp(stream), &workers).await;
        };
        let counts = || workers.iter().map(|worker| worker.open.count()).collect::<Vec<_>>();
        for _ in 0..4 {
            connect(&mut callers).await;
        }
        assert_eq!(counts(), [2, 2]);
        // Two of the second worker's end; the next two are its own again.
        for _ in 0..2 {
            drop(handed[1].recv().await.expect("a connection").take_up().expect("a stream"));
        }
        assert_eq!(counts(), [2, 0]);
        connect(&mut callers).await;
        connect(&mut callers).await;
        assert_eq!(counts(), [2, 2]);
    }
}
