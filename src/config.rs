//! Configuration: one TOML file and the environment, checked whole before
//! anything starts.
//!
//! A setting has a section and a key. In the file it is `key = …` under
//! `[section]`; in the environment it is `LUPA_SECTION__KEY`, in capitals, with
//! two underscores between section and key: `LUPA_SERVER__LISTEN_ADDRESS`. The
//! environment overrides the file, and the file overrides the defaults, which
//! stand in one table with what each setting means: [`SETTINGS`]. A name that
//! is not in that table is refused wherever it stands.
//!
//! ```
//! let variables = [("LUPA_LISTING__PAGE_SIZE_MAX".into(), "500".into())];
//! let loaded = lupa::config::load(None, variables).unwrap();
//! assert_eq!(loaded.config.listing.page_size_max, 500);
//! assert_eq!(loaded.config.listing.page_size_default, 100);
//! ```

mod fault;
mod layer;
mod nearest;
mod settings;
mod sidecar;
mod store;
mod telemetry;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::fault::{ConfigFault, Place};
use self::layer::Layers;
pub use self::settings::{Kind, SETTINGS, Setting};
pub use self::sidecar::{OtherQuery, Part, Route, Source as PartSource};
pub use self::store::{Secret, Store, Tls};
pub use self::telemetry::{Detail, Log, LogFormat, Telemetry};

/// Stands for what is not shown.
const HIDDEN: &str = "(hidden)";

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The gRPC server.
    pub server: Server,
    /// What callers may ask.
    pub access: Access,
    /// Envoy's external authorization.
    pub sidecar: Sidecar,
    /// The embedded store.
    pub store: Store,
    /// The policy cache.
    pub index: Index,
    /// Those who watch for changes.
    pub watch: Watch,
    /// Waiting for the cache.
    pub consistency: Consistency,
    /// The wall clock.
    pub clock: Clock,
    /// Lists of declarations.
    pub listing: Listing,
    /// Logs.
    pub log: Log,
    /// Traces.
    pub telemetry: Telemetry,
    /// Dates by which the rules change.
    pub calendar: Calendar,
}

/// The gRPC server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it listens.
    pub listen_address: SocketAddr,
    /// Where health and metrics are told by HTTP; none = nowhere.
    pub http_address: Option<SocketAddr>,
    /// Whether that may be beyond loopback although there is no TLS.
    pub allow_plaintext_beyond_loopback: bool,
    /// For whom server reflection answers.
    pub reflection: Reflection,
    /// How requests are spread over the cores.
    pub runtime: Runtime,
    /// Worker threads of the per-core runtime; 0 = one for each core.
    pub workers: usize,
    /// A larger request message is refused.
    pub request_bytes_max: usize,
    /// A larger response message is not sent.
    pub response_bytes_max: usize,
    /// A request with more records is refused.
    pub records_per_request_max: usize,
    /// Requests at one time on one connection.
    pub concurrent_streams_per_connection_max: u32,
    /// What a request may send before the server must take it in.
    pub stream_window_bytes: u32,
    /// The same for all requests of a connection together.
    pub connection_window_bytes: u32,
    /// The largest HTTP/2 frame that is taken.
    pub frame_bytes_max: u32,
    /// A connection on which the server had to reset more streams is closed.
    pub local_error_resets_max: usize,
    /// Larger request headers are refused.
    pub header_list_bytes_max: u32,
    /// A request that takes longer is given up.
    pub request_timeout_ms: u64,
    /// How often a quiet connection is asked whether it is still there.
    pub keepalive_interval_ms: u64,
    /// How long it may take to answer that before it is closed.
    pub keepalive_timeout_ms: u64,
    /// How long it goes on to accept when it is told to stop and says NOT_SERVING.
    pub shutdown_wait_ms: u64,
    /// How long requests may take to end when the server stops.
    pub shutdown_grace_ms: u64,
}

