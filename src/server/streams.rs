//! The time that an answer has to be sent.
//!
//! hyper runs each stream as a future of its own, which ends once the answer is
//! handed over to the connection. An answer that the caller does not read keeps it
//! from ending: after a time it is dropped, and hyper resets the stream.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{self, Sleep};

use crate::telemetry::metrics::{LimitName, Metrics};

thread_local! {
    /// The number of the message that the stream now polled has handed over, and that
    /// is not known to be sent; 0 = none.
    static IN_SENDING: Cell<u64> = const { Cell::new(0) };
}

/// For the body of an answer: a message was handed over. The numbers differ and
/// are not 0.
pub(super) fn message_handed_over(number: u64) {
    IN_SENDING.set(number);
}

/// For the body of an answer: everything that was handed over has been sent, or
/// has left the stream.
pub(super) fn messages_sent() {
    IN_SENDING.set(0);
}

/// Runs the streams of the connections.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) answer_time: Duration,
    pub(super) metrics: Arc<Metrics>,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(TimedStream { stream, streams: self.clone(), in_sending: 0, timed: 0, timer: None });
    }
}

pin_project! {
    struct TimedStream<F> {
        #[pin]
        stream: F,
        streams: Streams,
        in_sending: u64,
        // The message for which the timer runs.
        timed: u64,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = ()>> Future for TimedStream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let of_caller = IN_SENDING.replace(*this.in_sending);
        let polled = this.stream.poll(context);
        *this.in_sending = IN_SENDING.replace(of_caller);
        if polled.is_ready() {
            return Poll::Ready(());
        }
        if *this.in_sending == 0 {
            *this.timer = None;
            return Poll::Pending;
        }
        if *this.timed != *this.in_sending || this.timer.is_none() {
            *this.timed = *this.in_sending;
            *this.timer = Some(Box::pin(time::sleep(this.streams.answer_time)));
        }
        let ended = this.timer.as_mut().map(|timer| timer.as_mut().poll(context));
        if ended == Some(Poll::Ready(())) {
            this.streams.metrics.limit_reached(LimitName::ANSWER_TIME);
            tracing::debug!("an answer was not read in time: its stream is reset");
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
