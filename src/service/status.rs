//! The one map from failures to gRPC statuses.
//!
//! Unavailable is not a denial and neither is a permit: an error never
//! carries verdicts. Messages carry an error id and no personal data.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use uuid::Uuid;

use crate::index::Unavailable;
use crate::policy::refusal::Refusal;
use crate::store::{AppendError, StoreError};
use crate::telemetry::attributes::Attribute;
use crate::telemetry::span::{ActiveSpan, trace_id};
use crate::wire::violation::InvalidRequest;

/// The domain of error reasons.
const REASON_DOMAIN: &str = "lupa.v1";

/// When to ask again after a passing fault.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    #[error("the request asks about {given} records and the limit is {most}: split it")]
    TooManyRecords { given: usize, most: usize },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the idempotency key was used with another request: use a new key for a new request")]
    KeyReused,
    #[error(
        "this caller may only ask for decisions: ask from an entitled system, or have the operator change `access`"
    )]
    NotEntitled,
    #[error("the consistency token was not written by this store: pass a token on as it was received")]
    ForgedToken,
    #[error(
        "the consistency token is of another store, or of this one before it was restored: ask again without it"
    )]
    TokenOfAnotherStore,
    #[error("the revision asked for is not in force here yet: ask again")]
    RevisionNotReached,
    #[error(
        "stored, but not yet known to be in force here: repeat the request with the same idempotency key"
    )]
    AcknowledgementDelayed,
    #[error(
        "it is not known whether it is stored: repeat the request with the same idempotency key until it is answered"
    )]
    OutcomeUnknown(#[source] Option<Arc<StoreError>>),
    #[error(transparent)]
    Unavailable(Unavailable),
    #[error("the clock of this machine is behind the newest declaration: the operator must set it")]
    ClockBehind,
    #[error(
        "too many declarations are waiting to be stored: repeat the request with the same idempotency key"
    )]
    Overloaded,
    #[error(
        "this server only follows the store of another: have it recorded, listed and printed by the one that writes the store"
    )]
    ReadOnly,
    #[error(
        "the store cannot be written: nothing was acknowledged, and the operator must look at the server's log"
    )]
    Store(#[source] Arc<StoreError>),
    #[error("the store cannot be read: ask again, and the operator must look at the server's log")]
    Unreadable(#[source] Arc<StoreError>),
    #[error("reading the store was interrupted: ask again")]
    HistoryInterrupted,
    #[error("too many are watching: share one stream among those who need it, or ask another server")]
    TooManyWatchers,
    #[error(
        "this watcher takes changes more slowly than they come: watch again from the last checkpoint, and take them sooner"
    )]
    WatcherTooSlow,
    #[error(
        "this server is about to end: watch another from the last checkpoint, or this one once it is back"
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
            AppendError::Store(error) if matches!(*error, StoreError::ReadOnly) => Self::ReadOnly,
            AppendError::Store(error) => Self::Store(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Overloaded) {
            Self::Overloaded
        } else if matches!(error, StoreError::ReadOnly) {
            Self::ReadOnly
        } else {
            Self::Store(Arc::new(error))
        }
    }
}

impl Failure {
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::ForgedToken => Code::InvalidArgument,
            Self::TooManyRecords { .. } | Self::Overloaded | Self::TooManyWatchers | Self::WatcherTooSlow => {
                Code::ResourceExhausted
            }
            Self::Refused(Refusal::DeclarationUnknown) => Code::NotFound,
            Self::Refused(_) | Self::TokenOfAnotherStore | Self::ReadOnly => Code::FailedPrecondition,
            Self::KeyReused => Code::AlreadyExists,
            Self::NotEntitled => Code::PermissionDenied,
            // Neither permit nor deny: the caller's emergency procedures act on this.
            Self::RevisionNotReached
            | Self::AcknowledgementDelayed
            | Self::OutcomeUnknown(_)
            | Self::Unavailable(_)
            | Self::ClockBehind
            | Self::Store(_)
            | Self::Unreadable(_)
            | Self::HistoryInterrupted
            | Self::Ending => Code::Unavailable,
        }
    }

    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID_REQUEST",
            Self::TooManyRecords { .. } => "TOO_MANY_RECORDS",
            Self::Refused(refusal) => refusal.code(),
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::NotEntitled => "NOT_ENTITLED",
            Self::ForgedToken => "TOKEN_FORGED",
            Self::TokenOfAnotherStore => "TOKEN_OF_ANOTHER_STORE",
            Self::RevisionNotReached => "REVISION_NOT_REACHED",
            Self::AcknowledgementDelayed => "ACKNOWLEDGEMENT_DELAYED",
            Self::OutcomeUnknown(_) => "OUTCOME_UNKNOWN",
            Self::Unavailable(Unavailable::NotLoaded) => "INDEX_NOT_LOADED",
            Self::Unavailable(Unavailable::Stale { .. }) => "INDEX_STALE",
            Self::ClockBehind => "CLOCK_BEHIND",
            Self::Overloaded => "OVERLOADED",
            Self::TooManyWatchers => "TOO_MANY_WATCHERS",
            Self::WatcherTooSlow => "WATCHER_TOO_SLOW",
            Self::Ending => "SERVER_ENDING",
            Self::ReadOnly => "STORE_READ_ONLY",
            Self::Store(_) => "STORE_FAILED",
            Self::Unreadable(_) | Self::HistoryInterrupted => "STORE_UNREADABLE",
        }
    }

    /// Whether the store has failed.
    pub(super) fn is_of_store(&self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown(_) | Self::Store(_) | Self::Unreadable(_) | Self::HistoryInterrupted
        )
    }

    /// Tells the operator. The caller is told the id by which it is found.
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

    fn violations(&self) -> Vec<FieldViolation> {
        match self {
            Self::Invalid(InvalidRequest { violations }) => violations
                .iter()
                .map(|violation| FieldViolation::new(&violation.field, &violation.description))
                .collect(),
            Self::TooManyRecords { .. } => vec![FieldViolation::new("records", self.to_string())],
            Self::ForgedToken => vec![FieldViolation::new("at_least", self.to_string())],
            Self::Refused(_)
            | Self::KeyReused
            | Self::NotEntitled
            | Self::TokenOfAnotherStore
            | Self::RevisionNotReached
            | Self::AcknowledgementDelayed
            | Self::OutcomeUnknown(_)
            | Self::Unavailable(_)
            | Self::ClockBehind
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
        if matches!(code, Code::Unavailable | Code::ResourceExhausted) {
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
