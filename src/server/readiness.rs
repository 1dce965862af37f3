//! Whether the server decides, and every reason why it does not: the same for gRPC health and `/readyz`.

use tokio::sync::watch;

use crate::clock::CheckedClock;
use crate::index::Index;

/// What every decision depends on.
#[derive(Clone)]
pub(super) struct Readiness {
    pub(super) index: Index,
    pub(super) clock: CheckedClock,
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
        reasons.extend(self.clock.now().err().map(|differs| differs.to_string()));
        reasons
    }
}
