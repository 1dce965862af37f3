//! Errors of one append.

use std::sync::Arc;

use super::WriteError;
use crate::policy::refusal::Refusal;

/// Why an append is not acknowledged. After [`AppendError::Unknown`] and [`AppendError::Store`] it may
/// be committed nevertheless; a retry with the same idempotency key returns the outcome.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Admission refused it.
    #[error("it may not be recorded")]
    Refused(#[source] Refusal),
    /// The idempotency key was used before with another payload.
    #[error("the idempotency key was used for something else: give each request a key of its own")]
    KeyReused,
    /// The queue of the writer is full.
    #[error("the store has more to write than its queue holds: try again in a moment")]
    Overloaded,
    /// The commit was sent and not answered.
    #[error("whether it is recorded is not known: send the same again with the same idempotency key")]
    Unknown(#[source] Arc<WriteError>),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<WriteError>),
}
