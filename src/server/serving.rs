//! Serves the connections of a worker, each as a task of its own that knows when
//! the connection must end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time;

use super::ServerError;
use super::connection::{Adopted, Connection, ConnectionProgress, HandedOver};
use super::identification::Identification;
use super::large::LargeRequests;
use super::received::MessageLimits;
use super::requests::{ConnectionState, Requests, WorkerState};
use super::services::{Parts, Services};
use super::streams::Streams;
use super::workers::{Phase, reached};
use crate::config;
use crate::identity::Alpn;
use crate::service::Decisions;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{IdentityRefusal, LimitName};

/// Streams that were reset before they were accepted, on one connection; more
/// end it (CVE-2023-44487).
const PENDING_ACCEPT_RESETS_MAX: usize = 20;

/// How often a connection is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a connection in the reserve lasts.
const RESERVE_TIME: Duration = Duration::from_secs(2);

/// How long the requests under way of a connection may go on that is no longer its caller's.
const DISOWNED_GRACE: Duration = Duration::from_secs(1);

/// How often a connection is judged at the latest.
const JUDGE_INTERVAL: Duration = Duration::from_secs(60);

/// How long connections may last.
#[derive(Clone, Copy, Debug)]
struct Lifetimes {
    /// Until the first request has started, and for each block of headers.
    first_request: Duration,
    /// Without a request.
    idle: Duration,
    /// While nothing that is written is taken.
    answer: Duration,
}

/// Everything that a worker needs to serve.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) server: config::Server,
    pub(super) limits: config::Limits,
    pub(super) parts: Parts,
    pub(super) telemetry: Telemetry,
    pub(super) large: LargeRequests,
    pub(super) identification: Identification,
}