/// How requests are spread over the cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Each worker thread serves its own connections.
    PerCore,
    /// Threads take work from one another.
    Shared,
}

/// For whom something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reflection {
    /// While the server listens on loopback.
    Loopback,
    /// For everyone.
    On,
    /// For no one.
    Off,
}

/// What callers may ask, by where they call from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Callers on the same machine.
    pub loopback: Entitlement,
    /// All other callers.
    pub beyond_loopback: Entitlement,
}

/// What a caller may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entitlement {
    /// Everything: details, explanations, simulations, denials, and to replace the directory.
    Full,
    /// Verdicts without details.
    Public,
}

/// Envoy's external authorization.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// A Unix domain socket for sidecars on this machine; none = only the address.
    pub socket_path: Option<PathBuf>,
    /// Whether its group may connect too.
    pub socket_group_may_connect: bool,
    /// How calls become questions: the first route that fits is taken. A call
    /// that none fits is denied.
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// The policy cache.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// How often the store is asked for changes.
    pub poll_interval_ms: u64,
    /// A cache that has not been proven fresh for longer answers nothing.
    pub max_staleness_ms: u64,
    /// The longest pause between attempts to reach the store.
    pub retry_delay_max_ms: u64,
    /// See `index.overlay_clients_max`.
    pub overlay_clients_max: usize,
    /// See `index.checkpoint_path`.
    pub checkpoint_path: Option<PathBuf>,
    /// See `index.checkpoint_interval_ms`.
    pub checkpoint_interval_ms: u64,
    /// See `index.checkpoint_changes_min`.
    pub checkpoint_changes_min: u64,
}

/// Those who watch for changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// How many at one time.
    pub streams_max: usize,
    /// Changes told in one message.
    pub changes_per_message_max: usize,
    /// See `watch.checkpoint_interval_ms`.
    pub checkpoint_interval_ms: u64,
    /// A watcher that takes longer to take a message is cut off.
    pub send_timeout_ms: u64,
}

/// Waiting for the cache.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// How long a request waits for a revision that the cache has not reached.
    pub wait_ms_max: u64,
}

/// The wall clock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// A clock further behind the newest declaration answers nothing.
    pub step_back_ms_max: u64,
    /// See `clock.recorder_ahead_ms_max`.
    pub recorder_ahead_ms_max: u32,
}

/// Lists of declarations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Declarations on a page when the request does not tell.
    pub page_size_default: u32,
    /// A request for more is read as this.
    pub page_size_max: u32,
}

/// Dates that differ from the published ones, each an ISO date. Scenario files
/// have the same part. Unset: as published.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The Client Data Act came into force.
    pub act_in_force: Option<String>,
    /// The wellbeing services counties began operations.
    pub counties_begin: Option<String>,
    /// The right of access within Uusimaa began.
    pub uusimaa_right_from: Option<String>,
    /// The right of access within Uusimaa ends.
    pub uusimaa_right_until: Option<String>,
    /// Sharing of social-welfare data through Kanta began.
    pub social_sharing_from: Option<String>,
    /// Healthcare consents given from this day cover every channel.
    pub consents_cover_all_channels_from: Option<String>,
    /// Sharing across sectors through Kanta begins.
    pub cross_sector_from: Option<String>,
    /// Social welfare retrieves prescriptions through Kanta.
    pub prescriptions_to_social_from: Option<String>,
    /// Wellbeing data is shared with professionals.
    pub wellbeing_from: Option<String>,
    /// An extensive refusal can be recorded.
    pub extensive_refusal_from: Option<String>,
    /// Versions of the information that differ or are new.
    #[serde(default)]
    pub versions: Vec<InformationVersion>,
}

/// A version of the "Information about the Kanta Services" that differs or is new.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InformationVersion {
    /// Its name, such as `2.1`.
    pub version: String,
    /// Its release. Unset: as published, or there always was.
    pub valid_from: Option<String>,
    /// First day on which it is no longer valid. Unset: as published, or no end.
    pub valid_until: Option<String>,
    /// From when it is the newest. Unset: as published, or from its release.
    pub newest_from: Option<String>,
    /// Whether it tells of the right of access within Uusimaa. Unset: as published, or not.
    pub opens_uusimaa: Option<bool>,
}

