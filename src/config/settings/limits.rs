//! The settings of the section `limits`. Why each has its default: docs/limits.md.

use super::{GIBIBYTE, HOUR_MS, MEBIBYTE, Setting, ValueKind, setting};

pub(super) const LIMITS: &[Setting] = &[
    setting(
        "limits.in_flight_bytes_max",
        "536870912",
        ValueKind::Number(16 * MEBIBYTE, 1024 * GIBIBYTE),
        "maximum number of bytes of requests and answers in flight, and of what is decoded of them; with more, \
         requests are rejected with OVERLOADED",
    ),
    setting(
        "limits.in_flight_bytes_per_caller_max",
        "268435456",
        ValueKind::Number(MEBIBYTE, 1024 * GIBIBYTE),
        "the same of one caller, which is an address or a user of the Unix socket; more are rejected with \
         CALLER_SHARE_EXCEEDED",
    ),
    setting(
        "limits.in_flight_bytes_per_connection_max",
        "134217728",
        ValueKind::Number(MEBIBYTE, 1024 * GIBIBYTE),
        "the same of one connection",
    ),
    setting(
        "limits.requests_max",
        "8192",
        ValueKind::Number(16, 10_000_000),
        "maximum number of requests in flight; more are rejected with OVERLOADED",
    ),
    setting(
        "limits.requests_per_caller_max",
        "4096",
        ValueKind::Number(1, 10_000_000),
        "maximum number of requests in flight of one caller; more are rejected with CALLER_SHARE_EXCEEDED",
    ),
    setting(
        "limits.connections_max",
        "4096",
        ValueKind::Number(1, 1_000_000),
        "maximum number of connections; lowered to what the limit of open files leaves room for; with more, only \
         the health is answered",
    ),
    setting(
        "limits.connections_per_caller_max",
        "512",
        ValueKind::Number(1, 1_000_000),
        "maximum number of connections of one caller",
    ),
    setting(
        "limits.http_connections_max",
        "32",
        ValueKind::Number(1, 10_000),
        "maximum number of connections of the HTTP port; half of them for one address",
    ),
    setting(
        "limits.first_request_ms_max",
        "10000",
        ValueKind::Number(1, HOUR_MS),
        "how long a connection may take until its first request, and for the headers of each; then it is closed",
    ),
    setting(
        "limits.message_ms_max",
        "10000",
        ValueKind::Number(1, HOUR_MS),
        "how long the message of a request may take to arrive; then it is answered DEADLINE_EXCEEDED",
    ),
    setting(
        "limits.answer_ms_max",
        "30000",
        ValueKind::Number(1, HOUR_MS),
        "how long a caller may take to read an answer or a message of a stream; then the stream is reset",
    ),
    setting(
        "limits.idle_connection_ms_max",
        "900000",
        ValueKind::Number(1, 24 * HOUR_MS),
        "how long a connection may be without a request; then it is closed gracefully",
    ),
    setting(
        "limits.control_frames_per_second_max",
        "20",
        ValueKind::Number(1, 1_000_000),
        "maximum rate of PING, SETTINGS and other HTTP/2 frames that no request or answer explains; with ten \
         seconds' worth more the connection is closed (too_many_pings)",
    ),
    setting(
        "limits.reads_max",
        "64",
        ValueKind::Number(1, 100_000),
        "maximum number of requests that read declarations from the store or wait to; more are rejected with OVERLOADED",
    ),
    setting(
        "limits.reads_per_caller_max",
        "16",
        ValueKind::Number(1, 100_000),
        "the same for one caller; more are rejected with CALLER_SHARE_EXCEEDED",
    ),
    setting(
        "limits.viewings_per_minute_per_caller_max",
        "6000",
        ValueKind::Number(1, 1_000_000_000),
        "maximum number of different viewings of denials of one caller in a minute; more are rejected with \
         CALLER_SHARE_EXCEEDED",
    ),
    setting(
        "limits.viewings_counted_max",
        "10000",
        ValueKind::Number(0, 10_000_000),
        "maximum number of viewings that are remembered for a minute, so that equal ones are logged as one number; \
         each one beyond is a row of its own",
    ),
    setting(
        "limits.declarations_per_client_max",
        "20000",
        ValueKind::Number(1, 10_000_000),
        "maximum number of declarations of a client, withdrawn ones included; further information and consents are \
         refused with TOO_MANY_DECLARATIONS, denials from twice as many on, withdrawals never",
    ),
    setting(
        "limits.simulated_declarations_max",
        "10000",
        ValueKind::Number(0, 10_000_000),
        "maximum number of declarations that a simulation adds",
    ),
    setting(
        "limits.directory_entries_max",
        "20000",
        ValueKind::Number(1, 10_000_000),
        "maximum number of organisations, registers and relations between them of a directory in a request",
    ),
    setting(
        "limits.side_threads",
        "0",
        ValueKind::Number(0, 1024),
        "number of threads of low priority for long work beside the workers: simulations, explanations, printouts and \
         directories; 0 = one for each four cores",
    ),
    setting(
        "limits.side_queue_length_max",
        "64",
        ValueKind::Number(1, 100_000),
        "maximum number of requests that wait for such a thread; more are rejected with LONG_WORK_QUEUE_FULL",
    ),
];
