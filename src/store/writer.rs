//! The writer thread: its handle, its status and its end.

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, watch};

use super::backend::BatchWriter;
use super::change::Revision;
use super::error::{OpenError, WriteError};
use super::job::Job;

/// Status that the writer publishes.
pub(super) struct WriterStatus {
    /// The last committed revision.
    pub(super) committed: watch::Sender<Revision>,
    /// Why the writer has stopped for good.
    pub(super) failure: watch::Sender<Option<Arc<WriteError>>>,
}

/// Handle of the writer thread. The order of the fields is the order of the shutdown: without a sender
/// the thread ends, then it is joined, and the locks are released last.
pub(super) struct WriterHandle {
    pub(super) jobs: mpsc::Sender<Job>,
    _writer: JoinedOnDrop,
    _locks: Vec<Lock>,
}

/// Result of opening a store: the backend, the writer thread (none if the store is only followed) and
/// its status.
pub(super) struct Opened<B> {
    pub(super) backend: B,
    pub(super) writer: Option<WriterHandle>,
    pub(super) status: Arc<WriterStatus>,
}

/// A lock on a file, held while this value lives.
pub(super) struct Lock(File);

struct JoinedOnDrop(Option<JoinHandle<()>>);

/// Publishes a panic of the writer as its failure, so that callers do not wait forever.
struct ReportPanicOnDrop(Arc<WriterStatus>);

impl WriterStatus {
    pub(super) fn new(committed: Revision) -> Self {
        Self { committed: watch::Sender::new(committed), failure: watch::Sender::new(None) }
    }

    /// Publishes a commit.
    pub(super) fn publish_commit(&self, revision: Revision) {
        self.committed.send_if_modified(|known| {
            let is_later = revision > *known;
            *known = revision.max(*known);
            is_later
        });
    }
}

impl Lock {
    /// Locks a file, unless another process has locked it.
    pub(super) fn of(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process between fork and exec has it open too, and
        // would keep it locked.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the store is released only when this process ends");
        }
    }
}

impl WriterHandle {
    /// Starts the writer thread. The locks are held until the handle is dropped.
    pub(super) fn start(
        queue_length_max: usize,
        locks: Vec<Lock>,
        status: &Arc<WriterStatus>,
        writer: impl BatchWriter,
    ) -> Result<Self, OpenError> {
        let (jobs, queue) = mpsc::channel(queue_length_max.max(1));
        let report_panic = ReportPanicOnDrop(Arc::clone(status));
        let run = move || {
            let _report_panic = report_panic;
            writer.run(queue);
        };
        let writer =
            thread::Builder::new().name("lupa-store".to_owned()).spawn(run).map_err(OpenError::NoThread)?;
        Ok(Self { jobs, _writer: JoinedOnDrop(Some(writer)), _locks: locks })
    }
}

impl Drop for JoinedOnDrop {
    fn drop(&mut self) {
        // The last handle may be owned by an admission closure, which the writer itself drops.
        let other = self.0.take().filter(|thread| thread.thread().id() != thread::current().id());
        if other.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the store had panicked");
        }
    }
}

impl Drop for ReportPanicOnDrop {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failure.send_replace(Some(Arc::new(WriteError::WriterPanicked)));
        }
    }
}
