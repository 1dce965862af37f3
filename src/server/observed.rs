//! Metrics and the span of every request: duration, status and number of records.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{HeaderValue, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic_types::StatusExt;
use tower::Service;

use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{RecordCount, RpcStatus};
use crate::telemetry::rpc::Rpc;
use crate::telemetry::span::TRACEPARENT;

/// A service whose requests are timed, counted and traced.
#[derive(Clone)]
pub(super) struct Observed<S> {
    pub(super) inner: S,
    pub(super) telemetry: Arc<Telemetry>,
}

impl<S, B> Service<Request<B>> for Observed<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error: Send, Future: Send + 'static>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Response<Body>, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = Instant::now();
        let rpc = Rpc::of(request.uri().path());
        let telemetry = Arc::clone(&self.telemetry);
        // The span of an Envoy check starts where the headers of the checked request are known.
        let span = (rpc != Rpc::CHECK).then(|| {
            let traceparent = request.headers().get(TRACEPARENT);
            telemetry.spans.start(rpc, traceparent.and_then(|value| value.to_str().ok()))
        });
        let span = span.flatten();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = match &span {
                Some(span) => span.around(answer).await?,
                None => answer.await?,
            };
            let status = status_of(&answer);
            let records = answer.extensions().get().map_or(0, |RecordCount(records)| *records);
            telemetry.metrics.called(rpc, status, records, started.elapsed());
            if status != RpcStatus::OK {
                telemetry.metrics.refused(rpc, &refusal_of(&answer, status));
            }
            // An invalid Envoy check has no span yet.
            let is_begun = span.is_some() || status == RpcStatus::OK;
            if let Some(span) = if is_begun { span } else { telemetry.spans.start(rpc, None) } {
                span.end(status);
            }
            Ok(answer)
        })
    }
}

/// The status of a response. A response with a message has its status in the
/// trailers, and the status is OK.
fn status_of(answer: &Response<Body>) -> RpcStatus {
    let header = answer.headers().get("grpc-status").map(HeaderValue::to_str);
    header.map_or(RpcStatus::OK, |header| {
        RpcStatus::of(header.ok().and_then(|code| code.parse().ok()).unwrap_or(-1))
    })
}

/// The reason that the caller receives, or the status if there is none.
fn refusal_of(answer: &Response<Body>, status: RpcStatus) -> String {
    let status_of_headers = Status::from_header_map(answer.headers());
    let reason = status_of_headers.and_then(|status| status.get_details_error_info()).map(|info| info.reason);
    reason.unwrap_or_else(|| status.name().to_owned())
}
