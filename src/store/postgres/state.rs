//! What this process knows of the history on the server.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::look::{Judged, Known, Look};
use crate::store::change::Epoch;

/// What this process knows of the history on the server. Shared by whoever
/// reads and writes.
pub(super) struct State(Mutex<Inner>);

struct Inner {
    knowing: Knowing,
    /// The epochs that were entered once and left.
    left: HashSet<Epoch>,
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
        Self(Mutex::new(Inner { knowing, left: HashSet::new() }))
    }

    pub(super) fn get(&self) -> Knowing {
        self.lock().knowing
    }

    /// Notes what a look has found, and tells what it amounts to for who knew
    /// this before it, see [`Look::judge`].
    pub(super) fn take(&self, look: &Look, before: Knowing) -> Judged {
        let mut inner = self.lock();
        let judged = look.judge(before.epoch, before.known);
        match judged {
            // A backup of before is there, whose epoch has ended already.
            Judged::OtherEpoch if inner.left.contains(&look.epoch) => return Judged::Lost,
            Judged::OtherEpoch => inner.enter(before.epoch, look.epoch),
            Judged::Whole => inner.learn(look.epoch, look.known()),
            Judged::Moved | Judged::Unsettled | Judged::Lost | Judged::Standby => {}
        }
        judged
    }

    /// Notes a commit.
    pub(super) fn learn(&self, epoch: Epoch, commit: Known) {
        self.lock().learn(epoch, commit);
    }

    /// Goes over from one epoch to a new one, of which nothing is known yet.
    pub(super) fn enter(&self, from: Epoch, to: Epoch) {
        self.lock().enter(from, to);
    }

    /// Whether it has been waited so long for another who knows more.
    pub(super) fn has_waited(&self, long_enough: Duration) -> bool {
        let now = Instant::now();
        self.lock().knowing.unsettled_since.get_or_insert(now).elapsed() >= long_enough
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn learn(&mut self, epoch: Epoch, commit: Known) {
        let knowing = &mut self.knowing;
        // Someone else may have learnt of a later one, or of a new epoch.
        let is_newer = knowing.known.is_none_or(|known| known.revision <= commit.revision);
        if knowing.epoch == epoch && is_newer {
            *knowing = Knowing { epoch, known: Some(commit), unsettled_since: None };
        }
    }

    fn enter(&mut self, from: Epoch, to: Epoch) {
        // Someone else may have gone on already, further even.
        if self.knowing.epoch == from {
            self.left.insert(from);
            self.knowing = Knowing { epoch: to, known: None, unsettled_since: None };
        }
    }
}
