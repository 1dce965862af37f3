//! What this process knows of the history on the server.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::look::{Judged, Known, Look};
use crate::store::change::Epoch;

/// What this process knows of the history on the server. Shared by whoever
/// reads and writes.
pub(super) struct State {
    knowing: Mutex<Knowing>,
    /// The epochs that were entered once and left.
    left: Mutex<HashSet<Epoch>>,
}

/// The epoch, and the last commit that is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knowing {
    pub(super) epoch: Epoch,
    pub(super) known: Option<Known>,
    /// Since when it is waited for another who knows more.
    unsettled_since: Option<Instant>,
}

impl State {
    pub(super) fn new(epoch: Epoch) -> Self {
        let knowing = Knowing { epoch, known: None, unsettled_since: None };
        Self { knowing: Mutex::new(knowing), left: Mutex::default() }
    }

    pub(super) fn get(&self) -> Knowing {
        *self.lock()
    }

    /// What a look amounts to for who knew this before it, see [`Look::judge`].
    pub(super) fn judge(&self, look: &Look, knowing: Knowing) -> Judged {
        let judged = look.judge(knowing.epoch, knowing.known);
        // A backup of before is there, whose epoch has ended already.
        let is_back = judged == Judged::OtherEpoch && self.left().contains(&look.epoch);
        if is_back { Judged::Lost } else { judged }
    }

    /// Notes what a look at a whole history has found.
    pub(super) fn learn(&self, look: &Look) {
        self.learn_commit(look.epoch, look.known());
    }

    /// Notes a commit.
    pub(super) fn learn_commit(&self, epoch: Epoch, commit: Known) {
        let mut knowing = self.lock();
        // Someone else may have learnt of a later one, or of a new epoch.
        let is_newer = knowing.known.is_none_or(|known| known.revision <= commit.revision);
        if knowing.epoch == epoch && is_newer {
            *knowing = Knowing { epoch, known: Some(commit), unsettled_since: None };
        }
    }

    /// Goes over to a new epoch, of which nothing is known yet.
    pub(super) fn enter(&self, epoch: Epoch) {
        let mut knowing = self.lock();
        if knowing.epoch != epoch {
            self.left().insert(knowing.epoch);
            *knowing = Knowing { epoch, known: None, unsettled_since: None };
        }
    }

    /// Whether it has been waited so long for another who knows more.
    pub(super) fn has_waited(&self, long_enough: Duration) -> bool {
        let now = Instant::now();
        self.lock().unsettled_since.get_or_insert(now).elapsed() >= long_enough
    }

    fn left(&self) -> MutexGuard<'_, HashSet<Epoch>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Knowing> {
        self.knowing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
