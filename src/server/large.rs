//! Requests whose message takes long to decode run on a thread of their own, of low
//! priority: a worker that decoded it would answer nobody else meanwhile.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;

use http::Response;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tonic::body::Body;

use crate::limits::lower_priority;
use crate::service::fault;

/// Messages up to this size are decoded where they arrive: within some 100 µs.
pub(super) const LARGE_BYTES: u64 = 64 * 1024;

/// The thread for large requests. It ends with the last clone of this.
#[derive(Clone)]
pub(super) struct LargeRequests(Arc<LargeRuntime>);

/// A runtime that may be dropped where nothing may block.
struct LargeRuntime(Option<Runtime>);

impl Drop for LargeRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl LargeRequests {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("lupa-large")
            .enable_all()
            .on_thread_start(lower_priority)
            .build()?;
        Ok(Self(Arc::new(LargeRuntime(Some(runtime)))))
    }

    /// Answers there. If this is dropped, it is stopped.
    pub(super) async fn answer(
        &self,
        answer: impl Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    ) -> Result<Response<Body>, Infallible> {
        let LargeRuntime(runtime) = &*self.0;
        // Dropping the set stops its task.
        let mut tasks = JoinSet::new();
        if let Some(runtime) = runtime {
            tasks.spawn_on(answer, runtime.handle());
        }
        match tasks.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(_)) | None => Ok(fault().into_http()),
        }
    }
}
