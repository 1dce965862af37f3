//! Workers: a thread for each core, each with its own runtime and connections; or
//! one shared runtime.
//!
//! ```text
//!                    ┌─▶ worker 0: a runtime of its own, its connections
//!  listener ─ accept ┤
//!                    └─▶ worker 1: …
//! ```
//!
//! Each connection is handed over to the worker with the fewest open connections
//! and stays there: a request never changes cores. There is one listener instead
//! of one for each worker with SO_REUSEPORT, for two reasons. The kernel would
//! distribute connections by a hash, and gRPC callers have few, long-lived
//! connections. And a second process could listen on the same port unnoticed.

use std::io;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time;

use super::ServerError;
use super::connection::{Accepted, HandedOver, OpenConnections};
use super::serving::Serving;
use crate::config::Runtime;
use crate::limits::Callers;
use crate::telemetry::metrics::{LimitName, Metrics};

/// Maximum number of connections queued for a worker. Further ones wait in the
/// listener's backlog.
const WAITING_MAX: usize = 256;

/// Pause after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The phase of the shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    /// Requests in flight may finish; new ones are rejected.
    Graceful,
    /// Requests in flight are cancelled.
    Immediate,
}

/// All running workers.
#[derive(Debug)]
pub(super) struct Workers {
    workers: Vec<Worker>,
    callers: Callers,
    phase: watch::Sender<Phase>,
    ended: JoinSet<Result<(), ServerError>>,
}

/// A worker, as seen by the accept loop.
#[derive(Debug)]
struct Worker {
    connections: mpsc::Sender<HandedOver>,
    open: OpenConnections,
}

impl Workers {
    /// Starts the workers.
    pub(super) fn start(serving: &Serving, callers: Callers) -> Result<Self, ServerError> {
        let mut started = Self {
            workers: Vec::new(),
            callers,
            phase: watch::Sender::new(Phase::Running),
            ended: JoinSet::new(),
        };
        match serving.server.runtime {
            Runtime::Shared => {
                let (connections, phase) = started.add();
                started.ended.spawn(serve(serving.clone(), connections, phase));
            }
            Runtime::PerCore => {
                for number in 0..worker_count(serving.server.workers) {
                    let (connections, phase) = started.add();
                    started.start_thread(number, serving.clone(), connections, phase)?;
                }
            }
        }
        Ok(started)
    }

    fn add(&mut self) -> (mpsc::Receiver<HandedOver>, watch::Receiver<Phase>) {
        let (connections, queued) = mpsc::channel(WAITING_MAX);
        self.workers.push(Worker { connections, open: OpenConnections::default() });
        (queued, self.phase.subscribe())
    }

    fn start_thread(
        &mut self,
        number: usize,
        serving: Serving,
        connections: mpsc::Receiver<HandedOver>,
        phase: watch::Receiver<Phase>,
    ) -> Result<(), ServerError> {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(ServerError::NoThread)?;
        let (ended, result) = oneshot::channel();
        let work = move || {
            let served = runtime.block_on(serve(serving, connections, phase));
            // Cancelled requests are dropped with the runtime.
            runtime.shutdown_background();
            ended.send(served)
        };
        thread::Builder::new()
            .name(format!("lupa-worker-{number}"))
            .spawn(work)
            .map_err(ServerError::NoThread)?;
        self.ended.spawn(async move { result.await.unwrap_or(Err(ServerError::WorkerFailed)) });
        Ok(())
    }

    /// The connection counts of the workers.
    pub(super) fn connections(&self) -> Vec<OpenConnections> {
        self.workers.iter().map(|worker| worker.open.clone()).collect()
    }

    /// Accepts connections and distributes them, until a worker ends unexpectedly.
    pub(super) async fn accept(
        &mut self,
        listener: &TcpListener,
        socket: Option<&UnixListener>,
        metrics: &Metrics,
    ) -> Result<(), ServerError> {
        let Self { workers, callers, ended, .. } = self;
        tokio::select! {
            ended = ended.join_next() => ended.unwrap_or(Ok(Ok(())))?,
            () = distribute(listener, socket, workers, callers, metrics) => Ok(()),
        }
    }

