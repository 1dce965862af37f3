//! Requests that wait for the writer thread, each with the channel for its reply.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::change::{Append, Appended, DirectoryReplacement, Replaced};
use super::checkpoint_record::CheckpointRecord;
use super::error::{AppendError, WriteError};
use super::import::{ImportResult, ImportSource};
use super::viewing::EqualViewings;

/// A request to write.
pub(super) enum Job {
    Append(Box<PendingJob<Append, Appended, AppendError>>),
    Directory(Box<PendingJob<DirectoryReplacement, Replaced>>),
    Viewing(Box<PendingJob<EqualViewings, ()>>),
    Checkpoint(Box<PendingJob<CheckpointRecord, ()>>),
    /// It has a transaction of its own.
    Import(Box<PendingJob<Box<dyn ImportSource>, ImportResult>>),
}

/// A request, its outcome once a batch has run it, and the channel for the reply.
pub(super) struct PendingJob<R, T, E = WriteError> {
    pub(super) request: R,
    pub(super) outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl Job {
    /// Replies with the outcome. The caller has committed it.
    pub(super) fn reply(self) {
        match self {
            Self::Append(pending) => pending.reply(),
            Self::Directory(pending) => pending.reply(),
            Self::Viewing(pending) => pending.reply(),
            Self::Checkpoint(pending) => pending.reply(),
            Self::Import(pending) => pending.reply(),
        }
    }

    /// Replies with the outcome of an attempt whose earlier commit was not answered. That commit may have
    /// stored the job's own directory, and then the expected one has changed: whether the directory is
    /// stored is unknown. An append is recognized by its idempotency key instead.
    pub(super) fn reply_after_unanswered_commit(self) {
        let may_be_stored = matches!(
            &self,
            Self::Directory(pending) if matches!(pending.outcome, Some(Err(WriteError::DirectoryChanged)))
        );
        if may_be_stored {
            self.fail(&Arc::new(WriteError::DirectoryChanged), true);
        } else {
            self.reply();
        }
    }

    /// Replies that the job failed, or, if the commit may have succeeded, that its outcome is unknown.
    pub(super) fn fail(self, error: &Arc<WriteError>, may_be_committed: bool) {
        let error = Arc::clone(error);
        let other = |error| {
            if may_be_committed { WriteError::OutcomeUnknown(error) } else { WriteError::NotWritten(error) }
        };
        match self {
            Self::Append(pending) if may_be_committed => pending.fail(AppendError::Unknown(error)),
            Self::Append(pending) => pending.fail(AppendError::Store(error)),
            Self::Directory(pending) => pending.fail(other(error)),
            Self::Viewing(pending) => pending.fail(other(error)),
            Self::Checkpoint(pending) => pending.fail(other(error)),
            Self::Import(pending) => pending.fail(other(error)),
        }
    }
}

impl<R, T, E> PendingJob<R, T, E> {
    pub(super) fn new(request: R, reply: oneshot::Sender<Result<T, E>>) -> Self {
        Self { request, outcome: None, reply }
    }

    fn fail(self, error: E) {
        drop(self.reply.send(Err(error)));
    }

    /// The reply is dropped if the caller has stopped waiting; it may retry with the same key.
    fn reply(self) {
        if let Some(outcome) = self.outcome {
            drop(self.reply.send(outcome));
        }
    }
}
