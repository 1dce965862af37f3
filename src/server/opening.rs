//! Opens the configured store.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{self, Config, Secret, Tls};
use crate::policy::day::Instant;
use crate::store::{OpenError, Password, PostgresOptions, PostgresTls, Store, StoreOptions};

/// Opens the store. This blocks the thread.
pub(super) fn open(config: &Config, clock: fn() -> Instant) -> Result<Store, OpenError> {
    let options = options(config, clock);
    let config = &config.store;
    match &config.url {
        Some(url) => Store::connect(&postgres(config, url)?, options),
        None if config.read_only => Store::open_to_follow(&config.path, options),
        None => Store::open(&config.path, options),
    }
}

/// The options of a store, from the settings.
pub fn options(config: &Config, clock: fn() -> Instant) -> StoreOptions {
    let config::Store {
        append_queue_length_max,
        group_commit_declarations_max,
        check_whole_bytes_max,
        read_connections_max,
        allow_writable_by_others,
        ..
    } = config.store;
    StoreOptions {
        clock,
        clock_difference_max: Duration::from_millis(config.clock.difference_ms_max),
        queue_length_max: append_queue_length_max,
        group_commit_max: group_commit_declarations_max,
        check_whole_bytes_max,
        read_connections_max,
        max_staleness: Duration::from_millis(config.index.max_staleness_ms),
        allow_writable_by_others,
    }
}

/// The options of a connection to PostgreSQL, from the settings.
pub fn postgres(config: &config::Store, url: &str) -> Result<PostgresOptions, OpenError> {
    let authorities = config.tls_ca_file.clone();
    Ok(PostgresOptions {
        url: url.to_owned(),
        password: password(config)?,
        tls: match config.tls {
            Tls::UnlessLocal => PostgresTls::UnlessLocal(authorities),
            Tls::Always => PostgresTls::Always(authorities),
            Tls::Never => PostgresTls::Never,
        },
        connect_timeout: Duration::from_millis(config.connect_timeout_ms),
        read_timeout: Duration::from_millis(config.read_timeout_ms),
        write_timeout: Duration::from_millis(config.write_timeout_ms),
        read_only: config.read_only,
    })
}

/// The password, without the line break at the end of its file.
fn password(config: &config::Store) -> Result<Option<Password>, OpenError> {
    let from_file = |path: &PathBuf| {
        let read = std::fs::read_to_string(path);
        read.map_err(|source| OpenError::File { what: "read", path: path.clone(), source })
    };
    let from_file = config.password_file.as_ref().map(from_file).transpose()?;
    let given = config.password.as_ref().map(|Secret(password)| password.clone());
    Ok(given.or(from_file).map(|password| Password(password.trim_end_matches(['\r', '\n']).to_owned())))
}
