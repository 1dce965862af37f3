//! The HTTP port for operators: whether it lives, whether it is ready, and
//! metrics. It ends with the task that it runs in.

mod metrics;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::index::Index;

/// Answers for as long as it is let.
pub(super) async fn serve(listener: TcpListener, index: Index) {
    let routes = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(index);
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!(%error, "health and metrics are not served any more");
    }
}

/// As the gRPC health of the services says.
async fn ready(State(index): State<Index>) -> Response {
    match index.current() {
        Ok(_) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(index): State<Index>) -> Response {
    match metrics::text(index.stats().as_ref()) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
