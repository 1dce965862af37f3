//! Closed-loop load: so many callers, each asking again when it is answered.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::runtime;
use tokio::task::LocalSet;

use crate::caller::{Asked, Caller};

/// Callers ask this long before it counts.
const WARM_UP: Duration = Duration::from_millis(150);

/// Threads that call; more would only take turns with the server's.
const THREADS_MAX: usize = 2;

/// The longest latency told apart.
const LATENCY_NANOS_MAX: u64 = 60_000_000_000;

/// How much is asked at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Requests under way on each connection.
    pub(crate) in_flight: usize,
    pub(crate) lasting: Duration,
}

/// What came of it.
pub(crate) struct Loaded {
    /// In nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) lasted: Duration,
}

impl Load {
    /// Asks what `next` gives, by number, over new connections.
    pub(crate) fn ask<Next>(self, address: SocketAddr, asked: Asked, next: Next) -> Loaded
    where
        Next: Fn(u64) -> Bytes + Clone + Send + 'static,
    {
        let threads = self.connections.min(THREADS_MAX);
        let from = Instant::now() + WARM_UP;
        let asking: Vec<_> = (0..threads)
            .map(|place| {
                let connections =
                    self.connections / threads + usize::from(place < self.connections % threads);
                let next = next.clone();
                // Numbers of one thread are not another's.
                let numbers = (place, threads);
                thread::spawn(move || {
                    let load = Self { connections, ..self };
                    let runtime =
                        runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                    LocalSet::new().block_on(&runtime, load.thread(address, asked, next, numbers, from))
                })
            })
            .collect();
        let mut latencies = histogram();
        for thread in asking {
            latencies.add(thread.join().expect("a caller")).expect("histograms of one kind");
        }
        Loaded { latencies, lasted: self.lasting }
    }

    async fn thread<Next: Fn(u64) -> Bytes + Clone + 'static>(
        self,
        address: SocketAddr,
        asked: Asked,
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
                        let asked_at = Instant::now();
                        if asked_at >= from + self.lasting {
                            break;
                        }
                        let frame = next(number.replace(number.get() + step as u64));
                        caller.ask(asked, frame).await.unwrap_or_else(|error| panic!("{error}"));
                        let answered_at = Instant::now();
                        if answered_at >= from && answered_at < from + self.lasting {
                            let nanos =
                                u64::try_from((answered_at - asked_at).as_nanos()).unwrap_or(u64::MAX);
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
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.lasted.as_secs_f64()
    }

    /// How long was asked in all, that is also what did not count.
    pub(crate) fn lasted_with_warm_up(&self) -> Duration {
        self.lasted + WARM_UP
    }

    /// A percentile in microseconds.
    pub(crate) fn micros(&self, percentile: f64) -> f64 {
        self.latencies.value_at_percentile(percentile) as f64 / 1_000.0
    }
}

/// Latencies to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LATENCY_NANOS_MAX, 3).expect("a histogram")
}
