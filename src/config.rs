//! Configuration: one TOML file and the environment, validated completely
//! before anything starts.
//!
//! A setting has a section and a key. In the file it is `key = …` under
//! `[section]`. In the environment it is `LUPA_SECTION__KEY`, in capitals, with
//! two underscores between section and key: `LUPA_SERVER__LISTEN_ADDRESS`. The
//! environment overrides the file, and the file overrides the defaults. The
//! defaults are in [`SETTINGS`], together with the meaning of each setting. A
//! name that is not in this table is rejected in both places.
//!
//! ```
//! let variables = [("LUPA_LISTING__PAGE_SIZE_MAX".into(), "500".into())];
//! let loaded = lupa::config::load(None, variables).unwrap();
//! assert_eq!(loaded.config.listing.page_size_max, 500);
//! assert_eq!(loaded.config.listing.page_size_default, 100);
//! ```

mod calendar;
mod fault;
mod layer;
mod markdown;
mod nearest;
mod sections;
mod setting;
mod settings;
mod sidecar;
mod store;
mod telemetry;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;

pub use self::calendar::{Calendar, CalendarFault, InformationVersion, date_of};
pub use self::fault::{ConfigFault, FaultPlace};
use self::layer::Layers;
pub use self::markdown::markdown;
pub use self::nearest::nearest;
pub use self::sections::{
    Access, Clock, Config, Consistency, Entitlement, Index, Limits, Listing, Reflection, Runtime, Server,
    Sidecar, Watch,
};
pub use self::setting::{Setting, ValueKind};
pub use self::settings::SETTINGS;
pub use self::sidecar::{OtherQuery, Part, PartSource, Route};
pub use self::store::{Secret, Store, Tls};
pub use self::telemetry::{Detail, Log, LogFormat, Telemetry, check_level};
use crate::policy;

/// Printed in place of a secret.
const HIDDEN: &str = "(hidden)";

/// A valid configuration, and where each value comes from.
#[derive(Clone, Debug)]
pub struct LoadedConfig {
    /// The values of all settings.
    pub config: Config,
    /// The published calendar with the dates of the configuration.
    pub calendar: policy::calendar::Calendar,
    /// Every setting, in the order of [`SETTINGS`].
    pub values: Vec<EffectiveValue>,
}

/// The effective value of one setting.
#[derive(Clone, Debug, Serialize)]
pub struct EffectiveValue {
    /// Such as `server.listen_address`.
    pub name: &'static str,
    /// None: unset, and for a date, the published date.
    pub value: Option<toml::Value>,
    /// The layer that the value comes from.
    pub source: ValueSource,
    /// The meaning of the setting, from [`SETTINGS`].
    pub meaning: &'static str,
}

/// The layer that a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueSource {
    /// The table of settings.
    Default,
    /// The configuration file.
    File,
    /// An environment variable.
    Environment,
}

/// Loads and validates the configuration, or returns all its faults.
pub fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<LoadedConfig, Vec<ConfigFault>> {
    let mut layers = Layers::default();
    if let Some(path) = file {
        layers.read_file(path);
    }
    layers.read_environment(variables);
    let (mut values, mut faults) = layers.effective();
    if !faults.is_empty() {
        return Err(faults);
    }
    let config = match assemble(&values) {
        Ok(config) => config,
        Err(error) => {
            let message = format!("the settings do not fit together: {}", error.message());
            return Err(vec![ConfigFault { place: FaultPlace::Settings, message }]);
        }
    };
    config.check(&mut faults);
    let calendar = match config.calendar.over_published() {
        Ok(calendar) if faults.is_empty() => calendar,
        Ok(_) => return Err(faults),
        Err(more) => {
            faults.extend(more.into_iter().map(ConfigFault::from));
            return Err(faults);
        }
    };
    for EffectiveValue { name, value, .. } in &mut values {
        if SETTINGS.iter().any(|setting| setting.name == *name && matches!(setting.kind, ValueKind::Secret)) {
            *value = value.take().map(|_| HIDDEN.into());
        }
    }
    Ok(LoadedConfig { config, calendar, values })
}

/// Groups the values by section.
fn assemble(values: &[EffectiveValue]) -> Result<Config, toml::de::Error> {
    let mut sections: BTreeMap<&str, toml::Table> = BTreeMap::new();
    for EffectiveValue { name, value, .. } in values {
        let Some((section, key)) = name.split_once('.') else { continue };
        let section = sections.entry(section).or_default();
        section.extend(value.clone().map(|value| (key.to_owned(), value)));
    }
    let sections: toml::Table =
        sections.into_iter().map(|(name, keys)| (name.to_owned(), toml::Value::Table(keys))).collect();
    sections.try_into()
}

impl Config {
    /// Reports the faults that involve several settings.
    fn check(&self, faults: &mut Vec<ConfigFault>) {
        let mut report = |message| faults.push(ConfigFault { place: FaultPlace::Settings, message });
        let Server {
            listen_address,
            allow_plaintext_beyond_loopback,
            tls_certificate_file,
            tls_key_file,
            callers_file,
            ..
        } = &self.server;
        if !listen_address.ip().is_loopback()
            && !allow_plaintext_beyond_loopback
            && tls_certificate_file.is_none()
        {
            report(format!(
                "server.listen_address: `{listen_address}` is beyond loopback and there is no TLS: personal data \
                 would be sent in plaintext. Set server.tls_certificate_file, server.tls_key_file and \
                 server.callers_file; or listen on 127.0.0.1 or [::1]; or set \
                 server.allow_plaintext_beyond_loopback = true if the network is protected in another way"
            ));
        }
        match (tls_certificate_file, tls_key_file, callers_file) {
            (Some(_), Some(_), Some(_)) | (None, None, _) => {}
            (Some(_), Some(_), None) => report(
                "server.callers_file: unset, so with TLS nobody would be known: list the callers in a file \
                 (`lupa dev certs` makes one to start from)"
                    .to_owned(),
            ),
            (Some(_), None, _) => {
                report(
                    "server.tls_key_file: unset: set it to the key of server.tls_certificate_file".to_owned(),
                );
            }
            (None, Some(_), _) => report(
                "server.tls_certificate_file: unset: set it to the certificate of server.tls_key_file"
                    .to_owned(),
            ),
        }
        if let Err(message) = check_level(&self.log.level) {
            report(format!("log.level: {message}"));
        }
        let Listing { page_size_default, page_size_max } = self.listing;
        if page_size_default > page_size_max {
            report(format!(
                "listing.page_size_default: {page_size_default} is more than listing.page_size_max = \
                 {page_size_max}: lower the default or raise the maximum"
            ));
        }
        self.store.check(&self.server, &self.index, &mut report);
        let Index { poll_interval_ms, max_staleness_ms, .. } = self.index;
        if poll_interval_ms >= max_staleness_ms {
            report(format!(
                "index.poll_interval_ms: {poll_interval_ms} is not less than index.max_staleness_ms = \
                 {max_staleness_ms}, so the index would always be stale: lower the interval or raise the bound"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
