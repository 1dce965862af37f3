//! Words of refusals that depend on whose share or place is used up.

use std::time::Duration;

use crate::limits::{TooManyConnections, UsedUp};

/// The share of a caller that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::service) enum CallerShare {
    #[error(
        "this connection has as much in flight as one may have: wait for answers before asking more, or have the operator raise `limits.in_flight_bytes_per_connection_max`"
    )]
    InFlightOfConnection,
    #[error(
        "this caller has as much in flight as one may have: wait for answers before asking more, or have the operator raise `limits.in_flight_bytes_per_caller_max` or `limits.requests_per_caller_max`"
    )]
    InFlight,
    #[error(
        "this caller has as many reads of declarations in progress as one may have: wait for answers before asking more, or have the operator raise `limits.reads_per_caller_max`"
    )]
    Reads,
    #[error(
        "this caller has viewed as many different things in this minute as one may: wait, or have the operator raise `limits.viewings_per_minute_per_caller_max`"
    )]
    Viewings {
        /// When its next minute starts.
        retry_after: Duration,
    },
}

pub(super) fn words_of_watchers(used_up: UsedUp) -> &'static str {
    match used_up {
        UsedUp::Connection | UsedUp::Caller => {
            "this caller has its maximum number of watch streams: share one stream among its readers, or have the operator raise `watch.streams_per_caller_max`"
        }
        UsedUp::Process => {
            "this server has its maximum number of watch streams: share one stream among its readers, or watch another server"
        }
    }
}

pub(super) fn words_of(too_many: TooManyConnections) -> &'static str {
    match too_many {
        TooManyConnections::OfCaller => {
            "this caller has as many connections as one may have: reuse them, and close idle ones"
        }
        TooManyConnections::OfProcess => {
            "this server has as many connections as it may have: call another server, or retry later"
        }
    }
}
