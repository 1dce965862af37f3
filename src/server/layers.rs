//! What holds for every answer.

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

/// Gives up a request that takes too long. tonic's own timeout would answer
/// CANCELLED, which callers read as their own doing.
pub(super) fn within<S, B>(
    inner: S,
    limit: Duration,
) -> impl Service<Request<B>, Response = Response<Body>, Error = S::Error, Future: Send> + Clone + Send + 'static
where
    S: Service<Request<B>, Response = Response<Body>, Future: Send> + Clone + Send + 'static,
{
    ServiceExt::<Request<B>>::map_future(inner, move |answer| give_up_after(limit, answer))
}

async fn give_up_after<E>(
    limit: Duration,
    answer: impl Future<Output = Result<Response<Body>, E>>,
) -> Result<Response<Body>, E> {
    let mut answer = pin!(answer);
    // Most are answered at once, and need no timer.
    if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
        return answer;
    }
    time::timeout(limit, answer).await.unwrap_or_else(|_| Ok(deadline_exceeded().into_http()))
}

fn deadline_exceeded() -> Status {
    let error_id = Uuid::now_v7();
    tracing::warn!(%error_id, "request given up: it took longer than the limit");
    Status::deadline_exceeded(format!(
        "the request took longer than the limit: ask again; to record, with the same idempotency key (error {error_id})"
    ))
}

/// How `tonic-prost` begins when a message is not protobuf, as in the header.
const UNDECODABLE: &str = "failed%20to%20decode";

/// Gives the codes of the interface to what is refused before a service sees
/// it: a message over the limit is a matter of limits, and one that is not
/// protobuf is the caller's fault. Lupa itself answers neither
/// `OUT_OF_RANGE` nor such an `INTERNAL`.
pub(super) fn refusals_before_services<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers();
    let status = headers.get("grpc-status").map(HeaderValue::as_bytes).map(Code::from_bytes);
    let message = headers.get("grpc-message").map(HeaderValue::as_bytes).unwrap_or_default();
    match status {
        Some(Code::OutOfRange) => refuse(
            response.headers_mut(),
            Code::ResourceExhausted,
            "the request message is larger than the limit: split it",
        ),
        Some(Code::Internal) if message.starts_with(UNDECODABLE.as_bytes()) => refuse(
            response.headers_mut(),
            Code::InvalidArgument,
            "the request message cannot be decoded: send the protobuf message of this method",
        ),
        _ => {}
    }
    response
}

fn refuse(headers: &mut HeaderMap, code: Code, message: &str) {
    let error_id = Uuid::now_v7();
    tracing::debug!(%error_id, code = i32::from(code), "request refused before it was read");
    headers.insert("grpc-status", HeaderValue::from(i32::from(code)));
    if let Ok(message) = HeaderValue::from_str(&format!("{message} (error {error_id})")) {
        headers.insert("grpc-message", message);
    }
}
