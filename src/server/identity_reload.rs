//! Keeps the configuration of identities up to date while the server runs: when a file
//! changes, at SIGHUP, and once a minute in any case.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::{task, time};

use crate::clock;
use crate::config::ConfigFault;
use crate::identity::{Identities, Reloaded};

/// How often the files are checked for changes. Only their metadata is read.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Number of checks after which the contents are compared in any case: once a minute.
const CHECKS_PER_READ: u32 = 60;

/// By which a change of a file is noticed, links followed: device, inode, size, and time of change.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// Reloads until the task is aborted. `failed` says whether the last reload has failed.
pub(super) async fn keep_up_to_date(identities: Identities, asked: Arc<Notify>, failed: Arc<AtomicBool>) {
    let mut stamps = Vec::new();
    let mut checks = 0_u32;
    loop {
        let is_asked = time::timeout(WATCH_INTERVAL, asked.notified()).await.is_ok();
        checks = checks.wrapping_add(1);
        let is_due = is_asked || checks.is_multiple_of(CHECKS_PER_READ);
        let files = identities.clone();
        let checked = task::spawn_blocking(move || {
            let now: Vec<Stamp> = files.paths().iter().map(stamp).collect();
            let reloaded = (is_due || now != stamps).then(|| files.reload(clock::now()));
            (now, reloaded)
        });
        let Ok((now, reloaded)) = checked.await else { return };
        stamps = now;
        if let Some(reloaded) = reloaded {
            report(&reloaded, &failed);
        }
    }
}

fn report(reloaded: &Result<Reloaded, Vec<ConfigFault>>, failed: &AtomicBool) {
    match reloaded {
        Ok(Reloaded::Unchanged) => failed.store(false, Ordering::Relaxed),
        Ok(Reloaded::Changed { generation, warnings }) => {
            failed.store(false, Ordering::Relaxed);
            tracing::info!(generation, "certificates and callers were reloaded");
            warn(warnings);
        }
        Err(faults) => {
            failed.store(true, Ordering::Relaxed);
            for fault in faults {
                tracing::error!(%fault, "certificates and callers were not reloaded: those before stay in force");
            }
        }
    }
}

/// Logs what an operator should change.
pub(super) fn warn(warnings: &[ConfigFault]) {
    for fault in warnings {
        tracing::warn!(%fault, "certificates and callers are in force, but should be changed");
    }
}

fn stamp(path: &PathBuf) -> Stamp {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino(), file.size(), file.ctime(), file.ctime_nsec()))
}