impl Serving {
    /// Serves connections until the graceful end, and then the requests under way.
    pub(super) async fn run(
        self,
        mut incoming: mpsc::Receiver<HandedOver>,
        phase: watch::Receiver<Phase>,
    ) -> Result<(), ServerError> {
        let Self { server, limits, parts, telemetry, large, identification } = self;
        let services = Services::new(&parts)?;
        let lifetimes = Lifetimes {
            first_request: Duration::from_millis(limits.first_request_ms_max),
            idle: Duration::from_millis(limits.idle_connection_ms_max),
            answer: Duration::from_millis(limits.answer_ms_max),
        };
        let streams = Streams { answer_time: lifetimes.answer, metrics: Arc::clone(&telemetry.metrics) };
        let protocol = protocol(&server, streams);
        // The worker's own: no other core counts its holders.
        let worker = Arc::new(WorkerState {
            telemetry,
            message: MessageLimits {
                bytes_max: server.request_bytes_max,
                time_max: Duration::from_millis(limits.message_ms_max),
            },
            request_time: Duration::from_millis(server.request_timeout_ms),
            large,
            decisions: Decisions::new(parts.core.clone()),
            answer_bytes_max: server.response_bytes_max,
            identification,
        });
        let mut connections = JoinSet::new();
        let mut ending = pin!(reached(phase.clone(), Phase::Graceful));
        loop {
            let handed = tokio::select! {
                () = &mut ending => break,
                Some(_) = connections.join_next() => continue,
                handed = incoming.recv() => handed,
            };
            let Some(handed) = handed else { break };
            match handed.adopt(limits.control_frames_per_second_max) {
                Ok(adopted) => {
                    let served = NewConnection {
                        adopted,
                        protocol: protocol.clone(),
                        services: services.clone(),
                        worker: Arc::clone(&worker),
                        lifetimes,
                        phase: phase.clone(),
                    };
                    connections.spawn(served.serve());
                }
                Err(error) => tracing::debug!(%error, "a connection was lost before it was served"),
            }
        }
        drop(incoming);
        while connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// Limits are all set explicitly: the library's own defaults leave some out.
fn protocol(config: &config::Server, streams: Streams) -> http2::Builder<Streams> {
    let mut protocol = http2::Builder::new(streams);
    protocol
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .keep_alive_interval(Some(Duration::from_millis(config.keepalive_interval_ms)))
        .keep_alive_timeout(Duration::from_millis(config.keepalive_timeout_ms))
        .initial_stream_window_size(config.stream_window_bytes)
        .initial_connection_window_size(config.connection_window_bytes)
        .adaptive_window(false)
        .max_frame_size(config.frame_bytes_max)
        .max_concurrent_streams(config.concurrent_streams_per_connection_max)
        .max_header_list_size(config.header_list_bytes_max)
        .max_pending_accept_reset_streams(PENDING_ACCEPT_RESETS_MAX)
        .max_local_error_reset_streams(config.local_error_resets_max);
    protocol
}

/// A connection that is going to be served.
struct NewConnection {
    adopted: Adopted,
    protocol: http2::Builder<Streams>,
    services: Services,
    worker: Arc<WorkerState>,
    lifetimes: Lifetimes,
    phase: watch::Receiver<Phase>,
}

impl NewConnection {
    /// Serves it, if its peer can be identified in time.
    async fn serve(self) {
        let Self { adopted, protocol, services, worker, lifetimes, phase } = self;
        let Adopted { connection, place, peer } = adopted;
        let tls = worker.identification.current().and_then(|current| current.tls(Alpn::Grpc));
        let connection = match tls {
            None => connection,
            Some(tls) => match time::timeout(lifetimes.first_request, connection.shake_hands(tls)).await {
                Ok(Ok(connection)) => connection,
                Ok(Err(error)) => {
                    worker.telemetry.metrics.not_identified(IdentityRefusal::Handshake);
                    tracing::warn!(%error, "a handshake of TLS has failed");
                    return;
                }
                Err(_) => {
                    worker.telemetry.metrics.limit_reached(LimitName::FIRST_REQUEST);
                    return;
                }
            },
        };
        let identity = match connection.certificates() {
            Some(chain) => worker.identification.of_certificates(chain),
            None => worker.identification.of_peer(peer),
        };
        let place = match identity.key() {
            Some(key) => place.of(key),
            None => Ok(place),
        };
        let Ok(place) = place else {
            worker.telemetry.metrics.limit_reached(LimitName::CONNECTIONS);
            return;
        };
        let identity = ArcSwap::from_pointee(identity);
        let state = Arc::new(ConnectionState { place, identity, started: AtomicU64::new(0) });
        serve(protocol, connection, Requests { services, worker, connection: state }, lifetimes, phase).await;
    }
}

/// Serves one connection until it ends or must end.
async fn serve(
    protocol: http2::Builder<Streams>,
    connection: Connection,
    requests: Requests,
    lifetimes: Lifetimes,
    phase: watch::Receiver<Phase>,
) {
    let state = Arc::clone(&requests.connection);
    let worker = Arc::clone(&requests.worker);
    let metrics = Arc::clone(&worker.telemetry.metrics);
    let mut configured = worker.identification.changed();
    let mut disowned_at = None;
    let progress = connection.progress();
    let mut life = Life::new(lifetimes);
    let mut served = pin!(protocol.serve_connection(TokioIo::new(connection), requests));
    let mut ending = pin!(reached(phase, Phase::Graceful));
    let mut is_ending = false;
    let mut checks = time::interval(CHECK_INTERVAL);
    loop {
        tokio::select! {
            biased;
            ended = served.as_mut() => {
                if progress.was_flooded() {
                    metrics.limit_reached(LimitName::CONTROL_FRAMES);
                }
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                }
                return;
            }
            () = &mut ending, if !is_ending => {
                is_ending = true;
                served.as_mut().graceful_shutdown();
            }
            () = changed(&mut configured) => {
                match worker.identification.judge(&state.identity.load()) {
                    Some(identity) => state.identity.store(Arc::new(identity)),
                    None => {
                        disowned_at.get_or_insert_with(Instant::now);
                        served.as_mut().graceful_shutdown();
                    }
                }
            }
            _ = checks.tick() => match life.check(&state, &progress) {
                _ if disowned_at.is_some_and(|at: Instant| at.elapsed() >= DISOWNED_GRACE) => return,
                _ if disowned_at.is_none() && state.identity.load().has_expired() => {
                    tracing::info!("the certificate of a connection has expired: it ends");
                    disowned_at = Some(Instant::now());
                    served.as_mut().graceful_shutdown();
                }
                ConnectionFate::GoesOn => {}
                ConnectionFate::EndsGracefully(limit) => {
                    metrics.limit_reached(limit);
                    served.as_mut().graceful_shutdown();
                }
                ConnectionFate::Ends(limit) => {
                    metrics.limit_reached(limit);
                    tracing::debug!(limit = limit.name(), "a connection was closed at a limit");
                    return;
                }
                // It was counted when it was accepted.
                ConnectionFate::ReserveEnds => return,
            },
        }
    }
}

/// Waits until another configuration of identities is in force, or until a connection
/// is to be judged again in any case: a list of revoked certificates may have expired.
/// For ever, if callers are known by their address.
async fn changed(configured: &mut Option<watch::Receiver<u64>>) {
    match configured {
        // The configuration is never dropped while connections are served.
        Some(configured) => drop(time::timeout(JUDGE_INTERVAL, configured.changed()).await),
        None => std::future::pending().await,
    }
}

/// What becomes of a connection.
enum ConnectionFate {
    GoesOn,
    /// Requests under way are answered; new ones are not accepted.
    EndsGracefully(LimitName),
    Ends(LimitName),
    ReserveEnds,
}

/// The life of a connection so far.
struct Life {
    lifetimes: Lifetimes,
    opened_at: Instant,
    /// The number of requests started when it was last checked, and since when it
    /// has been the same with none in flight.
    started: u64,
    idle_since: Instant,
    headers_open_since: Option<Instant>,
    ends_gracefully: bool,
}

impl Life {
    fn new(lifetimes: Lifetimes) -> Self {
        let now = Instant::now();
        Self {
            lifetimes,
            opened_at: now,
            started: 0,
            idle_since: now,
            headers_open_since: None,
            ends_gracefully: false,
        }
    }

    fn check(&mut self, state: &ConnectionState, progress: &ConnectionProgress) -> ConnectionFate {
        let now = Instant::now();
        let Lifetimes { first_request, idle, answer } = self.lifetimes;
        if state.place.in_reserve().is_some() && now - self.opened_at > RESERVE_TIME {
            return ConnectionFate::ReserveEnds;
        }
        let started = state.started.load(Ordering::Relaxed);
        if started != self.started || !state.place.share().is_idle() {
            (self.started, self.idle_since) = (started, now);
        }
        self.headers_open_since = progress.are_headers_open().then(|| self.headers_open_since.unwrap_or(now));
        let asks_nothing = started == 0 && now - self.opened_at > first_request;
        if asks_nothing || self.headers_open_since.is_some_and(|since| now - since > first_request) {
            return ConnectionFate::Ends(LimitName::FIRST_REQUEST);
        }
        if progress.blocked_for() > answer {
            return ConnectionFate::Ends(LimitName::ANSWER_TIME);
        }
        if now - self.idle_since > idle && !self.ends_gracefully {
            self.ends_gracefully = true;
            return ConnectionFate::EndsGracefully(LimitName::IDLE_CONNECTION);
        }
        ConnectionFate::GoesOn
    }
}