/// The configuration, and where each value comes from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is in force.
    pub config: Config,
    /// Every setting, in the order of [`SETTINGS`].
    pub values: Vec<InForce>,
}

/// The value of one setting.
#[derive(Clone, Debug, Serialize)]
pub struct InForce {
    /// Such as `server.listen_address`.
    pub name: &'static str,
    /// None = the published date.
    pub value: Option<toml::Value>,
    /// Where it comes from.
    pub source: Source,
    /// What it means.
    pub meaning: &'static str,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The table of settings.
    Default,
    /// The configuration file.
    File,
    /// An environment variable.
    Environment,
}

/// Reads the configuration, or tells every fault of it.
pub fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, Vec<ConfigFault>> {
    let mut layers = Layers::default();
    if let Some(path) = file {
        layers.read_file(path);
    }
    layers.read_environment(variables);
    let (mut values, mut faults) = layers.in_force();
    if !faults.is_empty() {
        return Err(faults);
    }
    let config = match assemble(&values) {
        Ok(config) => config,
        Err(error) => {
            let message = format!("the settings do not fit together: {}", error.message());
            return Err(vec![ConfigFault { place: Place::Settings, message }]);
        }
    };
    config.check(&mut faults);
    for InForce { name, value, .. } in &mut values {
        if SETTINGS.iter().any(|setting| setting.name == *name && matches!(setting.kind, Kind::Secret)) {
            *value = value.take().map(|_| HIDDEN.into());
        }
    }
    if faults.is_empty() { Ok(Loaded { config, values }) } else { Err(faults) }
}

/// Puts each value in its section.
fn assemble(values: &[InForce]) -> Result<Config, toml::de::Error> {
    let mut sections: BTreeMap<&str, toml::Table> = BTreeMap::new();
    for InForce { name, value, .. } in values {
        let Some((section, key)) = name.split_once('.') else { continue };
        let section = sections.entry(section).or_default();
        section.extend(value.clone().map(|value| (key.to_owned(), value)));
    }
    let sections: toml::Table =
        sections.into_iter().map(|(name, keys)| (name.to_owned(), toml::Value::Table(keys))).collect();
    sections.try_into()
}

impl Config {
    /// What no single value can be blamed for.
    fn check(&self, faults: &mut Vec<ConfigFault>) {
        let mut tell = |message| faults.push(ConfigFault { place: Place::Settings, message });
        let Server { listen_address, allow_plaintext_beyond_loopback, .. } = self.server;
        if !listen_address.ip().is_loopback() && !allow_plaintext_beyond_loopback {
            tell(format!(
                "server.listen_address: `{listen_address}` is beyond loopback and there is no TLS yet: personal \
                 data would travel in the clear. Listen on 127.0.0.1 or [::1], with a proxy with mutual TLS in front \
                 and access.loopback = \"public\" (through a proxy every caller is on this machine), or set \
                 server.allow_plaintext_beyond_loopback = true if the network is protected otherwise"
            ));
        }
        let Listing { page_size_default, page_size_max } = self.listing;
        if page_size_default > page_size_max {
            tell(format!(
                "listing.page_size_default: {page_size_default} is more than listing.page_size_max = \
                 {page_size_max}: lower it or raise the other"
            ));
        }
        self.store.check(&self.server, &self.index, &mut tell);
        let Index { poll_interval_ms, max_staleness_ms, .. } = self.index;
        if poll_interval_ms >= max_staleness_ms {
            tell(format!(
                "index.poll_interval_ms: {poll_interval_ms} is not less than index.max_staleness_ms = \
                 {max_staleness_ms}, so that the cache would always be stale: lower it or raise the other"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
