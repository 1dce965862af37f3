//! The body of an answer, whose bytes count as in flight until they have been sent.
//!
//! The bytes are lent to hyper, which drops them when they are on their way: only
//! then are they given back. The trailers of a large answer follow after that, so
//! that its stream lasts as long as the answer is kept, and ends in time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::task::AtomicWaker;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;

use super::streams::{message_handed_over, messages_sent};
use crate::limits::{RequestPermit, ShareUsedUp};
use crate::service::no_room;

/// Answers up to this size are not waited for: they fit into any window that a
/// client opens, and are sent together with their trailers.
const SENT_AT_ONCE_BYTES: u64 = 4096;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The body of an answer.
pub(super) struct AnswerBody {
    /// What is known of it before the answer starts.
    first: Option<Frame<Bytes>>,
    rest: Rest,
    /// None: nothing is waited for.
    sending: Option<Arc<Sending>>,
    /// Number of messages that were handed over.
    messages: u64,
}

/// What follows in the body of an answer.
enum Rest {
    /// What a service of tonic has written.
    Body(Body),
    /// That the call has succeeded.
    Success,
    Nothing,
}

/// What is kept until an answer has been sent.
struct Sending {
    permit: RequestPermit,
    unsent_bytes: AtomicU64,
    reader: AtomicWaker,
}

/// A message that was handed over to hyper.
struct LentMessage {
    bytes: Bytes,
    sending: Arc<Sending>,
}

/// A small answer that was handed over to hyper. Its request ends when hyper drops it.
struct SmallAnswer {
    bytes: Vec<u8>,
    _permit: RequestPermit,
}

impl AnswerBody {
    /// An answer that has no message: its status is in the headers.
    pub(super) fn without_message() -> Self {
        Self { first: None, rest: Rest::Nothing, sending: None, messages: 0 }
    }

    /// An answer of one message with its prefix. `taken`: the bytes of the permit for
    /// the message of the request, which is no longer kept.
    pub(super) fn whole(bytes: Vec<u8>, permit: RequestPermit, taken: u64) -> Result<Self, ShareUsedUp> {
        let length = bytes.len() as u64;
        if length > SENT_AT_ONCE_BYTES {
            permit.subtract(taken);
            let sending = Sending::new(permit);
            let first = Frame::data(sending.lend(bytes.into())?);
            return Ok(Self { first: Some(first), rest: Rest::Success, sending: Some(sending), messages: 0 });
        }
        permit.exchange(taken, length)?;
        let first = Frame::data(Bytes::from_owner(SmallAnswer { bytes, _permit: permit }));
        Ok(Self { first: Some(first), rest: Rest::Success, sending: None, messages: 0 })
    }

    /// An answer with the permit of its request, and with its first message if that is known.
    pub(super) fn new(
        first: Option<Frame<Bytes>>,
        body: Body,
        permit: RequestPermit,
    ) -> Result<Self, ShareUsedUp> {
        let sending = Sending::new(permit);
        let first = match first.map(Frame::into_data) {
            Some(Ok(message)) => Some(Frame::data(sending.lend(message)?)),
            Some(Err(other)) => Some(other),
            None => None,
        };
        Ok(Self { first, rest: Rest::Body(body), sending: Some(sending), messages: 0 })
    }
}

impl Sending {
    fn new(permit: RequestPermit) -> Arc<Self> {
        Arc::new(Self { permit, unsent_bytes: AtomicU64::new(0), reader: AtomicWaker::new() })
    }

    fn lend(self: &Arc<Self>, bytes: Bytes) -> Result<Bytes, ShareUsedUp> {
        let length = bytes.len() as u64;
        self.permit.add(length)?;
        self.unsent_bytes.fetch_add(length, Ordering::AcqRel);
        Ok(Bytes::from_owner(LentMessage { bytes, sending: Arc::clone(self) }))
    }

    /// Whether nothing has to be waited for before more is sent.
    fn is_sent(&self) -> bool {
        self.unsent_bytes.load(Ordering::Acquire) <= SENT_AT_ONCE_BYTES
    }
}

impl AsRef<[u8]> for SmallAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for LentMessage {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for LentMessage {
    fn drop(&mut self) {
        let length = self.bytes.len() as u64;
        self.sending.unsent_bytes.fetch_sub(length, Ordering::AcqRel);
        self.sending.permit.subtract(length);
        self.sending.reader.wake();
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Some(first) = this.first.take() {
            this.messages += 1;
            message_handed_over(this.messages);
            return Poll::Ready(Some(Ok(first)));
        }
        if let Some(sending) = &this.sending
            && !sending.is_sent()
        {
            sending.reader.register(context.waker());
            // It may have been sent before the waker was registered.
            if !sending.is_sent() {
                return Poll::Pending;
            }
        }
        messages_sent();
        let frame = match &mut this.rest {
            Rest::Body(body) => ready!(Pin::new(body).poll_frame(context)?),
            Rest::Success => Some(Frame::trailers(success())),
            Rest::Nothing => None,
        };
        let Some(frame) = frame else { return Poll::Ready(None) };
        if matches!(this.rest, Rest::Success) {
            this.rest = Rest::Nothing;
        }
        let frame = match (frame.into_data(), &this.sending) {
            (Ok(message), Some(sending)) => {
                this.messages += 1;
                message_handed_over(this.messages);
                Frame::data(sending.lend(message).map_err(no_room)?)
            }
            (Ok(message), None) => Frame::data(message),
            (Err(other), _) => other,
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        let is_rest_over = match &self.rest {
            Rest::Body(body) => body.is_end_stream(),
            Rest::Success => false,
            Rest::Nothing => true,
        };
        self.first.is_none() && is_rest_over
    }

    /// Unknown, so that hyper adds no `content-length` to an answer with trailers.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The trailers of a call that has succeeded.
fn success() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}
