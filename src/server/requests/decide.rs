//! `Decide` without tonic. It is called most by far, and tonic boxes its body and its
//! future once more, and copies its message and its answer.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use tonic::Status;

use super::WorkerState;
use crate::limits::RequestPermit;
use crate::server::answer::AnswerBody;
use crate::server::observed::Answered;
use crate::service::{RequestCaller, no_room};
use crate::wire::framing::answer_too_large;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Answers a request for which there is room, as far as there is room for its message
/// and for its answer.
pub(super) async fn decide(
    worker: &WorkerState,
    caller: &RequestCaller,
    body: Incoming,
    permit: RequestPermit,
) -> Answered {
    decided(worker, caller, body, permit).await.unwrap_or_else(Answered::refused)
}

async fn decided(
    worker: &WorkerState,
    caller: &RequestCaller,
    body: Incoming,
    permit: RequestPermit,
) -> Result<Answered, Status> {
    let received = worker.receive(body, &permit).await?;
    let taken = received.framed.len() as u64;
    drop(received.framed);
    let call = worker.decisions.read(received.message).await?;
    let answer = worker.decisions.decide(&call, caller).await?;
    let records = call.records.count();
    drop(call);
    if answer.message().len() > worker.answer_bytes_max {
        return Err(answer_too_large());
    }
    let body = AnswerBody::whole(answer.into_framed(), permit, taken).map_err(no_room)?;
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    Ok(Answered { response, records })
}
