//! Every setting: name, default, permitted values and meaning.
//!
//! This table is the only description of a setting. The check of values, the
//! names of the environment variables, `lupa config` and
//! `docs/configuration.md` are all made from it.

mod limits;

use std::sync::LazyLock;

use super::setting::{Setting, ValueKind, date, setting, unset};
use limits::LIMITS;

/// One hour.
const HOUR_MS: i64 = 3_600_000;

/// The largest flow-control window of HTTP/2.
const WINDOW_MAX: i64 = (1 << 31) - 1;

/// One mebibyte.
const MEBIBYTE: i64 = 1 << 20;

/// One gibibyte.
const GIBIBYTE: i64 = 1 << 30;

/// The sections with their titles, in the order in which they are printed.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("server", "the gRPC server"),
    ("limits", "what callers may have in flight and how much work it may be"),
    ("access", "what callers may see"),
    ("sidecar", "Envoy"),
    ("store", "the store"),
    ("index", "the index in memory"),
    ("watch", "Watch streams"),
    ("consistency", "revision tokens"),
    ("clock", "clocks"),
    ("listing", "lists of declarations"),
    ("log", "logs"),
    ("telemetry", "traces"),
    ("calendar", "dates of the rules"),
];

/// Every setting, in the order in which they are printed.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| [SERVER, LIMITS, OTHERS].concat());

const SERVER: &[Setting] = &[
    setting("server.listen_address", "'127.0.0.1:7411'", ValueKind::Address, "address of the gRPC server"),
    unset(
        "server.http_address",
        ValueKind::Address,
        "address of the HTTP port with /livez, /readyz, /metrics and /log-level; unset = no HTTP port",
    ),
    setting(
        "server.allow_plaintext_beyond_loopback",
        "false",
        ValueKind::Flag,
        "allow listening beyond loopback without TLS: personal data is sent in plaintext, and anybody who can connect \
         is a caller",
    ),
    unset(
        "server.tls_certificate_file",
        ValueKind::Text,
        "PEM file with the certificate of the gRPC server and its intermediates; callers must use TLS then, and \
         identify themselves; unset = no TLS",
    ),
    unset("server.tls_key_file", ValueKind::Text, "PEM file with the private key of the certificate"),
    unset(
        "server.callers_file",
        ValueKind::Text,
        "TOML file that lists the callers and what each may do; unset = callers are known by their address only \
         (access.loopback, access.beyond_loopback)",
    ),
    setting(
        "server.reflection",
        "'loopback'",
        ValueKind::Word(&["loopback", "on", "off"]),
        "gRPC server reflection; loopback = only while the server listens on loopback",
    ),
    setting(
        "server.runtime",
        "'per-core'",
        ValueKind::Word(&["per-core", "shared"]),
        "per-core = worker threads that each serve their own connections; shared = one work-stealing thread pool",
    ),
    setting(
        "server.workers",
        "0",
        ValueKind::Number(0, 1024),
        "number of worker threads of the per-core runtime; 0 = one for each core",
    ),
    setting(
        "server.request_bytes_max",
        "8388608",
        ValueKind::Number(1024, GIBIBYTE),
        "maximum size of a request message",
    ),
    setting(
        "server.response_bytes_max",
        "16777216",
        ValueKind::Number(1024, GIBIBYTE),
        "maximum size of a response message",
    ),
    setting(
        "server.records_per_request_max",
        "10000",
        ValueKind::Number(1, 1_000_000),
        "maximum number of records in a request",
    ),
    setting(
        "server.concurrent_streams_per_connection_max",
        "200",
        ValueKind::Number(1, 1_000_000),
        "maximum number of concurrent requests (HTTP/2 streams) on a connection",
    ),
    setting(
        "server.stream_window_bytes",
        "4194304",
        ValueKind::Number(65_535, WINDOW_MAX),
        "HTTP/2 flow-control window of a request; the default holds a request with 10,000 records",
    ),
    setting(
        "server.connection_window_bytes",
        "16777216",
        ValueKind::Number(65_535, WINDOW_MAX),
        "HTTP/2 flow-control window of a connection, shared by its requests",
    ),
    setting(
        "server.frame_bytes_max",
        "65536",
        ValueKind::Number(16_384, 16_777_215),
        "maximum size of an HTTP/2 frame that the server accepts",
    ),
    setting(
        "server.local_error_resets_max",
        "128",
        ValueKind::Number(1, 1_000_000),
        "maximum number of streams that the server resets on a connection because of errors of the peer; \
         with one more it closes the connection",
    ),
    setting(
        "server.header_list_bytes_max",
        "16384",
        ValueKind::Number(1024, 16_777_215),
        "maximum size of the headers of a request",
    ),
    setting(
        "server.request_timeout_ms",
        "10000",
        ValueKind::Number(1, HOUR_MS),
        "request timeout; a request that takes longer is answered DEADLINE_EXCEEDED",
    ),
    setting(
        "server.keepalive_interval_ms",
        "30000",
        ValueKind::Number(1000, HOUR_MS),
        "interval of HTTP/2 keepalive pings on an idle connection",
    ),
    setting(
        "server.keepalive_timeout_ms",
        "10000",
        ValueKind::Number(1000, HOUR_MS),
        "how long to wait for the reply to a keepalive ping before the connection is closed",
    ),
    setting(
        "server.shutdown_wait_ms",
        "0",
        ValueKind::Number(0, HOUR_MS),
        "drain delay: after SIGTERM, how long the server keeps accepting while it reports NOT_SERVING",
    ),
    setting(
        "server.shutdown_grace_ms",
        "5000",
        ValueKind::Number(0, HOUR_MS),
        "grace period after the drain delay, in which requests in flight may finish before they are cancelled",
    ),
];

