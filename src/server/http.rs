//! The HTTP port for operators: liveness and readiness probes, metrics, and the
//! log level, and the clock. It stops when its task is aborted.
//!
//! It has a few connections of its own, so that it answers when callers of gRPC
//! have used up all of theirs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time;

use super::readiness::Readiness;
use crate::config;
use crate::limits::{CallerKey, ShareLimits, SharePlace, Shares};
use crate::telemetry::LogLevel;
use crate::telemetry::metrics::{LimitName, Metrics, TEXT_TYPE};

/// Pause after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The part of the connections that one address may have: 1/2.
const OF_ONE_ADDRESS: usize = 2;

/// What the handlers read.
#[derive(Clone)]
pub(super) struct AdminState {
    pub(super) readiness: Readiness,
    pub(super) metrics: Arc<Metrics>,
    /// None: the log level cannot be changed.
    pub(super) level: Option<LogLevel>,
}

/// Serves until the task is aborted.
pub(super) async fn serve(listener: TcpListener, state: AdminState, limits: config::Limits) {
    let metrics = Arc::clone(&state.metrics);
    let routes = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .route("/clock", get(clock).put(confirm_clock))
        .route("/log-level", get(level).put(change_level))
        .with_state(state);
    let total = limits.http_connections_max;
    let places = Shares::new(ShareLimits { total, caller: (total / OF_ONE_ADDRESS).max(1) });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => match places.take(CallerKey::of_address(address.ip())) {
                Ok(place) => {
                    connections.spawn(serve_one(stream, address, place, routes.clone(), limits.clone()));
                }
                Err(_) => metrics.limit_reached(LimitName::HTTP_CONNECTIONS),
            },
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections at the HTTP port: pausing");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection, which ends at the latest when an answer would have been
/// read in time.
async fn serve_one(
    stream: TcpStream,
    address: SocketAddr,
    place: SharePlace,
    routes: Router,
    limits: config::Limits,
) {
    let service = TowerToHyperService::new(routes.layer(Extension(ConnectInfo(address))));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.first_request_ms_max))
        .serve_connection(TokioIo::new(stream), service);
    let ended = time::timeout(Duration::from_millis(limits.answer_ms_max), served).await;
    if let Ok(Err(error)) = ended {
        tracing::debug!(%error, "a connection of the HTTP port ended");
    }
    drop(place);
}

/// The readiness probe, equal to the gRPC health of the services: every reason, one a line.
async fn ready(State(AdminState { readiness, .. }): State<AdminState>) -> Response {
    let reasons = readiness.reasons();
    if reasons.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", reasons.join("\n"))).into_response()
}

/// How the clock compares with what it is checked against.
async fn clock(State(AdminState { readiness, .. }): State<AdminState>) -> Response {
    match (readiness.clock.now(), readiness.clock.difference()) {
        (Err(differs), _) => format!("{differs}\n").into_response(),
        (Ok(_), Some(ahead)) => {
            let seconds = ahead.as_seconds_f64();
            format!("right: {seconds:+.3} s from what it is compared with\n").into_response()
        }
        (Ok(_), None) => "not compared yet\n".into_response(),
    }
}

/// Takes the clock to be right as it is now, after it has jumped. For callers on this machine only.
async fn confirm_clock(
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    State(AdminState { readiness, .. }): State<AdminState>,
    requested: String,
) -> Response {
    if let Some(refused) = refuse_from_elsewhere(caller, "the clock can be confirmed") {
        return refused;
    }
    if requested.trim() != "right" {
        let message = "to confirm that the clock of this machine is right now, send the word `right`\n";
        return (StatusCode::BAD_REQUEST, message).into_response();
    }
    if !readiness.clock.confirm() {
        let message = "the clock is compared with that of the database: set the wrong one of them right\n";
        return (StatusCode::CONFLICT, message).into_response();
    }
    tracing::warn!("the clock was confirmed: it counts as right as it is now");
    "right\n".into_response()
}

async fn metrics_text(State(AdminState { metrics, .. }): State<AdminState>) -> Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn level(State(AdminState { level, .. }): State<AdminState>) -> Response {
    match level {
        Some(level) => format!("{}\n", level.now()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Changes the log level, for callers on this machine only: a caller that may
/// read metrics from elsewhere must not be able to fill the disk with logs.
async fn change_level(
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    State(AdminState { level, .. }): State<AdminState>,
    requested: String,
) -> Response {
    let Some(level) = level else { return StatusCode::NOT_FOUND.into_response() };
    if let Some(refused) = refuse_from_elsewhere(caller, "the log level can be changed") {
        return refused;
    }
    match level.change(requested.trim()) {
        Ok(()) => {
            tracing::info!(level = level.now(), "the log level was changed");
            format!("{}\n", level.now()).into_response()
        }
        Err(fault) => (StatusCode::BAD_REQUEST, format!("{fault}\n")).into_response(),
    }
}

fn refuse_from_elsewhere(caller: SocketAddr, what: &str) -> Option<Response> {
    let is_here = caller.ip().to_canonical().is_loopback();
    let message = format!("{what} only from the machine that the server runs on\n");
    (!is_here).then(|| (StatusCode::FORBIDDEN, message).into_response())
}