    /// Shuts down: requests in flight may finish within the grace period. Returns
    /// false if some did not and were cancelled.
    pub(super) async fn shut_down(mut self, grace: Duration) -> Result<bool, ServerError> {
        self.workers.clear();
        self.phase.send_replace(Phase::Graceful);
        if let Ok(ended) = time::timeout(grace, all(&mut self.ended)).await {
            return ended.map(|()| true);
        }
        self.phase.send_replace(Phase::Immediate);
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

async fn distribute(
    listener: &TcpListener,
    socket: Option<&UnixListener>,
    workers: &[Worker],
    callers: &Callers,
    metrics: &Metrics,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted.map(|(stream, _)| Accepted::Tcp(stream)),
            accepted = accept_on(socket) => accepted,
        };
        match accepted {
            Ok(accepted) => hand_over(accepted, workers, callers, metrics).await,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                metrics.not_accepted();
                tracing::warn!(%error, "cannot accept connections: pausing");
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

/// Hands a connection over to a worker; closes it if there are too many.
async fn hand_over(accepted: Accepted, workers: &[Worker], callers: &Callers, metrics: &Metrics) {
    let Some(idlest) = workers.iter().min_by_key(|worker| worker.open.count()) else { return };
    let detached = accepted.peer().and_then(|peer| match callers.connect(peer.key()) {
        Ok(place) => {
            if place.in_reserve().is_some() {
                metrics.limit_reached(LimitName::CONNECTIONS);
            }
            HandedOver::detach(accepted, &idlest.open, place, peer).map(Some)
        }
        Err(_) => Ok(None),
    });
    match detached {
        // Sending fails only if the worker has ended, and then the server stops.
        Ok(Some(handed)) => drop(idlest.connections.send(handed).await),
        Ok(None) => metrics.limit_reached(LimitName::CONNECTIONS),
        Err(error) => tracing::debug!(%error, "a connection was lost before it was served"),
    }
}

/// Whether an error of accept concerns one connection and not the listener.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    [ConnectionAborted, ConnectionReset, Interrupted].contains(&error.kind())
}

async fn serve(
    serving: Serving,
    connections: mpsc::Receiver<HandedOver>,
    phase: watch::Receiver<Phase>,
) -> Result<(), ServerError> {
    tokio::select! {
        ended = serving.run(connections, phase.clone()) => ended,
        () = reached(phase, Phase::Immediate) => Ok(()),
    }
}

/// Waits for a phase of the shutdown. Returns also if the sender is dropped.
pub(super) async fn reached(mut phase: watch::Receiver<Phase>, at_least: Phase) {
    drop(phase.wait_for(|phase| *phase >= at_least).await);
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::server::room;
    use crate::telemetry::Telemetry;

    #[tokio::test]
    async fn connections_go_to_the_worker_with_the_fewest() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (workers, mut queues): (Vec<_>, Vec<_>) = (0..2)
            .map(|_| {
                let (connections, queue) = mpsc::channel(WAITING_MAX);
                (Worker { connections, open: OpenConnections::default() }, queue)
            })
            .unzip();
        let config = crate::config::load(None, []).expect("the defaults").config;
        let places = room::callers(&config.limits, &config.server);
        let metrics = Telemetry::unsent().metrics;
        let mut callers = Vec::new();
        let connect = async |callers: &mut Vec<TcpStream>| {
            callers.push(TcpStream::connect(address).await.expect("a connection"));
            let (stream, _) = listener.accept().await.expect("a connection");
            hand_over(Accepted::Tcp(stream), &workers, &places, &metrics).await;
        };
        let counts = || workers.iter().map(|worker| worker.open.count()).collect::<Vec<_>>();
        for _ in 0..4 {
            connect(&mut callers).await;
        }
        assert_eq!(counts(), [2, 2]);
        // Both connections of the second worker end, so it gets the next two.
        for _ in 0..2 {
            drop(queues[1].recv().await.expect("a connection").adopt(1).expect("a stream"));
        }
        assert_eq!(counts(), [2, 0]);
        connect(&mut callers).await;
        connect(&mut callers).await;
        assert_eq!(counts(), [2, 2]);
    }
}
