//! The way of a request through the server, around the services: room for it, its
//! message, the time that it may take, and what is known of it afterwards.
//!
//! ```text
//!                                                ┌▶ decide ──▶ ReceivedMessage ─▶ Decisions
//!  hyper ─▶ Requests ─▶ StartedRequest ─▶ within ┤                                     │
//!                                                └▶ bounded ─▶ ReceivedMessage ─▶ tonic's services
//!                                                                                      │
//!  hyper ◀──────────────────────────────── AnswerBody ◀────────────────────────────────┘
//! ```

mod decide;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use http_body_util::{Full, Limited};
use hyper::body::Incoming;
use prost::bytes::Bytes;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::answer::AnswerBody;
use super::identification::{ConnectionIdentity, Identification, NotIdentified};
use super::large::{LARGE_BYTES, LargeRequests};
use super::layers::{Deadline, refusals_before_services, within};
use super::observed::{Answered, StartedRequest};
use super::received::{MessageLimits, NotReceived, ReceivedMessage};
use super::services::Services;
use crate::limits::{ConnectionPlace, RequestPermit};
use crate::service::{Decisions, no_room, too_many_connections, unauthenticated};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{LimitName, RecordCount};
use crate::telemetry::rpc::Rpc;
use crate::wire::framing::answer_too_large;
use crate::wire::view::decoded_bytes;
use decide::decide;

/// What a request takes beside its message: its headers, its stream, the headers
/// of its answer.
const REQUEST_BYTES: u64 = 8 * 1024;

/// The most that a caller of server reflection may send on one stream.
const REFLECTION_BYTES_MAX: u64 = 64 * 1024;

/// What the requests of a worker share.
pub(super) struct WorkerState {
    pub(super) telemetry: Telemetry,
    pub(super) message: MessageLimits,
    /// How long a request may take.
    pub(super) request_time: Duration,
    pub(super) large: LargeRequests,
    pub(super) decisions: Decisions,
    /// Maximum number of bytes of an answer.
    pub(super) answer_bytes_max: usize,
    pub(super) identification: Identification,
}

/// What the requests of one connection share.
pub(super) struct ConnectionState {
    pub(super) place: ConnectionPlace,
    /// Who it is of, as far as is known now.
    pub(super) identity: ArcSwap<ConnectionIdentity>,
    /// Number of requests that have started.
    pub(super) started: AtomicU64,
}

/// Serves the requests of one connection.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) services: Services,
    pub(super) worker: Arc<WorkerState>,
    pub(super) connection: Arc<ConnectionState>,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let Self { services, worker, connection } = self;
        connection.started.fetch_add(1, Ordering::Relaxed);
        let started = StartedRequest::now(&request, &worker.telemetry);
        let deadline = Deadline::of(request.headers(), started.at(), worker.request_time);
        // Taken before anything is waited for: requests that wait count too.
        let permit = check_is_call(&request).and_then(|()| self.room(started.rpc).map_err(boxed));
        // Nothing is read of a caller that is not known.
        let caller = worker.identification.caller(&connection.identity.load(), request.headers());
        let worker = Arc::clone(worker);
        if started.rpc == Rpc::DECIDE {
            return Box::pin(async move {
                let answer = async {
                    match permit {
                        Ok(permit) => match caller {
                            Ok(caller) => {
                                let body = request.into_body();
                                within(deadline, decide(&worker, &caller, body, permit)).await
                            }
                            Err(NotIdentified) => Answered::refused(unauthenticated()),
                        },
                        Err(refused) => *refused,
                    }
                };
                Ok(started.answered(answer, &worker.telemetry).await)
            });
        }
        let services = services.clone();
        let caller = match caller {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                Ok(())
            }
            // Load balancers ask for the health without an identity.
            Err(NotIdentified) if started.rpc.is_health() => Ok(()),
            Err(NotIdentified) => Err(boxed(unauthenticated())),
        };
        let permit = permit.and_then(|permit| caller.map(|()| permit));
        Box::pin(async move {
            let rpc = started.rpc;
            let answer = async {
                match permit {
                    Ok(permit) => within(deadline, bounded(services, &worker, rpc, request, permit)).await,
                    Err(refused) => *refused,
                }
            };
            Ok(started.answered(answer, &worker.telemetry).await)
        })
    }
}

impl Requests {
    /// Room for one more request. On a connection beyond the limit only the health is answered.
    fn room(&self, rpc: Rpc) -> Result<RequestPermit, Status> {
        let place = &self.connection.place;
        match place.in_reserve() {
            Some(too_many) if !rpc.is_health() => Err(too_many_connections(too_many)),
            Some(_) | None => place.share().start(REQUEST_BYTES).map_err(no_room),
        }
    }
}

