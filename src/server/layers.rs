//! What holds for every answer.

use http::{HeaderMap, HeaderValue, Response};
use tonic::Code;
use uuid::Uuid;

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
