//! The message of a request, received whole before a service sees it, while its
//! bytes are counted.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use prost::bytes::{Bytes, BytesMut};
use tokio::time;

use crate::limits::{RequestPermit, ShareUsedUp};

/// The length of what is before a message of gRPC: a flag and the length.
const PREFIX_BYTES: usize = 5;

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
}

/// A message that has been received, in the pieces in which it came.
#[derive(Debug, Default)]
pub(super) struct ReceivedMessage {
    pieces: VecDeque<Bytes>,
    /// Number of bytes, with the prefix.
    pub(super) bytes: usize,
}

impl ReceivedMessage {
    /// Receives a message. Of one that is longer than it may be, the rest is left:
    /// its beginning says so, and it is refused for that.
    pub(super) async fn receive(
        body: Incoming,
        permit: &RequestPermit,
        limits: MessageLimits,
    ) -> Result<Self, NotReceived> {
        let mut received = Self::default();
        {
            let mut receiving = pin!(received.take_from(body, permit, limits.bytes_max));
            // Most messages have arrived together with their headers, and need no timer.
            let first = poll_fn(|context| Poll::Ready(receiving.as_mut().poll(context))).await;
            match first {
                Poll::Ready(ended) => ended,
                Poll::Pending => {
                    time::timeout(limits.time_max, receiving).await.unwrap_or(Err(NotReceived::TooSlow))
                }
            }?;
        }
        Ok(received)
    }

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
            self.pieces.push_back(piece);
            let is_too_long = self.declared().is_some_and(|declared| declared > bytes_max);
            if is_too_long || self.bytes > PREFIX_BYTES.saturating_add(bytes_max) {
                break;
            }
        }
        Ok(())
    }

    /// The length that the prefix says.
    fn declared(&self) -> Option<usize> {
        let mut prefix = self.pieces.iter().flatten().take(PREFIX_BYTES).skip(1);
        let mut next = || prefix.next().copied();
        let length = [next()?, next()?, next()?, next()?];
        usize::try_from(u32::from_be_bytes(length)).ok()
    }

    /// The message without its prefix, in one piece.
    pub(super) fn whole(&mut self) -> &[u8] {
        if self.pieces.len() > 1 {
            let mut whole = BytesMut::with_capacity(self.bytes);
            self.pieces.drain(..).for_each(|piece| whole.extend_from_slice(&piece));
            self.pieces.push_back(whole.freeze());
        }
        self.pieces.front().and_then(|whole| whole.get(PREFIX_BYTES..)).unwrap_or_default()
    }
}

impl HttpBody for ReceivedMessage {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}
