//! What is around all services: the time that a request may take, and the status
//! of requests that are rejected before a service sees them.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Response};
use tokio::time;
use tonic::body::Body;
use tonic::{Code, Status};
use uuid::Uuid;

use super::answer::AnswerBody;

/// The header in which a caller says how long it waits for the answer.
const TIMEOUT: &str = "grpc-timeout";

/// When a request must have been answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    /// Whether the caller has set it.
    of_caller: bool,
}

impl Deadline {
    /// The caller's, or the server's own if that is earlier.
    pub(super) fn of(headers: &HeaderMap, received_at: Instant, time_max: Duration) -> Self {
        let of_caller = headers.get(TIMEOUT).and_then(|value| timeout(value.to_str().ok()?));
        match of_caller {
            Some(timeout) if timeout < time_max => Self { at: received_at + timeout, of_caller: true },
            Some(_) | None => Self { at: received_at + time_max, of_caller: false },
        }
    }
}

/// A number of at most eight digits and a unit, as the protocol of gRPC defines it.
fn timeout(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || number.len() > 8 || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Answers by the deadline. A request whose caller has stopped waiting is not started.
pub(super) async fn within(
    deadline: Deadline,
    answer: impl Future<Output = Response<AnswerBody>>,
) -> Response<AnswerBody> {
    // The clock need not be read for callers that wait longer than the server lets them.
    if deadline.of_caller && Instant::now() >= deadline.at {
        return refused(deadline_exceeded());
    }
    let mut answer = pin!(answer);
    // Most responses are ready at the first poll and need no timer.
    if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
        return answer;
    }
    time::timeout_at(deadline.at.into(), answer).await.unwrap_or_else(|_| refused(deadline_exceeded()))
}

/// An answer that is only a status.
pub(super) fn refused(status: Status) -> Response<AnswerBody> {
    status.into_http().map(AnswerBody::without_message)
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
pub(super) fn refusals_before_services(mut response: Response<Body>) -> Response<Body> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_a_caller_waits_is_read_as_the_protocol_says() {
        assert_eq!(timeout("100m"), Some(Duration::from_millis(100)));
        assert_eq!(timeout("2S"), Some(Duration::from_secs(2)));
        assert_eq!(timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for wrong in ["", "S", "1", "1s", "123456789S", "-1S", "1.5S", "ä"] {
            assert_eq!(timeout(wrong), None, "{wrong}");
        }
    }
}
