//! SIGHUP: reads the configuration again and applies the settings that can change while the server runs.

use std::convert::Infallible;
use std::future::pending;
use std::io;

use tokio::signal::unix::Signal;
use tokio::sync::Notify;

use crate::cli::Global;
use crate::telemetry::LogLevel;

/// Reloads at each SIGHUP. A configuration with faults changes nothing.
pub(super) async fn at_each(
    hangup: io::Result<Signal>,
    global: &Global,
    level: &LogLevel,
    identities: &Notify,
) -> Infallible {
    match hangup {
        Ok(mut hangup) => {
            while hangup.recv().await.is_some() {
                reload(global, level);
                // The server says what came of it.
                identities.notify_one();
            }
        }
        Err(error) => {
            tracing::warn!(%error, signal = "SIGHUP", "cannot wait for a signal: restart to reload the settings");
        }
    }
    pending().await
}

fn reload(global: &Global, level: &LogLevel) {
    match global.load_config() {
        Ok(loaded) => match level.change(&loaded.config.log.level) {
            Ok(()) => tracing::info!(
                level = level.now(),
                "reloaded log.level from the configuration; other settings change at a restart"
            ),
            Err(error) => tracing::error!(%error, "the configuration was not reloaded"),
        },
        Err(failure) => {
            let faults = failure.message();
            tracing::error!(
                faults = faults.trim_end(),
                "the configuration was not reloaded: correct it and retry"
            );
        }
    }
}
