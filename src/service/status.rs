//! The one map from failures to gRPC statuses. Their reasons are the values of
//! `ErrorReason` in `errors.proto`, which describes each of them.
//!
//! UNAVAILABLE is neither a denial nor a permit: an error never carries
//! verdicts. Messages carry an error id and no personal data.

mod words;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use uuid::Uuid;

use crate::clock::ClockDiffers;
use crate::identity::Verb;
use crate::index::Unavailable;
use crate::limits::{NotRun, ShareUsedUp, TooManyConnections, UsedUp};
use crate::policy::refusal::Refusal;
use crate::store::{AppendError, ReadError, WriteError};
use crate::telemetry::attributes::Attribute;
use crate::telemetry::span::{ActiveSpan, trace_id};
use crate::wire;
use crate::wire::v1::ErrorReason;
use crate::wire::violation::InvalidRequest;

use words::{words_of, words_of_watchers};

pub(super) use words::CallerShare;

/// The domain of error reasons.
const REASON_DOMAIN: &str = "lupa.v1";

/// Delay before a retry can help.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Why a request is not answered. The text is for people; [`Failure::reason`] is
/// for programs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    #[error("the request has {given} records and the limit is {most}: split it")]
    TooManyRecords { given: usize, most: usize },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the idempotency key was used with another request: use a new key for a new request")]
    KeyReused,
    #[error(
        "this server does not know the caller: call with a certificate or a token that the operator has listed; the server's log says what was wrong with it"
    )]
    Unauthenticated,
    #[error(
        "this caller is not entitled to `{}`: call from an entitled system, or have the operator add the verb in the callers file (without one: change `access`)",
        verb.word()
    )]
    NotEntitled {
        /// What the request needs.
        verb: Verb,
    },
    #[error(
        "this caller may not ask for this register: send one of its own, or have the operator add it in the callers file"
    )]
    RegisterNotOfCaller,
    #[error(
        "this caller may not name this organisation: send one of its own, or have the operator add it in the callers file"
    )]
    OrganisationNotOfCaller,
    #[error("the consistency token was not written by this store: pass a token on as it was received")]
    ForgedToken {
        /// The field of the request.
        field: &'static str,
    },
    #[error(
        "the consistency token is of another store, or of a change that this one has lost in a restore or failover: retry without it"
    )]
    TokenOfAnotherStore,
    #[error("the revision of the token is not in force here yet: retry")]
    RevisionNotReached,
    #[error("stored, but not yet confirmed to be in force here: retry with the same idempotency key")]
    AcknowledgementDelayed,
    #[error(
        "the database did not answer, so the change is stored or it is not: retry with the same idempotency key until it is answered"
    )]
    OutcomeUnknown(#[source] Option<Arc<WriteError>>),
    #[error(transparent)]
    Unavailable(Unavailable),
    #[error(
        "another directory has come into force since the expected token: get it, make the changes again in it, and replace that"
    )]
    DirectoryChanged,
    #[error(
        "the clock of this machine is behind the newest declaration of the client, or the directory: call another server; the operator must set the clock"
    )]
    ClockBehind,
    #[error("the clock of this machine is wrong: call another server; the operator must set the clock")]
    ClockDiffers(#[source] ClockDiffers),
    #[error(
        "too many declarations are waiting to be stored, and this one was not: retry with the same idempotency key"
    )]
    Overloaded,
    #[error("too much is in progress on this server, and nothing was done: retry")]
    TooMuchInProgress,
    #[error(transparent)]
    CallerShareExceeded(CallerShare),
    #[error("{}", words_of(*.0))]
    TooManyConnections(TooManyConnections),
    #[error(
        "this server only reads a store that another server writes: call that server to record, list or print"
    )]
    ReadOnly,
    #[error(
        "the store cannot be written, and nothing was acknowledged: the operator must read the server's log"
    )]
    Store(#[source] Arc<WriteError>),
    #[error("the store cannot be read: retry, and the operator must read the server's log")]
    Unreadable(#[source] Arc<ReadError>),
    #[error("reading the store was interrupted: retry")]
    HistoryInterrupted,
    #[error("{}", words_of_watchers(*.0))]
    TooManyWatchers(UsedUp),
    #[error(
        "too many simulations, explanations, printouts and large directories wait on this server: retry, and send fewer of them at one time"
    )]
    LongWorkQueueFull,
    #[error("a fault of this server stopped the request: report the error id to the operator")]
    Fault,
    #[error(
        "this stream is read more slowly than changes arrive: watch again from the last checkpoint, and read faster"
    )]
    WatcherTooSlow,
    #[error(
        "this server is stopping: watch another one from the last checkpoint, or this one once it is back"
    )]
    Ending,
}

