//! Metrics and the span of every request: duration, status and number of records.

use std::future::Future;
use std::time::Instant;

use http::{HeaderValue, Request, Response};
use tonic::Status;
use tonic_types::StatusExt;

use super::answer::AnswerBody;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::RpcStatus;
use crate::telemetry::rpc::Rpc;
use crate::telemetry::span::{PendingSpan, TRACEPARENT};

/// An answer, with the number of records that it is about.
pub(super) struct Answered {
    pub(super) response: Response<AnswerBody>,
    pub(super) records: usize,
}

impl Answered {
    /// An answer that is only a status.
    pub(super) fn refused(status: Status) -> Self {
        Self { response: status.into_http().map(|()| AnswerBody::without_message()), records: 0 }
    }
}

/// What is known of a request before it is answered.
pub(super) struct StartedRequest {
    pub(super) rpc: Rpc,
    at: Instant,
    span: Option<PendingSpan>,
}

impl StartedRequest {
    /// Starts the span of a request, if it is traced.
    pub(super) fn now<B>(request: &Request<B>, telemetry: &Telemetry) -> Self {
        let at = Instant::now();
        let rpc = Rpc::of(request.uri().path());
        // The span of an Envoy check starts where the headers of the checked request are known.
        let span = (rpc != Rpc::CHECK).then(|| {
            let traceparent = request.headers().get(TRACEPARENT);
            telemetry.spans.start(rpc, traceparent.and_then(|value| value.to_str().ok()))
        });
        Self { rpc, at, span: span.flatten() }
    }

    /// When it started.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// Times, counts and traces the answer.
    pub(super) async fn answered(
        self,
        answer: impl Future<Output = Answered>,
        telemetry: &Telemetry,
    ) -> Response<AnswerBody> {
        let Self { rpc, at, span } = self;
        let Answered { response, records } = match &span {
            Some(span) => span.around(answer).await,
            None => answer.await,
        };
        let status = status_of(&response);
        telemetry.metrics.called(rpc, status, records, at.elapsed());
        if status != RpcStatus::OK {
            telemetry.metrics.refused(rpc, &refusal_of(&response, status));
        }
        // An invalid Envoy check has no span yet.
        let is_begun = span.is_some() || status == RpcStatus::OK;
        if let Some(span) = if is_begun { span } else { telemetry.spans.start(rpc, None) } {
            span.end(status);
        }
        response
    }
}

/// The status of a response. A response with a message has its status in the
/// trailers, and the status is OK.
fn status_of<B>(answer: &Response<B>) -> RpcStatus {
    let header = answer.headers().get("grpc-status").map(HeaderValue::to_str);
    header.map_or(RpcStatus::OK, |header| {
        RpcStatus::of(header.ok().and_then(|code| code.parse().ok()).unwrap_or(-1))
    })
}

/// The reason that the caller receives, or the status if there is none.
fn refusal_of<B>(answer: &Response<B>, status: RpcStatus) -> String {
    let status_of_headers = Status::from_header_map(answer.headers());
    let reason = status_of_headers.and_then(|status| status.get_details_error_info()).map(|info| info.reason);
    reason.unwrap_or_else(|| status.name().to_owned())
}
