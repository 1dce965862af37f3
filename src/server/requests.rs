//! The way of a request through the server, around the services: room for it, its
//! message, the time that it may take, and what is known of it afterwards.
//!
//! ```text
//!  hyper ─▶ Requests ─▶ StartedRequest ─▶ within ─▶ bounded ─▶ ReceivedMessage ─▶ services
//!                                                                                     │
//!  hyper ◀──────────────────────────────── AnswerBody ◀───────────────────────────────┘
//! ```

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::Limited;
use hyper::body::Incoming;
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::server::TcpConnectInfo;
use tower::Service;

use super::answer::AnswerBody;
use super::large::{LARGE_BYTES, LargeRequests};
use super::layers::{Deadline, refusals_before_services, refused, within};
use super::observed::StartedRequest;
use super::received::{MessageLimits, NotReceived, ReceivedMessage};
use super::services::Services;
use crate::limits::{ConnectionPlace, RequestPermit};
use crate::service::{no_room, too_many_connections};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::LimitName;
use crate::telemetry::rpc::Rpc;
use crate::wire::view::decoded_bytes;

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
}

/// What the requests of one connection share.
pub(super) struct ConnectionState {
    pub(super) place: ConnectionPlace,
    pub(super) address: TcpConnectInfo,
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
        let permit = self.room(started.rpc);
        request.extensions_mut().insert(connection.address.clone());
        let (services, worker) = (services.clone(), Arc::clone(worker));
        Box::pin(async move {
            let rpc = started.rpc;
            let answer = async {
                match permit {
                    Ok(permit) => within(deadline, bounded(services, &worker, rpc, request, permit)).await,
                    Err(status) => refused(status),
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

/// Answers a request for which there is room, as far as there is room for its
/// message and for its answer.
async fn bounded(
    mut services: Services,
    worker: &WorkerState,
    rpc: Rpc,
    request: Request<Incoming>,
    permit: RequestPermit,
) -> Response<AnswerBody> {
    let (head, body) = request.into_parts();
    let received = receive(body, worker, rpc, &permit).await;
    let (body, taken) = match received {
        Ok(received) => received,
        Err(status) => return refused(status),
    };
    let is_large = taken > LARGE_BYTES && rpc != Rpc::DECIDE;
    let answer = services.call(Request::from_parts(head, body));
    let Ok(answer) = if is_large { worker.large.answer(answer).await } else { answer.await };
    permit.subtract(taken);
    let (head, mut body) = refusals_before_services(answer).into_parts();
    if body.is_end_stream() {
        return Response::from_parts(head, AnswerBody::without_message(body));
    }
    match first_message(&mut body)
        .await
        .and_then(|first| AnswerBody::new(first, body, permit).map_err(no_room))
    {
        Ok(body) => Response::from_parts(head, body),
        Err(status) => refused(status),
    }
}

/// The message of a request, and the number of bytes that were taken for it.
async fn receive(
    body: Incoming,
    worker: &WorkerState,
    rpc: Rpc,
    permit: &RequestPermit,
) -> Result<(Body, u64), Status> {
    if rpc.is_reflection() {
        // The only stream of messages of a caller: it is read while it is answered.
        permit.add(REFLECTION_BYTES_MAX).map_err(no_room)?;
        let limited = Limited::new(body, usize::try_from(REFLECTION_BYTES_MAX).unwrap_or_default());
        return Ok((Body::new(limited), REFLECTION_BYTES_MAX));
    }
    let received = ReceivedMessage::receive(body, permit, worker.message).await;
    let mut message = received.map_err(|why| not_received(&why, worker))?;
    let bytes = message.bytes as u64;
    // Records of a Decide are read where they stand. All other messages are decoded whole.
    let decoded = if rpc == Rpc::DECIDE { bytes } else { decoded_bytes(message.whole()) };
    permit.add(decoded).map_err(no_room)?;
    Ok((Body::new(message), bytes + decoded))
}

fn not_received(why: &NotReceived, worker: &WorkerState) -> Status {
    match why {
        NotReceived::NoRoom(used_up) => no_room(*used_up),
        NotReceived::TooSlow => {
            worker.telemetry.metrics.limit_reached(LimitName::MESSAGE_TIME);
            Status::deadline_exceeded(
                "the message of the request did not arrive whole in time: send it at once, or less of it",
            )
        }
        NotReceived::Broken => Status::cancelled("the message of the request ended before its end"),
    }
}

/// The first message of an answer, if it is known already: nearly always, but for streams.
async fn first_message(body: &mut Body) -> Result<Option<Frame<Bytes>>, Status> {
    match poll_fn(|context| Poll::Ready(Pin::new(&mut *body).poll_frame(context))).await {
        Poll::Ready(first) => first.transpose(),
        Poll::Pending => Ok(None),
    }
}
