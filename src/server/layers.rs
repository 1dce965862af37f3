//! Layers around all services: the request timeout, and the status of requests
//! that are rejected before a service sees them.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::time;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};
use uuid::Uuid;

/// Applies the request timeout. tonic's own timeout answers CANCELLED, which
/// would mean that the caller cancelled the request.
pub(super) fn within<S, B>(
    inner: S,
    limit: Duration,
) -> impl Service<Request<B>, Response = Response<Body>, Error = S::Error, Future: Send> + Clone + Send + 'static
where
    S: Service<Request<B>, Response = Response<Body>, Future: Send> + Clone + Send + 'static,
{
    ServiceExt::<Request<B>>::map_future(inner, move |answer| time_out_after(limit, answer))
}

async fn time_out_after<E>(
    limit: Duration,
    answer: impl Future<Output = Result<Response<Body>, E>>,
) -> Result<Response<Body>, E> {
    let mut answer = pin!(answer);
    // Most responses are ready at the first poll and need no timer.
    if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
        return answer;
    }
    time::timeout(limit, answer).await.unwrap_or_else(|_| Ok(deadline_exceeded().into_http()))
}

fn deadline_exceeded() -> Status {
    let error_id = Uuid::now_v7();
    tracing::warn!(%error_id, "request timed out");
    Status::deadline_exceeded(format!(
        "the request timed out: retry; to record, with the same idempotency key (error {error_id})"
    ))
}

/// Start of the message of `tonic-prost` for invalid protobuf, as encoded in the header.
const UNDECODABLE: &str = "failed%20to%20decode";

/// Maps the status of a request that tonic rejects before a service sees it to
/// the codes of the interface: a message above the limit is RESOURCE_EXHAUSTED,
/// and invalid protobuf is INVALID_ARGUMENT. Lupa itself returns neither
/// `OUT_OF_RANGE` nor such an `INTERNAL`.
pub(super) fn refusals_before_services<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers();
    let status = headers.get("grpc-status").map(HeaderValue::as_bytes).map(Code::from_bytes);
    let message = headers.get("grpc-message").map(HeaderValue::as_bytes).unwrap_or_default();
    match status {
        Some(Code::OutOfRange) => reject(
            response.headers_mut(),
            Code::ResourceExhausted,
            "the request message is larger than the limit: split it",
        ),
        Some(Code::Internal) if message.starts_with(UNDECODABLE.as_bytes()) => reject(
            response.headers_mut(),
            Code::InvalidArgument,
            "the request message cannot be decoded: send the protobuf message of this method",
        ),
        _ => {}
    }
    response
}

fn reject(headers: &mut HeaderMap, code: Code, message: &str) {
    let error_id = Uuid::now_v7();
    tracing::debug!(%error_id, code = i32::from(code), "request rejected before it reached a service");
    headers.insert("grpc-status", HeaderValue::from(i32::from(code)));
    if let Ok(message) = HeaderValue::from_str(&format!("{message} (error {error_id})")) {
        headers.insert("grpc-message", message);
    }
}
