//! The thread that writes, and how it is ended.

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, watch};

use super::change::Revision;
use super::error::StoreError;
use super::job::Job;

/// What the writer tells everyone.
pub(super) struct Told {
    pub(super) committed: watch::Sender<Revision>,
    /// Why the writer has stopped for good.
    pub(super) failure: watch::Sender<Option<Arc<StoreError>>>,
}

/// The writer at work. Dropped in this order: with the sender gone the writer
/// ends; the lock is given up when all is closed.
pub(super) struct Hired {
    pub(super) jobs: mpsc::Sender<Job>,
    _writer: JoinedOnDrop,
    _lock: Option<Lock>,
}

/// What opening a store makes: what reads it, the thread that writes it if it
/// is not only followed, and what that one tells.
pub(super) type Begun<D> = (D, Option<Hired>, Arc<Told>);

/// A file that is locked as long as this lives.
pub(super) struct Lock(File);

struct JoinedOnDrop(Option<JoinHandle<()>>);

/// Tells of a panic, so that nobody waits for ever.
struct TellPanic(Arc<Told>);

impl Told {
    pub(super) fn new(committed: Revision) -> Self {
        Self { committed: watch::Sender::new(committed), failure: watch::Sender::new(None) }
    }

    /// Tells of a commit.
    pub(super) fn committed(&self, revision: Revision) {
        self.committed.send_if_modified(|known| {
            let is_later = revision > *known;
            *known = revision.max(*known);
            is_later
        });
    }
}

impl Lock {
    /// Locks a file, if nobody else has.
    pub(super) fn of(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closed, it would stay locked for as long as a child of this process has
        // the file too, which has been forked and has not begun its own program.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the store is given up only when this process ends");
        }
    }
}

impl Hired {
    /// Starts the thread, which holds a lock as long as it lives.
    pub(super) fn start(
        queue_length_max: usize,
        lock: Option<Lock>,
        told: &Arc<Told>,
        write: impl FnOnce(mpsc::Receiver<Job>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(queue_length_max.max(1));
        let tell_panic = TellPanic(Arc::clone(told));
        let run = move || {
            let _tell_panic = tell_panic;
            write(queue);
        };
        let writer =
            thread::Builder::new().name("lupa-store".to_owned()).spawn(run).map_err(StoreError::NoThread)?;
        Ok(Self { jobs, _writer: JoinedOnDrop(Some(writer)), _lock: lock })
    }
}

impl Drop for JoinedOnDrop {
    fn drop(&mut self) {
        // The last handle may be in an admission, and so dropped by the writer itself.
        let other = self.0.take().filter(|thread| thread.thread().id() != thread::current().id());
        if other.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the store had panicked");
        }
    }
}

impl Drop for TellPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failure.send_replace(Some(Arc::new(StoreError::WriterPanicked)));
        }
    }
}
