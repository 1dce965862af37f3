//! How much room callers have, from the settings and from what the system lets this
//! process open.

use crate::config;
use crate::limits::{Amount, Callers, ConnectionLimits, InFlightLimits, RESERVED_FILES, raise_open_files};

/// Connections beyond the limit on which the health is answered.
const RESERVE: u64 = 16;

/// What each connection has for itself, if what the process may have is enough.
const OWN_PART: Amount = Amount { requests: 8, bytes: 128 * 1024 };

/// The part of what the process may have that is set aside for connections: 1/2.
const SET_ASIDE: u64 = 2;

/// Nobody is connected yet.
pub(super) fn callers(limits: &config::Limits, server: &config::Server) -> Callers {
    let config::Limits {
        in_flight_bytes_max,
        in_flight_bytes_per_caller_max,
        in_flight_bytes_per_connection_max,
        requests_max,
        requests_per_caller_max,
        connections_per_caller_max,
        ..
    } = *limits;
    let connections = connections(limits, raise_open_files());
    let set_aside = |amount: u64| amount / SET_ASIDE / (connections + RESERVE);
    let in_flight = InFlightLimits {
        process: Amount { requests: requests_max, bytes: in_flight_bytes_max },
        caller: Amount { requests: requests_per_caller_max, bytes: in_flight_bytes_per_caller_max },
        connection: Amount {
            requests: server.concurrent_streams_per_connection_max.into(),
            bytes: in_flight_bytes_per_connection_max,
        },
        own_part: Amount {
            requests: OWN_PART.requests.min(set_aside(requests_max)),
            bytes: OWN_PART.bytes.min(set_aside(in_flight_bytes_max)),
        },
        connections: connections + RESERVE,
    };
    let places =
        ConnectionLimits { process: connections, caller: connections_per_caller_max, reserve: RESERVE };
    Callers::new(places, in_flight)
}

/// The number of connections, as the settings say or as the limit of open files
/// leaves room for.
fn connections(limits: &config::Limits, open_files: Option<u64>) -> u64 {
    let config::Limits { connections_max, http_connections_max, .. } = *limits;
    let Some(open_files) = open_files else { return connections_max };
    let room = open_files.saturating_sub(RESERVED_FILES + RESERVE + http_connections_max as u64).max(1);
    if room < connections_max {
        tracing::warn!(
            connections_max,
            open_files,
            connections = room,
            "the limit of open files of this process leaves room for fewer connections: raise it (ulimit -n, \
             LimitNOFILE of systemd), or lower limits.connections_max"
        );
    }
    room.min(connections_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> config::Limits {
        config::load(None, []).expect("the defaults").config.limits
    }

    #[test]
    fn files_are_kept_back_from_callers() {
        assert_eq!(connections(&limits(), Some(256)), 256 - 96 - 16 - 32);
        assert_eq!(connections(&limits(), Some(20)), 1);
        assert_eq!(connections(&limits(), Some(1 << 20)), 4096);
        assert_eq!(connections(&limits(), None), 4096);
    }
}