const OTHERS: &[Setting] = &[
    setting(
        "access.loopback",
        "'full'",
        ValueKind::Word(&["full", "public"]),
        "callers on this machine: full = details, Explain, Simulate, denials and the directory too; \
         public = verdicts without details",
    ),
    setting(
        "access.beyond_loopback",
        "'public'",
        ValueKind::Word(&["full", "public"]),
        "all other callers: full or public, as for access.loopback",
    ),
    unset(
        "sidecar.socket_path",
        ValueKind::Text,
        "Unix domain socket that serves the same services, for an Envoy on this machine; unset = none",
    ),
    setting(
        "sidecar.socket_group_may_connect",
        "false",
        ValueKind::Flag,
        "let the group of the socket connect too, for an Envoy that runs as another user",
    ),
    unset(
        "sidecar.routes",
        ValueKind::Routes,
        "how a request that Envoy checks becomes a Decide request; one that matches no route is denied",
    ),
    setting(
        "store.path",
        "'lupa.sqlite'",
        ValueKind::Text,
        "SQLite database file, used if store.url is unset",
    ),
    unset(
        "store.url",
        ValueKind::Text,
        "PostgreSQL database, postgres://USER@HOST:PORT,HOST:PORT/DATABASE; unset = the SQLite file",
    ),
    unset(
        "store.password_file",
        ValueKind::Text,
        "file with the password for store.url; unset = no password",
    ),
    unset(
        "store.password",
        ValueKind::Secret,
        "password for store.url; accepted only from the environment, LUPA_STORE__PASSWORD, and never printed",
    ),
    setting(
        "store.tls",
        "'unless-local'",
        ValueKind::Word(&["unless-local", "always", "never"]),
        "TLS for store.url, with the server's certificate verified; unless-local = unless every host is this machine",
    ),
    unset(
        "store.tls_ca_file",
        ValueKind::Text,
        "PEM file with the certificate authorities that may sign the certificate of store.url; \
         unset = those of the system",
    ),
    setting(
        "store.connect_timeout_ms",
        "2000",
        ValueKind::Number(1, HOUR_MS),
        "connect timeout for one host of store.url; then the next host is tried",
    ),
    setting(
        "store.read_timeout_ms",
        "2000",
        ValueKind::Number(1, HOUR_MS),
        "timeout of a read from store.url; then the connection is closed",
    ),
    setting(
        "store.write_timeout_ms",
        "5000",
        ValueKind::Number(1, HOUR_MS),
        "how long a write to store.url is retried before its outcome is reported as unknown",
    ),
    setting(
        "store.read_only",
        "false",
        ValueKind::Flag,
        "run as a read-only replica of a store that another lupa writes; declarations are rejected",
    ),
    setting(
        "store.allow_writable_by_others",
        "false",
        ValueKind::Flag,
        "accept a database file or a folder of it that its group or other users may write, who could then change \
         what clients have declared",
    ),
    setting(
        "store.append_queue_length_max",
        "8192",
        ValueKind::Number(1, 1_000_000),
        "maximum number of declarations queued for the writer; more are rejected with OVERLOADED",
    ),
    setting(
        "store.group_commit_declarations_max",
        "512",
        ValueKind::Number(1, 100_000),
        "group commit: maximum number of declarations in one transaction",
    ),
    setting(
        "store.check_whole_bytes_max",
        "268435456",
        ValueKind::Number(0, 1024 * GIBIBYTE),
        "maximum size of a database file that is checked completely at start; a larger one is checked as it is read",
    ),
    setting(
        "store.read_connections_max",
        "4",
        ValueKind::Number(1, 1024),
        "size of the pool of connections that read the history of clients",
    ),
    setting(
        "index.poll_interval_ms",
        "100",
        ValueKind::Number(1, HOUR_MS),
        "how often the index polls the store for changes",
    ),
    setting(
        "index.max_staleness_ms",
        "2000",
        ValueKind::Number(1, HOUR_MS),
        "staleness bound: an index that was not proven fresh within this time answers no request",
    ),
    setting(
        "index.retry_delay_max_ms",
        "1000",
        ValueKind::Number(1, HOUR_MS),
        "upper bound of the retry delay while the store cannot be read",
    ),
    setting(
        "index.overlay_clients_max",
        "50000",
        ValueKind::Number(1, 10_000_000),
        "maximum number of changed clients in the overlay; with more, the overlay is merged into the packed base",
    ),
    unset(
        "index.checkpoint_path",
        ValueKind::Text,
        "file of the index checkpoint, for a quick start; unset = beside the database file, and none with store.url",
    ),
    setting(
        "index.checkpoint_interval_ms",
        "300000",
        ValueKind::Number(0, 24 * HOUR_MS),
        "how often a checkpoint is written; 0 = never",
    ),
    setting(
        "index.checkpoint_changes_min",
        "100000",
        ValueKind::Number(0, i64::MAX),
        "minimum number of changes for a checkpoint; a store with fewer is read from its beginning at every start",
    ),
    setting(
        "watch.streams_max",
        "64",
        ValueKind::Number(0, 100_000),
        "maximum number of concurrent Watch streams; more are rejected with TOO_MANY_WATCHERS",
    ),
    setting("watch.streams_per_caller_max", "16", ValueKind::Number(0, 100_000), "the same for one caller"),
    setting(
        "watch.changes_per_message_max",
        "1000",
        ValueKind::Number(1, 100_000),
        "maximum number of changes in a message",
    ),
    setting(
        "watch.checkpoint_interval_ms",
        "5000",
        ValueKind::Number(1, HOUR_MS),
        "heartbeat interval of an idle Watch stream",
    ),
    setting(
        "watch.send_timeout_ms",
        "5000",
        ValueKind::Number(1, HOUR_MS),
        "send timeout; a Watch stream whose client does not take a message within this time is closed",
    ),
    setting(
        "consistency.wait_ms_max",
        "2000",
        ValueKind::Number(0, HOUR_MS),
        "how long a request waits until the index has reached the revision of its token",
    ),
    setting(
        "clock.difference_ms_max",
        "5000",
        ValueKind::Number(1, HOUR_MS),
        "how far the clock may differ from that of the database, or jump (SQLite); a server further off neither \
         decides nor records",
    ),
    setting(
        "clock.step_back_ms_max",
        "5000",
        ValueKind::Number(0, HOUR_MS),
        "how far the clock may be behind a declaration of the client; a server further behind answers no request \
         about that client",
    ),
    setting(
        "clock.recorder_ahead_ms_max",
        "5000",
        ValueKind::Number(0, HOUR_MS),
        "how far given_at may be ahead of the server's clock; further ahead it is rejected, less far ahead it \
         counts as the time of recording",
    ),
    setting(
        "listing.page_size_default",
        "100",
        ValueKind::Number(1, 100_000),
        "number of declarations on a page if the request sets no page_size",
    ),
    setting(
        "listing.page_size_max",
        "1000",
        ValueKind::Number(1, 100_000),
        "maximum page size; a larger page_size is lowered to it",
    ),
    setting(
        "log.format",
        "'auto'",
        ValueKind::Word(&["auto", "text", "json"]),
        "auto = text on a terminal, JSON elsewhere",
    ),
    setting(
        "log.level",
        "'info'",
        ValueKind::Text,
        "off, error, warn, info, debug, trace, or directives of tracing's EnvFilter",
    ),
    setting(
        "telemetry.detail",
        "'public'",
        ValueKind::Word(&["public", "rules"]),
        "what spans disclose of a decision: public = the public reasons; rules = the deciding rules too, which \
         distinguish a denial from a missing consent",
    ),
    date("calendar.act_in_force", "entry into force of the Client Data Act"),
    date("calendar.counties_begin", "start of the wellbeing services counties"),
    date("calendar.uusimaa_right_from", "start of the right of access within Uusimaa"),
    date("calendar.uusimaa_right_until", "end of the right of access within Uusimaa; unset = no end"),
    date("calendar.social_sharing_from", "start of sharing social-welfare data through Kanta"),
    date(
        "calendar.consents_cover_all_channels_from",
        "healthcare consents given from this day on cover every channel",
    ),
    date("calendar.cross_sector_from", "start of sharing across sectors through Kanta"),
    date(
        "calendar.prescriptions_to_social_from",
        "social welfare retrieves prescriptions through Kanta from this day on",
    ),
    date("calendar.wellbeing_from", "start of sharing wellbeing data with professionals"),
    date(
        "calendar.extensive_refusal_from",
        "an extensive denial can be recorded from this day on; unset = not yet",
    ),
    unset(
        "calendar.versions",
        ValueKind::Versions,
        "versions of the information that are new or differ from the published ones: version, valid_from, \
         valid_until, newest_from, opens_uusimaa",
    ),
];
