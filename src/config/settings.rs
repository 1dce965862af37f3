//! Every setting: its name, its default, what it may be and what it means.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Section and key, such as `server.listen_address`.
    pub name: &'static str,
    /// In TOML; none = not set, and for a date as it is published.
    pub default: Option<&'static str>,
    /// What it may be.
    pub kind: Kind,
    /// In a sentence.
    pub meaning: &'static str,
}

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An IP address and a port.
    Address,
    /// `true` or `false`.
    Flag,
    /// A whole number between two, both included.
    Number(i64, i64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text but none.
    Text,
    /// A text that is not shown, and not in the file.
    Secret,
    /// An ISO date.
    Date,
    /// Tables of information versions, only in the file.
    Versions,
    /// Tables of routes, only in the file.
    Routes,
}

/// One hour.
const HOUR_MS: i64 = 3_600_000;

/// The largest window of HTTP/2.
const WINDOW_MAX: i64 = (1 << 31) - 1;

/// One gibibyte.
const GIBIBYTE: i64 = 1 << 30;

/// Every setting, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    // The server.
    setting("server.listen_address", "'127.0.0.1:7411'", Kind::Address, "where the gRPC server listens"),
    unset(
        "server.http_address",
        Kind::Address,
        "where /livez, /readyz, /metrics and /log-level are told by HTTP; not set = nowhere",
    ),
    setting(
        "server.allow_plaintext_beyond_loopback",
        "false",
        Kind::Flag,
        "listen beyond loopback although there is no TLS",
    ),
    setting(
        "server.reflection",
        "'loopback'",
        Kind::Word(&["loopback", "on", "off"]),
        "for whom server reflection answers",
    ),
    setting(
        "server.runtime",
        "'per-core'",
        Kind::Word(&["per-core", "shared"]),
        "per-core = each worker thread serves its own connections; shared = threads take work from one another",
    ),
    setting(
        "server.workers",
        "0",
        Kind::Number(0, 1024),
        "worker threads of the per-core runtime; 0 = one for each core",
    ),
    setting(
        "server.request_bytes_max",
        "8388608",
        Kind::Number(1024, GIBIBYTE),
        "a larger request message is refused",
    ),
    setting(
        "server.response_bytes_max",
        "16777216",
        Kind::Number(1024, GIBIBYTE),
        "a larger response message is not sent",
    ),
    setting(
        "server.records_per_request_max",
        "10000",
        Kind::Number(1, 1_000_000),
        "a request with more records is refused",
    ),
    setting(
        "server.concurrent_streams_per_connection_max",
        "200",
        Kind::Number(1, 1_000_000),
        "requests at one time on one connection",
    ),
    setting(
        "server.stream_window_bytes",
        "4194304",
        Kind::Number(65_535, WINDOW_MAX),
        "what a request may send before the server must take it in; 10,000 records fit",
    ),
    setting(
        "server.connection_window_bytes",
        "16777216",
        Kind::Number(65_535, WINDOW_MAX),
        "the same for all requests of a connection together",
    ),
    setting(
        "server.frame_bytes_max",
        "65536",
        Kind::Number(16_384, 16_777_215),
        "the largest HTTP/2 frame that is taken",
    ),
    setting(
        "server.local_error_resets_max",
        "128",
        Kind::Number(1, 1_000_000),
        "a connection on which the server had to reset more streams is closed",
    ),
    setting(
        "server.header_list_bytes_max",
        "16384",
        Kind::Number(1024, 16_777_215),
        "larger request headers are refused",
    ),
    setting(
        "server.request_timeout_ms",
        "10000",
        Kind::Number(1, HOUR_MS),
        "a request that takes longer is given up",
    ),
    setting(
        "server.keepalive_interval_ms",
        "30000",
        Kind::Number(1000, HOUR_MS),
        "how often a quiet connection is asked whether it is still there",
    ),
    setting(
        "server.keepalive_timeout_ms",
        "10000",
        Kind::Number(1000, HOUR_MS),
        "how long it may take to answer that before it is closed",
    ),
    setting(
        "server.shutdown_wait_ms",
        "0",
        Kind::Number(0, HOUR_MS),
        "how long the server goes on to accept when it is told to stop and says NOT_SERVING, so that callers \
         go elsewhere first",
    ),
    setting(
        "server.shutdown_grace_ms",
        "5000",
        Kind::Number(0, HOUR_MS),
        "how long requests may take to end when the server stops",
    ),
    // What callers may ask.
    setting(
        "access.loopback",
        "'full'",
        Kind::Word(&["full", "public"]),
        "callers on this machine: full = details, Explain, Simulate, denials and the directory too",
    ),
    setting(
        "access.beyond_loopback",
        "'public'",
        Kind::Word(&["full", "public"]),
        "all other callers: public = verdicts without details",
    ),
    // Envoy.
    unset(
        "sidecar.socket_path",
        Kind::Text,
        "a Unix domain socket on which the same is served, for Envoy beside it; not set = none",
    ),
    setting(
        "sidecar.socket_group_may_connect",
        "false",
        Kind::Flag,
        "whether, besides the user that runs lupa, the socket's group may connect, as where Envoy runs as another user",
    ),
    unset(
        "sidecar.routes",
        Kind::Routes,
        "how the calls that Envoy asks about become questions; one that no route fits is denied",
    ),
    // The store.
    setting("store.path", "'lupa.sqlite'", Kind::Text, "the database file, where there is no store.url"),
    unset(
        "store.url",
        Kind::Text,
        "a PostgreSQL database, postgres://USER@HOST:PORT,HOST:PORT/DATABASE; not set = the file",
    ),
    unset("store.password_file", Kind::Text, "a file with the password for store.url; not set = none"),
    unset(
        "store.password",
        Kind::Secret,
        "the password itself; only from the environment, as LUPA_STORE__PASSWORD, and never shown",
    ),
    setting(
        "store.tls",
        "'unless-local'",
        Kind::Word(&["unless-local", "always", "never"]),
        "whether the connection to store.url is encrypted, and the server known by its certificate; local = every host is this machine",
    ),
    unset(
        "store.tls_ca_file",
        Kind::Text,
        "the certificates, in PEM, of those who vouch for the server; not set = those the system trusts",
    ),
    setting(
        "store.connect_timeout_ms",
        "2000",
        Kind::Number(1, HOUR_MS),
        "how long connecting to one server may take before the next is tried",
    ),
    setting(
        "store.read_timeout_ms",
        "2000",
        Kind::Number(1, HOUR_MS),
        "how long a read of store.url may take before the connection is given up",
    ),
    setting(
        "store.write_timeout_ms",
        "5000",
        Kind::Number(1, HOUR_MS),
        "how long a declaration is tried to be written to store.url before the outcome is unknown",
    ),
    setting(
        "store.settle_timeout_ms",
        "10000",
        Kind::Number(0, HOUR_MS),
        "how long after a server was promoted or restored to wait for a lupa that knows what it had",
    ),
    setting(
        "store.read_only",
        "false",
        Kind::Flag,
        "follow a store that another lupa writes; declarations are refused",
    ),
    setting(
        "store.append_queue_length_max",
        "8192",
        Kind::Number(1, 1_000_000),
        "declarations waiting to be written; more are refused",
    ),
    setting(
        "store.group_commit_declarations_max",
        "512",
        Kind::Number(1, 100_000),
        "declarations written in one transaction",
    ),
    setting(
        "store.check_whole_bytes_max",
        "268435456",
        Kind::Number(0, 1024 * GIBIBYTE),
        "a larger database is not checked whole when it is opened, but as far as it is read",
    ),
    setting(
        "store.read_connections_max",
        "4",
        Kind::Number(1, 1024),
        "clients whose history is read from the database at one time",
    ),
    // The index.
    setting(
        "index.poll_interval_ms",
        "100",
        Kind::Number(1, HOUR_MS),
        "how often the store is asked for changes",
    ),
    setting(
        "index.max_staleness_ms",
        "2000",
        Kind::Number(1, HOUR_MS),
        "a cache not proven fresh for longer answers nothing",
    ),
    setting(
        "index.retry_delay_max_ms",
        "1000",
        Kind::Number(1, HOUR_MS),
        "the longest pause between attempts to reach the store",
    ),
    setting(
        "index.overlay_clients_max",
        "50000",
        Kind::Number(1, 10_000_000),
        "with changes of more clients than this the cache packs them",
    ),
    unset(
        "index.checkpoint_path",
        Kind::Text,
        "where the cache is written for a quick start; not set = beside the database file, or nowhere",
    ),
    setting(
        "index.checkpoint_interval_ms",
        "300000",
        Kind::Number(0, 24 * HOUR_MS),
        "how often the cache is written there; 0 = never",
    ),
    setting(
        "index.checkpoint_changes_min",
        "100000",
        Kind::Number(0, i64::MAX),
        "a database with fewer changes is read whole at every start",
    ),
    // Watching.
    setting(
        "watch.streams_max",
        "64",
        Kind::Number(0, 100_000),
        "how many may watch for changes at one time; more are refused",
    ),
    setting("watch.changes_per_message_max", "1000", Kind::Number(1, 100_000), "changes told in one message"),
    setting(
        "watch.checkpoint_interval_ms",
        "5000",
        Kind::Number(1, HOUR_MS),
        "how long a watcher is told nothing before it is told that nothing has changed",
    ),
    setting(
        "watch.send_timeout_ms",
        "5000",
        Kind::Number(1, HOUR_MS),
        "a watcher that takes longer to take a message is cut off",
    ),
    // Consistency and time.
    setting(
        "consistency.wait_ms_max",
        "2000",
        Kind::Number(0, HOUR_MS),
        "how long a request waits for the cache to reach a revision",
    ),
    setting(
        "clock.step_back_ms_max",
        "5000",
        Kind::Number(0, HOUR_MS),
        "a clock further behind the newest declaration answers nothing",
    ),
    setting(
        "clock.recorder_ahead_ms_max",
        "5000",
        Kind::Number(0, HOUR_MS),
        "how far ahead of this server's a recorder's clock may be: what is given later is refused, what is given less ahead counts as given when it is recorded",
    ),
    // Lists.
    setting(
        "listing.page_size_default",
        "100",
        Kind::Number(1, 100_000),
        "declarations on a page when the request does not tell",
    ),
    setting("listing.page_size_max", "1000", Kind::Number(1, 100_000), "a request for more is read as this"),
    // Logs.
    setting(
        "log.format",
        "'auto'",
        Kind::Word(&["auto", "text", "json"]),
        "auto = text on a terminal, JSON elsewhere",
    ),
    setting("log.level", "'info'", Kind::Text, "error, warn, info, debug, trace, or EnvFilter directives"),
    // Traces.
    setting(
        "telemetry.detail",
        "'public'",
        Kind::Word(&["public", "rules"]),
        "what spans tell of a decision: public = the public reasons; rules = the rules that decided too, so \
         that a denial can be told from a missing consent",
    ),
    // The calendar.
    date("calendar.act_in_force", "the Client Data Act came into force"),
    date("calendar.counties_begin", "the wellbeing services counties began operations"),
    date("calendar.uusimaa_right_from", "the right of access within Uusimaa began"),
    date("calendar.uusimaa_right_until", "the right of access within Uusimaa ends"),
    date("calendar.social_sharing_from", "sharing of social-welfare data through Kanta began"),
    date(
        "calendar.consents_cover_all_channels_from",
        "healthcare consents given from this day cover every channel",
    ),
    date("calendar.cross_sector_from", "sharing across sectors through Kanta begins"),
    date("calendar.prescriptions_to_social_from", "social welfare retrieves prescriptions through Kanta"),
    date("calendar.wellbeing_from", "wellbeing data is shared with professionals"),
    date("calendar.extensive_refusal_from", "an extensive refusal can be recorded"),
    unset(
        "calendar.versions",
        Kind::Versions,
        "information versions that differ or are new: version, valid_from, valid_until, newest_from, opens_uusimaa",
    ),
];

impl Setting {
    /// The environment variable that overrides it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("LUPA_{}", self.name.to_ascii_uppercase().replace('.', "__"))
    }
}

const fn setting(name: &'static str, default: &'static str, kind: Kind, meaning: &'static str) -> Setting {
    Setting { name, default: Some(default), kind, meaning }
}

const fn unset(name: &'static str, kind: Kind, meaning: &'static str) -> Setting {
    Setting { name, default: None, kind, meaning }
}

const fn date(name: &'static str, meaning: &'static str) -> Setting {
    unset(name, Kind::Date, meaning)
}
