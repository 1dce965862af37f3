//! The HTTP port for operators: liveness and readiness probes, metrics, and the
//! log level. It stops when its task is aborted.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::index::Index;
use crate::telemetry::LogLevel;
use crate::telemetry::metrics::{Metrics, TEXT_TYPE};

/// What the handlers read.
#[derive(Clone)]
pub(super) struct AdminState {
    pub(super) index: Index,
    pub(super) metrics: Arc<Metrics>,
    /// None: the log level cannot be changed.
    pub(super) level: Option<LogLevel>,
    /// Whether the server is shutting down.
    pub(super) is_ending: watch::Receiver<bool>,
}

/// Serves until the task is aborted.
pub(super) async fn serve(listener: TcpListener, state: AdminState) {
    let routes = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/log-level", get(level).put(change_level))
        .with_state(state)
        .into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!(%error, "the HTTP port for health and metrics has failed");
    }
}

/// The readiness probe, equal to the gRPC health of the services.
async fn ready(State(AdminState { index, is_ending, .. }): State<AdminState>) -> Response {
    if *is_ending.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down\n").into_response();
    }
    match index.current() {
        Ok(_) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(AdminState { metrics, .. }): State<AdminState>) -> Response {
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
    if !caller.ip().to_canonical().is_loopback() {
        let message = "the log level can be changed only from the machine that the server runs on\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    match level.change(requested.trim()) {
        Ok(()) => {
            tracing::info!(level = level.now(), "the log level was changed");
            format!("{}\n", level.now()).into_response()
        }
        Err(fault) => (StatusCode::BAD_REQUEST, format!("{fault}\n")).into_response(),
    }
}