/// The answer to a request that may not be in flight beside the others.
#[must_use]
pub fn no_room(ShareUsedUp(used_up): ShareUsedUp) -> Status {
    let failure = match used_up {
        UsedUp::Connection => Failure::CallerShareExceeded(CallerShare::InFlightOfConnection),
        UsedUp::Caller => Failure::CallerShareExceeded(CallerShare::InFlight),
        UsedUp::Process => Failure::TooMuchInProgress,
    };
    failure.into()
}

/// The answer to a request that a fault of this server has stopped.
#[must_use]
pub fn fault() -> Status {
    Failure::Fault.into()
}

/// The answer to a request of a caller that is not known.
#[must_use]
pub fn unauthenticated() -> Status {
    Failure::Unauthenticated.into()
}

/// The answer on a connection that is not served.
#[must_use]
pub fn too_many_connections(why: TooManyConnections) -> Status {
    Failure::TooManyConnections(why).into()
}

impl From<NotRun> for Failure {
    fn from(not_run: NotRun) -> Self {
        match not_run {
            NotRun::QueueFull => Self::LongWorkQueueFull,
            NotRun::Panicked => Self::Fault,
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Refused(refusal) => Self::Refused(refusal),
            AppendError::KeyReused => Self::KeyReused,
            AppendError::Overloaded => Self::Overloaded,
            AppendError::Unknown(error) => Self::OutcomeUnknown(Some(error)),
            AppendError::Store(error) if matches!(*error, WriteError::ReadOnly) => Self::ReadOnly,
            AppendError::Store(error) => Self::Store(error),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Arc::new(error).into()
    }
}

impl From<Arc<WriteError>> for Failure {
    fn from(error: Arc<WriteError>) -> Self {
        if matches!(*error, WriteError::DirectoryChanged) {
            Self::DirectoryChanged
        } else if matches!(*error, WriteError::Overloaded) {
            Self::Overloaded
        } else if matches!(*error, WriteError::ReadOnly) {
            Self::ReadOnly
        } else {
            Self::Store(error)
        }
    }
}

impl Failure {
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::ForgedToken { .. } => Code::InvalidArgument,
            Self::TooManyRecords { .. }
            | Self::Overloaded
            | Self::TooMuchInProgress
            | Self::CallerShareExceeded(_)
            | Self::TooManyConnections(_)
            | Self::TooManyWatchers(_)
            | Self::LongWorkQueueFull
            | Self::WatcherTooSlow => Code::ResourceExhausted,
            Self::Fault => Code::Internal,
            Self::Refused(Refusal::DeclarationUnknown | Refusal::LinkUnknown) => Code::NotFound,
            Self::Refused(_) | Self::TokenOfAnotherStore | Self::ReadOnly => Code::FailedPrecondition,
            Self::KeyReused => Code::AlreadyExists,
            Self::DirectoryChanged => Code::Aborted,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::NotEntitled { .. } | Self::RegisterNotOfCaller | Self::OrganisationNotOfCaller => {
                Code::PermissionDenied
            }
            // Neither permit nor deny: the caller's emergency procedures act on this.
            Self::RevisionNotReached
            | Self::AcknowledgementDelayed
            | Self::OutcomeUnknown(_)
            | Self::Unavailable(_)
            | Self::ClockBehind
            | Self::ClockDiffers(_)
            | Self::Store(_)
            | Self::Unreadable(_)
            | Self::HistoryInterrupted
            | Self::Ending => Code::Unavailable,
        }
    }

    /// The reason, as `ErrorInfo.reason` and the metrics have it.
    pub(super) fn reason(&self) -> &'static str {
        wire::error::name(self.error_reason())
    }

    fn error_reason(&self) -> ErrorReason {
        match self {
            Self::Invalid(_) => ErrorReason::InvalidRequest,
            Self::TooManyRecords { .. } => ErrorReason::TooManyRecords,
            Self::Refused(refusal) => wire::error::of_refusal(refusal),
            Self::KeyReused => ErrorReason::IdempotencyKeyReused,
            Self::Unauthenticated => ErrorReason::CallerUnknown,
            Self::NotEntitled { .. } => ErrorReason::NotEntitled,
            Self::RegisterNotOfCaller => ErrorReason::RegisterNotOfCaller,
            Self::OrganisationNotOfCaller => ErrorReason::OrganisationNotOfCaller,
            Self::ForgedToken { .. } => ErrorReason::TokenForged,
            Self::TokenOfAnotherStore => ErrorReason::TokenOfAnotherStore,
            Self::RevisionNotReached => ErrorReason::RevisionNotReached,
            Self::AcknowledgementDelayed => ErrorReason::AcknowledgementDelayed,
            Self::OutcomeUnknown(_) => ErrorReason::OutcomeUnknown,
            Self::Unavailable(Unavailable::NotLoaded) => ErrorReason::IndexNotLoaded,
            Self::Unavailable(Unavailable::Stale { .. }) => ErrorReason::IndexStale,
            Self::DirectoryChanged => ErrorReason::DirectoryChanged,
            Self::ClockBehind => ErrorReason::ClockBehind,
            Self::ClockDiffers(_) => ErrorReason::ClockDiffers,
            Self::Overloaded | Self::TooMuchInProgress => ErrorReason::Overloaded,
            Self::CallerShareExceeded(_) => ErrorReason::CallerShareExceeded,
            Self::TooManyConnections(_) => ErrorReason::TooManyConnections,
            Self::TooManyWatchers(_) => ErrorReason::TooManyWatchers,
            Self::LongWorkQueueFull => ErrorReason::LongWorkQueueFull,
            Self::Fault => ErrorReason::ServerFault,
            Self::WatcherTooSlow => ErrorReason::WatcherTooSlow,
            Self::Ending => ErrorReason::ServerEnding,
            Self::ReadOnly => ErrorReason::StoreReadOnly,
            Self::Store(_) => ErrorReason::StoreFailed,
            Self::Unreadable(_) | Self::HistoryInterrupted => ErrorReason::StoreUnreadable,
        }
    }

    /// Whether the store has failed.
    pub(super) fn is_of_store(&self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown(_) | Self::Store(_) | Self::Unreadable(_) | Self::HistoryInterrupted
        )
    }

    /// Logs the failure. Returns the error id, by which the operator finds the
    /// log entry of a caller's error.
    pub(super) fn log(&self) -> String {
        let error_id = Uuid::now_v7();
        if let Some(span) = ActiveSpan::sampled() {
            span.set([Attribute::error_id(error_id), Attribute::refusal(self.reason())]);
        }
        let trace_id = trace_id().map(tracing::field::display);
        if matches!(self.code(), Code::Unavailable | Code::Internal) {
            let causes = causes(self);
            tracing::warn!(%error_id, trace_id, reason = self.reason(), causes, "request not answered");
        } else {
            tracing::debug!(%error_id, trace_id, reason = self.reason(), "request refused");
        }
        error_id.to_string()
    }

    /// Delay before the same request can succeed. None: it never can.
    fn retry_after(&self) -> Option<Duration> {
        if let Self::CallerShareExceeded(CallerShare::Viewings { retry_after }) = self {
            return Some((*retry_after).max(RETRY_AFTER));
        }
        let is_permanent = matches!(self, Self::TooManyRecords { .. });
        let may_pass = !is_permanent && matches!(self.code(), Code::Unavailable | Code::ResourceExhausted);
        may_pass.then_some(RETRY_AFTER)
    }

    fn violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Invalid(InvalidRequest { violations }) => violations
                .iter()
                .map(|violation| FieldViolation::new(&violation.field, &violation.description))
                .collect(),
            Self::TooManyRecords { .. } => vec![FieldViolation::new("records", self.to_string())],
            Self::ForgedToken { field } => vec![FieldViolation::new(*field, self.to_string())],
            Self::Refused(_)
            | Self::KeyReused
            | Self::Unauthenticated
            | Self::NotEntitled { .. }
            | Self::RegisterNotOfCaller
            | Self::OrganisationNotOfCaller
            | Self::TokenOfAnotherStore
            | Self::RevisionNotReached
            | Self::AcknowledgementDelayed
            | Self::OutcomeUnknown(_)
            | Self::Unavailable(_)
            | Self::DirectoryChanged
            | Self::ClockBehind
            | Self::ClockDiffers(_)
            | Self::Overloaded
            | Self::TooMuchInProgress
            | Self::CallerShareExceeded(_)
            | Self::TooManyConnections(_)
            | Self::TooManyWatchers(_)
            | Self::LongWorkQueueFull
            | Self::Fault
            | Self::WatcherTooSlow
            | Self::Ending
            | Self::ReadOnly
            | Self::Store(_)
            | Self::Unreadable(_)
            | Self::HistoryInterrupted => Vec::new(),
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let error_id = failure.log();
        let code = failure.code();
        let mut details = ErrorDetails::new();
        details.set_error_info(failure.reason(), REASON_DOMAIN, [("error_id".to_owned(), error_id.clone())]);
        details.set_request_info(&error_id, "");
        let violations = failure.violations();
        if !violations.is_empty() {
            details.set_bad_request(violations);
        }
        if let Some(delay) = failure.retry_after() {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(code, format!("{failure} (error {error_id})"), details)
    }
}

/// The chain of causes, for the log.
fn causes(failure: &Failure) -> String {
    let mut chain = Vec::new();
    let mut next = failure.source();
    while let Some(cause) = next {
        chain.push(cause.to_string());
        next = cause.source();
    }
    chain.join(": ")
}

#[cfg(test)]
mod tests;
