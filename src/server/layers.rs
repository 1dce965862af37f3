//! What holds for every answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::time;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;
use uuid::Uuid;

/// Gives up a request that takes too long. tonic's own timeout would answer
/// CANCELLED, which callers read as their own doing.
#[derive(Clone, Debug)]
pub(super) struct Deadline<S> {
    pub(super) inner: S,
    pub(super) limit: Duration,
}

impl<S, B> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = time::timeout(self.limit, self.inner.call(request));
        Box::pin(async move { answer.await.unwrap_or_else(|_| Ok(deadline_exceeded().into_http())) })
    }
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
