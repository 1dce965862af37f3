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

use super::caller::{Call, Caller};

/// Requests of this first period are not counted.
const WARM_UP: Duration = Duration::from_millis(150);

/// Maximum number of threads that call; more would only compete with the server.
const THREADS_MAX: usize = 2;

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
}

/// The result of a load.
pub struct Loaded {
    /// The latency of each counted answer, in nanoseconds.
    pub latencies: Histogram<u64>,
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
        let mut latencies = histogram();
        for thread in calling {
            latencies.add(thread.join().expect("a caller")).expect("histograms of one kind");
        }
        Loaded { latencies, lasted: self.lasting }
    }

    async fn thread<Next: Fn(u64) -> Bytes + Clone + 'static>(
        self,
        address: SocketAddr,
        call: Call,
        next: Next,
        (first, step): (usize, usize),
        from: Instant,
    ) -> Histogram<u64> {
        let latencies = Rc::new(RefCell::new(histogram()));
        let number = Rc::new(Cell::new(first as u64));
        let mut callers = Vec::new();
        for _ in 0..self.connections {
            let caller = Caller::connect(address).await;
            for _ in 0..self.in_flight {
                let (mut caller, next) = (caller.clone(), next.clone());
                let (latencies, number) = (Rc::clone(&latencies), Rc::clone(&number));
                callers.push(tokio::task::spawn_local(async move {
                    loop {
                        let sent_at = Instant::now();
                        if sent_at >= from + self.lasting {
                            break;
                        }
                        let frame = next(number.replace(number.get() + step as u64));
                        caller.send(call, frame).await.unwrap_or_else(|error| panic!("{error}"));
                        let answered_at = Instant::now();
                        if answered_at >= from && answered_at < from + self.lasting {
                            let nanos = u64::try_from((answered_at - sent_at).as_nanos()).unwrap_or(u64::MAX);
                            latencies.borrow_mut().saturating_record(nanos);
                        }
                    }
                }));
            }
        }
        for caller in callers {
            caller.await.expect("a caller");
        }
        Rc::into_inner(latencies).expect("the callers have ended").into_inner()
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
