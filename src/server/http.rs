//! The HTTP port for operators: whether it lives, whether it is ready, metrics,
//! and what is logged. It ends with the task that it runs in.

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

/// What is told from.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) index: Index,
    pub(super) metrics: Arc<Metrics>,
    /// None: the level is not this server's to change.
    pub(super) level: Option<LogLevel>,
    /// Whether the server is about to end.
    pub(super) is_ending: watch::Receiver<bool>,
}

/// Answers for as long as it is let.
pub(super) async fn serve(listener: TcpListener, told: Told) {
    let routes = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/log-level", get(level).put(change_level))
        .with_state(told)
        .into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!(%error, "health and metrics are not served any more");
    }
}

/// As the gRPC health of the services says.
async fn ready(State(Told { index, is_ending, .. }): State<Told>) -> Response {
    if *is_ending.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the server is about to end\n").into_response();
    }
    match index.current() {
        Ok(_) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(Told { metrics, .. }): State<Told>) -> Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn level(State(Told { level, .. }): State<Told>) -> Response {
    match level {
        Some(level) => format!("{}\n", level.now()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// For callers on this machine only: whoever may read metrics from elsewhere is
/// not to fill the disk with logs.
async fn change_level(
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    State(Told { level, .. }): State<Told>,
    asked: String,
) -> Response {
    let Some(level) = level else { return StatusCode::NOT_FOUND.into_response() };
    if !caller.ip().to_canonical().is_loopback() {
        let told = "the log level is changed from the machine that the server runs on\n";
        return (StatusCode::FORBIDDEN, told).into_response();
    }
    match level.change(asked.trim()) {
        Ok(()) => {
            tracing::info!(level = level.now(), "the log level is changed");
            format!("{}\n", level.now()).into_response()
        }
        Err(fault) => (StatusCode::BAD_REQUEST, format!("{fault}\n")).into_response(),
    }
}
