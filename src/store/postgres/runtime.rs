//! The threads that talk to the server. Callers block on what runs there.

use std::future::Future;

use tokio::runtime::{self, Runtime};

use crate::store::error::{OpenError, ReadError};

/// A runtime that is dropped without waiting for its tasks.
pub(super) struct Background(Option<Runtime>);

impl Background {
    pub(super) fn start() -> Result<Self, OpenError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("lupa-postgres")
            .enable_all()
            .build()
            .map_err(OpenError::NoThread)?;
        Ok(Self(Some(runtime)))
    }

    pub(super) fn handle(&self) -> Result<&runtime::Handle, ReadError> {
        self.0.as_ref().map(Runtime::handle).ok_or(ReadError::Interrupted)
    }

    /// Runs a future on the runtime and blocks the calling thread, which may be any thread.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let task = self.handle()?.spawn(work);
        futures_executor::block_on(task).map_err(|_| ReadError::Interrupted)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
