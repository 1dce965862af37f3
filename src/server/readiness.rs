//! Whether the server decides, and every reason why it does not: the same for gRPC health and `/readyz`.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::CheckedClock;
use crate::index::Index;
use crate::policy::day::Instant;

/// What every decision depends on.
#[derive(Clone)]
pub(super) struct Readiness {
    pub(super) index: Index,
    pub(super) clock: CheckedClock,
    /// How far the clock may be behind the directory.
    pub(super) step_back_max: Duration,
    /// Whether the server is shutting down.
    pub(super) is_ending: watch::Receiver<bool>,
}

impl Readiness {
    /// Every reason for which nothing is decided; none if the server is ready.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if *self.is_ending.borrow() {
            reasons.push("the server is shutting down".to_owned());
        }
        if let Err(why) = self.index.current() {
            reasons.push(why.to_string());
            reasons.extend(self.index.read_failure().map(|failure| failure.to_string()));
        }
        match self.clock.now() {
            Err(differs) => reasons.push(differs.to_string()),
            Ok(now) => reasons.extend(self.directory_ahead(now)),
        }
        reasons
    }

    /// The reason, if the directory lies ahead of the clock: every decision uses it.
    fn directory_ahead(&self, now: Instant) -> Option<String> {
        let recorded_at = self.index.newest()?.directory_recorded_at()?;
        let ahead = (recorded_at - now).to_std().ok().filter(|ahead| *ahead > self.step_back_max)?;
        Some(format!(
            "the directory was stored by a clock that was ahead: it is in force in {} s; load it again then, or \
             restore a backup",
            ahead.as_secs()
        ))
    }
}
