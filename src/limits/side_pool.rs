//! Threads of low priority for work that may be long, beside the workers: a worker
//! that did it would answer nobody else meanwhile.
//!
//! ```text
//!  worker: run(job) ─▶ bounded queue ─▶ side thread: job(&cancelled) ─▶ worker: the result
//!            dropped, such as by the deadline? it is cancelled ──▲
//! ```

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::process::setpriority_process;
use tokio::sync::oneshot;

/// The niceness of the side threads: where the cores are busy they yield to the
/// workers, and get about a ninth of what a worker gets.
const NICENESS: i32 = 10;

/// Lowers the priority of the current thread below that of the workers. Where it
/// cannot, the thread competes with them.
pub fn lower_priority() {
    if let Err(error) = setpriority_process(None, NICENESS) {
        tracing::warn!(%error, "the priority of a thread cannot be lowered");
    }
}

/// Cores for each side thread, if the operator sets no number.
const CORES_PER_THREAD: usize = 4;

/// The threads. They end with the last clone of this.
#[derive(Clone, Debug)]
pub struct SidePool(Arc<Owner>);

/// Closes the queue when it is dropped.
#[derive(Debug)]
struct Owner(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    state: Mutex<QueueState>,
    /// A job was added, or the queue was closed.
    changed: Condvar,
    length_max: usize,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<SideJob>,
    is_closed: bool,
}

struct SideJob {
    cancelled: Cancelled,
    work: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for SideJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SideJob").field("cancelled", &self.cancelled).finish_non_exhaustive()
    }
}

/// Whether nobody waits for a job any longer: the caller has gone, or its deadline
/// has passed.
#[derive(Clone, Debug, Default)]
pub struct Cancelled(Arc<AtomicBool>);

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRun {
    /// Too many jobs wait.
    #[error("too many jobs wait for a side thread")]
    QueueFull,
    /// The job panicked.
    #[error("a job on a side thread panicked")]
    Panicked,
}

impl Cancelled {
    /// Whether the job is to be left off.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Cancels a job when its result is no longer awaited.
struct CancelOnDrop(Cancelled);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl SidePool {
    /// Starts a number of threads, by default one for each four cores.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(threads: Option<NonZeroUsize>, queue_length_max: usize) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = threads.map_or((cores / CORES_PER_THREAD).max(1), NonZeroUsize::get);
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            changed: Condvar::new(),
            length_max: queue_length_max,
        });
        let pool = Self(Arc::new(Owner(Arc::clone(&queue))));
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("lupa-side-{number}")).spawn(move || {
                lower_priority();
                queue.work();
            })?;
        }
        Ok(pool)
    }

    /// Runs a job on a side thread and waits for its result. If this is dropped
    /// before, the job is not started, or its flag is set.
    ///
    /// # Errors
    /// If too many jobs wait, or the job panics.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Cancelled) -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let (send, receive) = oneshot::channel();
        let cancelled = Cancelled::default();
        let of_job = cancelled.clone();
        let work = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(|| job(&of_job)));
            // Nobody waits for the result of a cancelled job.
            drop(send.send(result.map_err(|_| NotRun::Panicked)));
        });
        let guard = CancelOnDrop(cancelled.clone());
        self.0.0.push(SideJob { cancelled, work })?;
        let result = receive.await.unwrap_or(Err(NotRun::Panicked));
        drop(guard);
        result
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        // Nothing panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: SideJob) -> Result<(), NotRun> {
        let mut state = self.lock();
        if state.waiting.len() >= self.length_max {
            state.waiting.retain(|waiting| !waiting.cancelled.is_cancelled());
        }
        if state.waiting.len() >= self.length_max {
            return Err(NotRun::QueueFull);
        }
        state.waiting.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Works until the queue is closed.
    fn work(&self) {
        while let Some(SideJob { cancelled, work }) = self.next() {
            if !cancelled.is_cancelled() {
                work();
            }
        }
    }

    /// Waits for the next job; none: the queue is closed.
    fn next(&self) -> Option<SideJob> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tokio::task::yield_now;

    use super::*;

    fn pool(queue_length_max: usize) -> SidePool {
        SidePool::start(NonZeroUsize::new(1), queue_length_max).expect("a thread")
    }

    /// A job that waits for a word, and says when it has started.
    fn waiting(started: Sender<()>, go_on: Receiver<()>) -> impl FnOnce(&Cancelled) -> bool + Send {
        move |cancelled| {
            started.send(()).expect("the test waits");
            go_on.recv().expect("a word");
            cancelled.is_cancelled()
        }
    }

    #[tokio::test]
    async fn a_job_runs_on_a_side_thread_of_low_priority() {
        let name = |_: &Cancelled| {
            let priority = rustix::process::getpriority_process(None).expect("a priority");
            (thread::current().name().map(str::to_owned), priority)
        };
        let (name, priority) = pool(1).run(name).await.expect("it runs");
        assert_eq!(name.as_deref(), Some("lupa-side-0"));
        assert!(priority >= NICENESS, "{priority}");
    }

    #[tokio::test]
    async fn a_job_that_panics_has_no_result_and_the_thread_goes_on() {
        let pool = pool(1);
        assert_eq!(pool.run(|_| -> () { panic!("a planted panic") }).await, Err(NotRun::Panicked));
        assert_eq!(pool.run(|_| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn more_jobs_than_may_wait_are_rejected_and_cancelled_ones_make_room() {
        let pool = pool(1);
        let (started, has_started) = channel();
        let (go_on, word) = channel();
        let running = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(waiting(started, word)).await }
        });
        while has_started.try_recv().is_err() {
            yield_now().await;
        }
        // One waits; then it is no longer awaited.
        let mut second = Box::pin(pool.run(|_| -> () { panic!("it is not started") }));
        assert!(futures_now(&mut second).await.is_none());
        assert_eq!(pool.run(|_| ()).await, Err(NotRun::QueueFull));
        drop(second);
        let mut third = Box::pin(pool.run(|_| 3));
        assert!(futures_now(&mut third).await.is_none());
        go_on.send(()).expect("the job waits");
        assert_eq!(running.await.expect("no panic"), Ok(false));
        assert_eq!(third.await, Ok(3));
    }

    #[tokio::test]
    async fn a_running_job_is_told_that_it_is_cancelled() {
        let pool = pool(1);
        let (started, has_started) = channel();
        let (go_on, word) = channel();
        let (tell, reported) = channel();
        let job = waiting(started, word);
        let mut running = Box::pin(pool.run(move |cancelled| tell.send(job(cancelled))));
        assert!(futures_now(&mut running).await.is_none());
        while has_started.try_recv().is_err() {
            yield_now().await;
        }
        drop(running);
        go_on.send(()).expect("the job waits");
        assert_eq!(pool.run(|_| ()).await, Ok(()), "the thread is free again");
        assert_eq!(reported.recv(), Ok(true));
    }

    /// What a future returns if it is polled once.
    async fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            let polled = std::pin::Pin::new(&mut *future).poll(context);
            std::task::Poll::Ready(match polled {
                std::task::Poll::Ready(done) => Some(done),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