/// Whether a request is a call of gRPC. Something else gets a status of HTTP, so that
/// nobody takes it for an answer.
fn check_is_call(request: &Request<Incoming>) -> Result<(), Box<Answered>> {
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let (status, message) = if request.method() != Method::POST {
        (StatusCode::METHOD_NOT_ALLOWED, "calls of gRPC are sent by POST")
    } else if !is_grpc(content_type) {
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "calls of gRPC have the content-type application/grpc")
    } else {
        return Ok(());
    };
    let mut refused = Answered::refused(Status::invalid_argument(message));
    *refused.response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        refused.response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    Err(Box::new(refused))
}

fn boxed(status: Status) -> Box<Answered> {
    Box::new(Answered::refused(status))
}

/// Whether a content type is that of gRPC with protobuf.
fn is_grpc(content_type: &[u8]) -> bool {
    let Some(rest) = content_type.strip_prefix(b"application/grpc") else { return false };
    let rest = rest.strip_prefix(b"+proto").unwrap_or(rest);
    matches!(rest.first(), None | Some(b';' | b' '))
}

/// Answers a request for which there is room, as far as there is room for its
/// message and for its answer.
async fn bounded(
    mut services: Services,
    worker: &WorkerState,
    rpc: Rpc,
    request: Request<Incoming>,
    permit: RequestPermit,
) -> Answered {
    let (head, body) = request.into_parts();
    let (body, taken) = match worker.receive_for_tonic(body, rpc, &permit).await {
        Ok(received) => received,
        Err(status) => return Answered::refused(status),
    };
    let is_large = taken > LARGE_BYTES;
    let answer = services.call(Request::from_parts(head, body));
    let Ok(answer) = if is_large { worker.large.answer(answer).await } else { answer.await };
    permit.subtract(taken);
    let (head, mut body) = refusals_before_services(answer).into_parts();
    let records = head.extensions.get().map_or(0, |RecordCount(records)| *records);
    let body = if body.is_end_stream() {
        Ok(AnswerBody::without_message())
    } else {
        let first = first_message(&mut body).await;
        first.and_then(|first| AnswerBody::new(first, body, permit).map_err(no_room))
    };
    match body {
        Ok(body) => Answered { response: Response::from_parts(head, body), records },
        Err(status) => Answered::refused(status),
    }
}

impl WorkerState {
    /// The message of a request, whose bytes are taken from the permit.
    pub(super) async fn receive(
        &self,
        body: Incoming,
        permit: &RequestPermit,
    ) -> Result<ReceivedMessage, Status> {
        let received = ReceivedMessage::receive(body, permit, self.message).await;
        received.map_err(|why| match why {
            NotReceived::NoRoom(used_up) => no_room(used_up),
            NotReceived::TooSlow => {
                self.telemetry.metrics.limit_reached(LimitName::MESSAGE_TIME);
                Status::deadline_exceeded(
                    "the message of the request did not arrive whole in time: send it at once, or less of it",
                )
            }
            NotReceived::Broken => Status::cancelled("the message of the request ended before its end"),
            NotReceived::Misframed(misframed) => misframed.into(),
        })
    }

    /// The message of a request that tonic decodes, and the number of bytes that were taken for it.
    async fn receive_for_tonic(
        &self,
        body: Incoming,
        rpc: Rpc,
        permit: &RequestPermit,
    ) -> Result<(Body, u64), Status> {
        if rpc.is_reflection() {
            // The only stream of messages of a caller: it is read while it is answered.
            permit.add(REFLECTION_BYTES_MAX).map_err(no_room)?;
            let limited = Limited::new(body, usize::try_from(REFLECTION_BYTES_MAX).unwrap_or_default());
            return Ok((Body::new(limited), REFLECTION_BYTES_MAX));
        }
        let ReceivedMessage { framed, message } = self.receive(body, permit).await?;
        let decoded = decoded_bytes(&message);
        permit.add(decoded).map_err(no_room)?;
        let taken = framed.len() as u64 + decoded;
        Ok((Body::new(Full::new(framed)), taken))
    }
}

/// The first message of an answer, if it is known already: nearly always, but for streams.
async fn first_message(body: &mut Body) -> Result<Option<Frame<Bytes>>, Status> {
    match poll_fn(|context| Poll::Ready(Pin::new(&mut *body).poll_frame(context))).await {
        // Lupa itself returns no such code.
        Poll::Ready(Some(Err(status))) if status.code() == Code::OutOfRange => Err(answer_too_large()),
        Poll::Ready(first) => first.transpose(),
        Poll::Pending => Ok(None),
    }
}
