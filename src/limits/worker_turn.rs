//! Large requests take turns on a worker.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

thread_local! {
    /// Held by the large request on which this worker works.
    static TURN: Arc<Semaphore> = Arc::new(Semaphore::new(1));
}

/// The turn of a large request on its worker. Others wait for theirs, so that a small
/// request waits for one piece of work, however many large ones there are.
#[derive(Debug)]
pub struct WorkerTurn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl WorkerTurn {
    /// Waits until the worker works on no other large request.
    pub async fn wait() -> Self {
        // The semaphore is never closed.
        Self { _permit: TURN.with(Arc::clone).acquire_owned().await.ok() }
    }
}
