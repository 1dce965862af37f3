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

use super::observed::Answered;
use crate::wire::framing::undecodable;

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
pub(super) async fn within(deadline: Deadline, answer: impl Future<Output = Answered>) -> Answered {
    // The clock need not be read for callers that wait longer than the server lets them.
    if deadline.of_caller && Instant::now() >= deadline.at {
        return Answered::refused(deadline_exceeded());
    }
    let mut answer = pin!(answer);
    // Most responses are ready at the first poll and need no timer.
    if let Poll::Ready(answer) = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
        return answer;
    }
    time::timeout_at(deadline.at.into(), answer)
        .await
        .unwrap_or_else(|_| Answered::refused(deadline_exceeded()))
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

/// Replaces the status with which tonic rejects invalid protobuf before a service
/// sees it. Lupa itself returns no such `INTERNAL`.
pub(super) fn refusals_before_services(response: Response<Body>) -> Response<Body> {
    let headers = response.headers();
    let is_internal = headers
        .get("grpc-status")
        .is_some_and(|status| Code::from_bytes(status.as_bytes()) == Code::Internal);
    let message = headers.get("grpc-message").map(HeaderValue::as_bytes).unwrap_or_default();
    if is_internal && message.starts_with(UNDECODABLE.as_bytes()) {
        return undecodable().into_http();
    }
    response
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
