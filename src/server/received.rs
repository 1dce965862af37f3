//! The message of a request, received whole before a service sees it, while its
//! bytes are counted.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use http_body::Body as HttpBody;
use hyper::body::Incoming;
use prost::bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use tokio::{task, time};

use crate::limits::{RequestPermit, ShareUsedUp, WorkerTurn};
use crate::wire::framing::{Misframed, PREFIX_BYTES, declared_length, message_in};

/// How much of a message is copied before the worker serves others: some ten
/// microseconds, more where the memory is new to the process.
const COPIED_AT_ONCE_BYTES: usize = 64 * 1024;

/// The limits of the message of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageLimits {
    /// Maximum number of bytes.
    pub(super) bytes_max: usize,
    /// How long it may take to arrive.
    pub(super) time_max: Duration,
}

/// Why a message was not received.
#[derive(Debug)]
pub(super) enum NotReceived {
    /// There is no room for it now.
    NoRoom(ShareUsedUp),
    /// It did not arrive whole in time.
    TooSlow,
    /// The caller has gone.
    Broken,
    /// It is not one message.
    Misframed(Misframed),
}

/// A message that has been received. Its bytes are taken from the permit.
#[derive(Debug)]
pub(super) struct ReceivedMessage {
    /// As it came, with its prefix.
    pub(super) framed: Bytes,
    pub(super) message: Bytes,
}

/// The pieces in which a message comes: nearly always one.
#[derive(Debug, Default)]
struct Pieces {
    pieces: SmallVec<[Bytes; 1]>,
    bytes: usize,
}

impl ReceivedMessage {
    /// Receives a message. The rest of one that is longer than it may be is left.
    pub(super) async fn receive(
        body: Incoming,
        permit: &RequestPermit,
        limits: MessageLimits,
    ) -> Result<Self, NotReceived> {
        let mut pieces = Pieces::default();
        {
            let mut receiving = pin!(pieces.take_from(body, permit, limits.bytes_max));
            // Most messages have arrived together with their headers, and need no timer.
            let first = poll_fn(|context| Poll::Ready(receiving.as_mut().poll(context))).await;
            match first {
                Poll::Ready(ended) => ended,
                Poll::Pending => {
                    time::timeout(limits.time_max, receiving).await.unwrap_or(Err(NotReceived::TooSlow))
                }
            }?;
        }
        let framed = pieces.joined(permit).await.map_err(NotReceived::NoRoom)?;
        let message = message_in(&framed, limits.bytes_max).map_err(NotReceived::Misframed)?;
        Ok(Self { framed, message })
    }
}

impl Pieces {
    async fn take_from(
        &mut self,
        mut body: Incoming,
        permit: &RequestPermit,
        bytes_max: usize,
    ) -> Result<(), NotReceived> {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let Ok(piece) = frame.map_err(|_| NotReceived::Broken)?.into_data() else { continue };
            permit.add(piece.len() as u64).map_err(NotReceived::NoRoom)?;
            self.bytes += piece.len();
            self.pieces.push(piece);
            let declared = declared_length(self.pieces.iter().flatten().copied());
            if declared.is_some_and(|declared| declared > bytes_max) {
                return Err(NotReceived::Misframed(Misframed::TooLarge));
            }
            if self.bytes > PREFIX_BYTES.saturating_add(bytes_max) {
                return Err(NotReceived::Misframed(Misframed::NotOneMessage));
            }
        }
        Ok(())
    }

    /// The pieces as one. While they are copied, they take twice their room. Large
    /// messages are copied one at a time, and the worker serves others meanwhile.
    async fn joined(mut self, permit: &RequestPermit) -> Result<Bytes, ShareUsedUp> {
        if self.pieces.len() < 2 {
            return Ok(self.pieces.pop().unwrap_or_default());
        }
        let bytes = self.bytes as u64;
        permit.add(bytes)?;
        let is_large = self.bytes > COPIED_AT_ONCE_BYTES;
        let turn = if is_large { Some(WorkerTurn::wait().await) } else { None };
        let mut joined = BytesMut::with_capacity(self.bytes);
        let mut at_once = 0;
        for piece in self.pieces.drain(..) {
            joined.extend_from_slice(&piece);
            at_once += piece.len();
            if at_once > COPIED_AT_ONCE_BYTES {
                at_once = 0;
                task::yield_now().await;
            }
        }
        drop(turn);
        permit.subtract(bytes);
        Ok(joined.freeze())
    }
}
