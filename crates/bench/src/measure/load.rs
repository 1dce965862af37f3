//! Closed-loop load: a fixed number of callers. Each sends its next request when
//! the previous one is answered.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::runtime;
use tokio::task::LocalSet;

use super::caller::{Call, CallError, Caller};

/// Requests of this first period are not counted.
const WARM_UP: Duration = Duration::from_millis(150);

/// Maximum number of threads that call; more would only compete with the server.
const THREADS_MAX: usize = 2;

/// How long a caller waits after a refusal: as long as the server's `RetryInfo` says.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(200);

/// Longer latencies are counted as this one.
const LATENCY_NANOS_MAX: u64 = 60_000_000_000;

/// The size of a load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The number of connections.
    pub connections: usize,
    /// Concurrent requests on each connection.
    pub in_flight: usize,
    /// The duration without the warm-up.
    pub lasting: Duration,
    /// Whether requests may be refused for want of room.
    pub may_be_refused: bool,
}

/// The result of a load.
pub struct Loaded {
    /// The latency of each counted answer, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// The same of each request for which there was no room.
    pub refusals: Histogram<u64>,
    /// The duration without the warm-up.
    pub lasted: Duration,
}

impl Load {
    /// Sends the requests that `next` returns by number, over new connections.
    pub fn run<Next>(self, address: SocketAddr, call: Call, next: Next) -> Loaded
    where
        Next: Fn(u64) -> Bytes + Clone + Send + 'static,
    {
        let threads = self.connections.min(THREADS_MAX);
        let from = Instant::now() + WARM_UP;
        let calling: Vec<_> = (0..threads)
            .map(|place| {
                let connections =
                    self.connections / threads + usize::from(place < self.connections % threads);
                let next = next.clone();
                // The threads use disjoint numbers.
                let numbers = (place, threads);
                thread::spawn(move || {
                    let load = Self { connections, ..self };
                    let runtime =
                        runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                    LocalSet::new().block_on(&runtime, load.thread(address, call, next, numbers, from))
                })
            })
            .collect();
        let mut loaded = Loaded { latencies: histogram(), refusals: histogram(), lasted: self.lasting };
        for thread in calling {
            let [answers, refusals] = thread.join().expect("a caller");
            loaded.latencies.add(answers).expect("histograms of one kind");
            loaded.refusals.add(refusals).expect("histograms of one kind");
        }
        loaded
    }

    async fn thread<Next: Fn(u64) -> Bytes + Clone + 'static>(
        self,
        address: SocketAddr,
        call: Call,
        next: Next,
        (first, step): (usize, usize),
        from: Instant,
    ) -> [Histogram<u64>; 2] {
        let counted = Rc::new(RefCell::new([histogram(), histogram()]));
        let number = Rc::new(Cell::new(first as u64));
        let mut callers = Vec::new();
        for _ in 0..self.connections {
            let caller = Caller::connect(address).await;
            for _ in 0..self.in_flight {
                let (mut caller, next) = (caller.clone(), next.clone());
                let (counted, number) = (Rc::clone(&counted), Rc::clone(&number));
                callers.push(tokio::task::spawn_local(async move {
                    loop {
                        let sent_at = Instant::now();
                        if sent_at >= from + self.lasting {
                            break;
                        }
                        let frame = next(number.replace(number.get() + step as u64));
                        let is_answered = match caller.send(call, frame).await {
                            Ok(_) => true,
                            Err(CallError::NoRoom(_)) if self.may_be_refused => false,
                            Err(error) => panic!("{error}"),
                        };
                        let answered_at = Instant::now();
                        if answered_at >= from && answered_at < from + self.lasting {
                            let nanos = u64::try_from((answered_at - sent_at).as_nanos()).unwrap_or(u64::MAX);
                            let [answers, refusals] = &mut *counted.borrow_mut();
                            if is_answered { answers } else { refusals }.saturating_record(nanos);
                        }
                        if !is_answered {
                            tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                        }
                    }
                }));
            }
        }
        for caller in callers {
            caller.await.expect("a caller");
        }
        Rc::into_inner(counted).expect("the callers have ended").into_inner()
    }
}

impl Loaded {
    /// Answers per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.lasted.as_secs_f64()
    }

    /// The duration with the warm-up.
    #[must_use]
    pub fn lasted_with_warm_up(&self) -> Duration {
        self.lasted + WARM_UP
    }

    /// A percentile of the latencies, in microseconds.
    #[must_use]
    pub fn micros(&self, percentile: f64) -> f64 {
        self.latencies.value_at_percentile(percentile) as f64 / 1_000.0
    }
}

/// A histogram of latencies with three significant digits.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LATENCY_NANOS_MAX, 3).expect("a histogram")
}
