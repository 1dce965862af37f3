//! What is waiting to be written.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::change::{Append, AppendError, Appended, Replaced, Revision};
use super::error::StoreError;
use super::viewing::Viewing;
use crate::policy::client_id::ClientId;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;

/// Something to write, and where to answer.
pub(super) enum Job {
    Append(Box<Pending<Append, Appended, AppendError>>),
    Directory(Box<Pending<Directory, Replaced>>),
    Viewing(Box<Pending<Viewing, ()>>),
    Import(Pending<Vec<(ClientId, Declaration)>, Revision>),
}

/// What is asked, and what will be answered once it is durable.
pub(super) struct Pending<W, T, E = StoreError> {
    pub(super) what: W,
    pub(super) outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl Job {
    /// Answers what the job came to, which is committed now.
    pub(super) fn answer(self) {
        match self {
            Self::Append(pending) => pending.answer(),
            Self::Directory(pending) => pending.answer(),
            Self::Viewing(pending) => pending.answer(),
            Self::Import(pending) => pending.answer(),
        }
    }
}

impl Job {
    /// Answers that it failed, or that it is not known whether it did.
    pub(super) fn fail(self, error: &Arc<StoreError>, may_be_committed: bool) {
        let error = Arc::clone(error);
        let other = |error| {
            if may_be_committed { StoreError::OutcomeUnknown(error) } else { StoreError::NotWritten(error) }
        };
        match self {
            Self::Append(pending) if may_be_committed => pending.fail(AppendError::Unknown(error)),
            Self::Append(pending) => pending.fail(AppendError::Store(error)),
            Self::Directory(pending) => pending.fail(other(error)),
            Self::Viewing(pending) => pending.fail(other(error)),
            Self::Import(pending) => pending.fail(other(error)),
        }
    }
}

impl<W, T, E> Pending<W, T, E> {
    pub(super) fn new(what: W, answer: oneshot::Sender<Result<T, E>>) -> Self {
        Self { what, outcome: None, answer }
    }

    fn fail(self, error: E) {
        drop(self.answer.send(Err(error)));
    }

    /// An answer that nobody waits for any more is dropped: who asked may ask again.
    fn answer(self) {
        if let Some(outcome) = self.outcome {
            drop(self.answer.send(outcome));
        }
    }
}
