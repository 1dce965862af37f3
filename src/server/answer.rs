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

/// The body of an answer.
pub(super) struct AnswerBody {
    /// What was taken from the body before the answer started.
    first: Option<Frame<Bytes>>,
    body: Body,
    /// None: an answer without a message.
    sending: Option<Arc<Sending>>,
    /// Number of messages that were handed over.
    messages: u64,
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

impl AnswerBody {
    /// An answer that has no message.
    pub(super) fn without_message(body: Body) -> Self {
        Self { first: None, body, sending: None, messages: 0 }
    }

    /// An answer with the permit of its request, and with its first message if that is known.
    pub(super) fn new(
        first: Option<Frame<Bytes>>,
        body: Body,
        permit: RequestPermit,
    ) -> Result<Self, ShareUsedUp> {
        let sending = Sending { permit, unsent_bytes: AtomicU64::new(0), reader: AtomicWaker::new() };
        let sending = Arc::new(sending);
        let first = match first.map(Frame::into_data) {
            Some(Ok(message)) => Some(Frame::data(sending.lend(message)?)),
            Some(Err(other)) => Some(other),
            None => None,
        };
        Ok(Self { first, body, sending: Some(sending), messages: 0 })
    }
}

impl Sending {
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
        let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(context)?) else {
            return Poll::Ready(None);
        };
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
        self.first.is_none() && self.body.is_end_stream()
    }

    /// Unknown, so that hyper adds no `content-length` to an answer with trailers.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
