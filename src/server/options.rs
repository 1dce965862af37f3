//! The options of the parts, from the settings.

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;

use super::{ServerError, identity_reload};
use crate::clock;
use crate::config::{self, Config};
use crate::identity::{Access, Entitlement, Identities, IdentityFiles, ServerCertificateFiles};
use crate::index::{CheckpointOptions, IndexOptions};
use crate::limits::ShareLimits;
use crate::service::{Limits, ViewingLimits, WatchLimits};
use crate::store::Store;

/// Suffix of the checkpoint file, which is beside the database file.
const CHECKPOINT_SUFFIX: &str = ".index";

/// The certificates and the callers, if there are any.
pub(super) fn identities(config: &config::Server) -> Result<Option<Identities>, ServerError> {
    let config::Server { tls_certificate_file, tls_key_file, callers_file, .. } = config;
    let Some(callers) = callers_file.clone() else { return Ok(None) };
    let server = tls_certificate_file.clone().zip(tls_key_file.clone());
    let server = server.map(|(certificate, key)| ServerCertificateFiles { certificate, key });
    let files = IdentityFiles { server, callers, is_certificate_optional: false };
    let (identities, warnings) = Identities::open(files, clock::now()).map_err(ServerError::Identities)?;
    identity_reload::warn(&warnings);
    Ok(Some(identities))
}

pub(super) fn index_options(config: &Config, store: &Store) -> IndexOptions {
    let config::Index {
        poll_interval_ms,
        max_staleness_ms,
        retry_delay_max_ms,
        overlay_clients_max,
        checkpoint_path,
        checkpoint_interval_ms,
        checkpoint_changes_min,
    } = &config.index;
    let beside = store.file().map(|file| {
        let mut beside = file.as_os_str().to_owned();
        beside.push(CHECKPOINT_SUFFIX);
        PathBuf::from(beside)
    });
    // The store keeps the digest of a checkpoint, so only a process that writes the store writes one.
    let interval_ms = if config.store.read_only { 0 } else { *checkpoint_interval_ms };
    IndexOptions {
        poll_interval: Duration::from_millis(*poll_interval_ms),
        max_staleness: Duration::from_millis(*max_staleness_ms),
        retry_delay_max: Duration::from_millis(*retry_delay_max_ms),
        overlay_clients_max: *overlay_clients_max,
        checkpoint: checkpoint_path.clone().or(beside).map(|path| CheckpointOptions {
            path,
            interval: Duration::from_millis(interval_ms),
            changes_min: *checkpoint_changes_min,
        }),
    }
}

pub(super) fn access(config: &config::Access) -> Access {
    let entitlement = |configured| match configured {
        config::Entitlement::Full => Entitlement::Full,
        config::Entitlement::Public => Entitlement::Public,
    };
    let config::Access { loopback, beyond_loopback } = *config;
    Access { loopback: entitlement(loopback), beyond_loopback: entitlement(beyond_loopback) }
}

pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        records_max: config.server.records_per_request_max,
        wait_max: Duration::from_millis(config.consistency.wait_ms_max),
        clock_step_back_max: Duration::from_millis(config.clock.step_back_ms_max),
        recorder_clock_ahead_max: TimeDelta::milliseconds(config.clock.recorder_ahead_ms_max.into()),
        declarations_max: config.limits.declarations_per_client_max,
        simulated_declarations_max: config.limits.simulated_declarations_max,
        directory_entries_max: config.limits.directory_entries_max,
        page_size_default: config.listing.page_size_default as usize,
        page_size_max: config.listing.page_size_max as usize,
        // Half the size of a response, so that a page always fits.
        page_bytes_max: config.server.response_bytes_max / 2,
        watch: WatchLimits {
            streams: ShareLimits {
                total: config.watch.streams_max,
                caller: config.watch.streams_per_caller_max,
            },
            changes_max: config.watch.changes_per_message_max,
            checkpoint_interval: Duration::from_millis(config.watch.checkpoint_interval_ms),
            send_timeout: Duration::from_millis(config.watch.send_timeout_ms),
        },
        reads: ShareLimits { total: config.limits.reads_max, caller: config.limits.reads_per_caller_max },
        read_connections_max: config.store.read_connections_max,
        viewings: ViewingLimits {
            per_minute_per_caller_max: config.limits.viewings_per_minute_per_caller_max,
            counted_max: config.limits.viewings_counted_max,
        },
    }
}
