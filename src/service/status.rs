//! The one map from failures to gRPC statuses. Their reasons are the values of
//! `ErrorReason` in `errors.proto`, which describes each of them.
//!
//! UNAVAILABLE is neither a denial nor a permit: an error never carries
//! verdicts. Messages carry an error id and no personal data.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use uuid::Uuid;

use crate::clock::ClockDiffers;
use crate::index::Unavailable;
use crate::policy::refusal::Refusal;
use crate::store::{AppendError, ReadError, WriteError};
use crate::telemetry::attributes::Attribute;
use crate::telemetry::span::{ActiveSpan, trace_id};
use crate::wire;
use crate::wire::v1::ErrorReason;
use crate::wire::violation::InvalidRequest;

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
        "this caller has public access only: call from an entitled system, or have the operator change `access`"
    )]
    NotEntitled,
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
    #[error(
        "this server has its maximum number of watch streams: share one stream among its readers, or watch another server"
    )]
    TooManyWatchers,
    #[error(
        "this stream is read more slowly than changes arrive: watch again from the last checkpoint, and read faster"
    )]
    WatcherTooSlow,
    #[error(
        "this server is stopping: watch another one from the last checkpoint, or this one once it is back"
    )]
    Ending,
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
        if matches!(error, WriteError::DirectoryChanged) {
            Self::DirectoryChanged
        } else if matches!(error, WriteError::Overloaded) {
            Self::Overloaded
        } else if matches!(error, WriteError::ReadOnly) {
            Self::ReadOnly
        } else {
            Self::Store(Arc::new(error))
        }
    }
}

impl Failure {
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::ForgedToken { .. } => Code::InvalidArgument,
            Self::TooManyRecords { .. } | Self::Overloaded | Self::TooManyWatchers | Self::WatcherTooSlow => {
                Code::ResourceExhausted
            }
            Self::Refused(Refusal::DeclarationUnknown | Refusal::LinkUnknown) => Code::NotFound,
            Self::Refused(_) | Self::TokenOfAnotherStore | Self::ReadOnly => Code::FailedPrecondition,
            Self::KeyReused => Code::AlreadyExists,
            Self::DirectoryChanged => Code::Aborted,
            Self::NotEntitled => Code::PermissionDenied,
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
            Self::NotEntitled => ErrorReason::NotEntitled,
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
            Self::Overloaded => ErrorReason::Overloaded,
            Self::TooManyWatchers => ErrorReason::TooManyWatchers,
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
        if self.code() == Code::Unavailable {
            let causes = causes(self);
            tracing::warn!(%error_id, trace_id, reason = self.reason(), causes, "request not answered");
        } else {
            tracing::debug!(%error_id, trace_id, reason = self.reason(), "request refused");
        }
        error_id.to_string()
    }

    /// Whether the same request can succeed later.
    fn may_pass(&self) -> bool {
        let is_permanent = matches!(self, Self::TooManyRecords { .. });
        !is_permanent && matches!(self.code(), Code::Unavailable | Code::ResourceExhausted)
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
            | Self::NotEntitled
            | Self::TokenOfAnotherStore
            | Self::RevisionNotReached
            | Self::AcknowledgementDelayed
            | Self::OutcomeUnknown(_)
            | Self::Unavailable(_)
            | Self::DirectoryChanged
            | Self::ClockBehind
            | Self::ClockDiffers(_)
            | Self::Overloaded
            | Self::TooManyWatchers
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
        if failure.may_pass() {
            details.set_retry_info(Some(RETRY_AFTER));
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
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;
    use crate::clock::ReferenceKind;
    use crate::policy::day::Day;
    use crate::telemetry::metrics::RpcStatus;

    fn refusals() -> Vec<Refusal> {
        let day = Day::parse("2027-03-01").expect("a day");
        vec![
            Refusal::DeclarationUnknown,
            Refusal::GivenInFuture,
            Refusal::WithdrawalBeforeDeclaration,
            Refusal::RecorderUnknown,
            Refusal::RecorderSectorNotAllowed,
            Refusal::RecorderNotReady,
            Refusal::DeclarerNotAllowed,
            Refusal::InformationVersionUnknown { known: String::new() },
            Refusal::InformationVersionNotReleased { released: day },
            Refusal::InformationVersionEnded { ended: day },
            Refusal::InformationRequired { newest: String::new() },
            Refusal::InformationCannotBeWithdrawn,
            Refusal::ConsentKindEnded,
            Refusal::ConsentAllocationNotAllowed,
            Refusal::DenialScopeNotAllowed,
            Refusal::ExtensiveRefusalNotOpen,
            Refusal::AlreadyWithdrawn,
            Refusal::ViewingPurposeRequired,
            Refusal::LinkUnknown,
            Refusal::AlreadyUnlinked,
            Refusal::PersonTooLarge { codes: 0, links: 0 },
        ]
    }

    fn failures() -> Vec<Failure> {
        let mut failures = vec![
            Failure::Invalid(InvalidRequest::one("field", "wrong")),
            Failure::TooManyRecords { given: 2, most: 1 },
            Failure::KeyReused,
            Failure::NotEntitled,
            Failure::ForgedToken { field: "at_least" },
            Failure::TokenOfAnotherStore,
            Failure::RevisionNotReached,
            Failure::AcknowledgementDelayed,
            Failure::OutcomeUnknown(None),
            Failure::Unavailable(Unavailable::NotLoaded),
            Failure::Unavailable(Unavailable::Stale { age: Duration::ZERO }),
            Failure::DirectoryChanged,
            Failure::ClockBehind,
            Failure::ClockDiffers(ClockDiffers {
                ahead: TimeDelta::days(1),
                reference: ReferenceKind::Database,
            }),
            Failure::Overloaded,
            Failure::ReadOnly,
            Failure::Store(Arc::new(WriteError::ReadOnly)),
            Failure::Unreadable(Arc::new(ReadError::NotAStore { path: PathBuf::new() })),
            Failure::HistoryInterrupted,
            Failure::TooManyWatchers,
            Failure::WatcherTooSlow,
            Failure::Ending,
        ];
        failures.extend(refusals().into_iter().map(Failure::Refused));
        failures
    }

    #[test]
    fn every_failure_is_described_with_its_code_and_nothing_else_is() {
        let code = |failure: &Failure| RpcStatus::of(failure.code().into()).name().to_owned();
        let sent: BTreeSet<(String, String)> =
            failures().iter().map(|failure| (failure.reason().to_owned(), code(failure))).collect();
        let described = wire::error::described().into_iter().map(|one| (one.reason, one.code));
        assert_eq!(sent, described.collect());
    }

    #[test]
    fn a_refusal_has_the_same_code_in_the_policy_and_on_the_wire() {
        for refusal in refusals() {
            assert_eq!(wire::error::name(wire::error::of_refusal(&refusal)), refusal.code());
        }
    }
}
