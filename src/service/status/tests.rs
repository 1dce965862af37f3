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
        Refusal::TooManyDeclarations { most: 0 },
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
        Failure::Unauthenticated,
        Failure::NotEntitled { verb: Verb::Explain },
        Failure::RegisterNotOfCaller,
        Failure::OrganisationNotOfCaller,
        Failure::ForgedToken { field: "at_least" },
        Failure::TokenOfAnotherStore,
        Failure::RevisionNotReached,
        Failure::AcknowledgementDelayed,
        Failure::OutcomeUnknown(None),
        Failure::Unavailable(Unavailable::NotLoaded),
        Failure::Unavailable(Unavailable::Stale { age: Duration::ZERO }),
        Failure::DirectoryChanged,
        Failure::ClockBehind,
        Failure::ClockDiffers(ClockDiffers { ahead: TimeDelta::days(1), reference: ReferenceKind::Database }),
        Failure::Overloaded,
        Failure::TooMuchInProgress,
        Failure::LongWorkQueueFull,
        Failure::Fault,
        Failure::CallerShareExceeded(CallerShare::InFlightOfConnection),
        Failure::CallerShareExceeded(CallerShare::InFlight),
        Failure::CallerShareExceeded(CallerShare::Reads),
        Failure::CallerShareExceeded(CallerShare::Viewings { retry_after: Duration::from_secs(50) }),
        Failure::TooManyConnections(TooManyConnections::OfCaller),
        Failure::TooManyConnections(TooManyConnections::OfProcess),
        Failure::ReadOnly,
        Failure::Store(Arc::new(WriteError::ReadOnly)),
        Failure::Unreadable(Arc::new(ReadError::NotAStore { path: PathBuf::new() })),
        Failure::HistoryInterrupted,
        Failure::TooManyWatchers(UsedUp::Caller),
        Failure::TooManyWatchers(UsedUp::Process),
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

/// A retry helps if the server, its store or what the caller has in flight may be
/// otherwise then. It does not if the request itself must change.
#[test]
fn only_what_can_succeed_later_says_when_to_retry() {
    let (later, never): (Vec<_>, Vec<_>) =
        failures().into_iter().partition(|failure| failure.retry_after().is_some());
    let reasons = |failures: &[Failure]| failures.iter().map(Failure::reason).collect::<BTreeSet<_>>();
    let expected_later = BTreeSet::from([
        "ACKNOWLEDGEMENT_DELAYED",
        "CALLER_SHARE_EXCEEDED",
        "CLOCK_BEHIND",
        "CLOCK_DIFFERS",
        "INDEX_NOT_LOADED",
        "INDEX_STALE",
        "LONG_WORK_QUEUE_FULL",
        "OUTCOME_UNKNOWN",
        "OVERLOADED",
        "REVISION_NOT_REACHED",
        "SERVER_ENDING",
        "STORE_FAILED",
        "STORE_UNREADABLE",
        "TOO_MANY_CONNECTIONS",
        "TOO_MANY_WATCHERS",
        "WATCHER_TOO_SLOW",
    ]);
    assert_eq!(reasons(&later), expected_later);
    let expected_never: BTreeSet<&str> = [
        "DIRECTORY_CHANGED",
        "IDEMPOTENCY_KEY_REUSED",
        "INVALID_REQUEST",
        "CALLER_UNKNOWN",
        "NOT_ENTITLED",
        "ORGANISATION_NOT_OF_CALLER",
        "REGISTER_NOT_OF_CALLER",
        "SERVER_FAULT",
        "STORE_READ_ONLY",
        "TOKEN_FORGED",
        "TOKEN_OF_ANOTHER_STORE",
        "TOO_MANY_RECORDS",
    ]
    .into_iter()
    .chain(refusals().iter().map(Refusal::code))
    .collect();
    assert_eq!(reasons(&never), expected_never);
    // What is sent says the same.
    for failure in failures() {
        let delay = failure.retry_after();
        let status = Status::from(failure);
        assert_eq!(status.get_details_retry_info().and_then(|info| info.retry_delay), delay, "{status:?}");
    }
}
