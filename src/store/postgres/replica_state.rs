//! The epoch that this process is in, and the last commit that it has seen there. Compared with
//! each probe of the head to detect lost commits, see [`super::head_probe`].

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::head_probe::{HeadProbe, HistoryCheck, LastSeenCommit};
use crate::store::change::Epoch;

/// What this process has seen of the history on the server. Shared by the writer and all readers.
pub(super) struct ReplicaState(Mutex<GuardedState>);

struct GuardedState {
    current: EpochState,
    /// Epochs that this process was in and has left. One that returns is a restored backup.
    left: HashSet<Epoch>,
}

/// An epoch, and the last commit that this process has seen in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct EpochState {
    pub(super) epoch: Epoch,
    pub(super) last_seen: Option<LastSeenCommit>,
    /// When this process started to wait for a replica that saw a later commit.
    unverified_since: Option<Instant>,
}

impl ReplicaState {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self(Mutex::new(GuardedState { current: EpochState::new(epoch), left: HashSet::new() }))
    }

    pub(super) fn get(&self) -> EpochState {
        self.lock().current
    }

    /// Checks a probe against the state as it was before the probe was sent, and records the commit
    /// or the epoch that the probe found. Another task may have moved the state on meanwhile.
    pub(super) fn observe(&self, probe: &HeadProbe, before: EpochState) -> HistoryCheck {
        let mut inner = self.lock();
        let check = probe.check(before.epoch, before.last_seen);
        match check {
            // A backup was restored that is older than the current epoch.
            HistoryCheck::EpochChanged if inner.left.contains(&probe.epoch) => {
                return HistoryCheck::CommitsLost;
            }
            HistoryCheck::EpochChanged => inner.enter_epoch(before.epoch, probe.epoch),
            HistoryCheck::Intact => inner.record_commit(probe.epoch, probe.newest_commit()),
            HistoryCheck::MovedIntact
            | HistoryCheck::Unverified
            | HistoryCheck::CommitsLost
            | HistoryCheck::Standby => {}
        }
        check
    }

    /// Records a commit of this process.
    pub(super) fn record_commit(&self, epoch: Epoch, commit: LastSeenCommit) {
        self.lock().record_commit(epoch, commit);
    }

    /// Leaves one epoch for a new one, in which no commit has been seen yet.
    pub(super) fn enter_epoch(&self, from: Epoch, to: Epoch) {
        self.lock().enter_epoch(from, to);
    }

    /// Whether the settle timeout has passed while waiting for a replica that saw a later commit.
    /// The first call starts the wait.
    pub(super) fn settle_timeout_passed(&self, settle_timeout: Duration) -> bool {
        let now = Instant::now();
        self.lock().current.unverified_since.get_or_insert(now).elapsed() >= settle_timeout
    }

    fn lock(&self) -> MutexGuard<'_, GuardedState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EpochState {
    fn new(epoch: Epoch) -> Self {
        Self { epoch, last_seen: None, unverified_since: None }
    }
}

impl GuardedState {
    fn record_commit(&mut self, epoch: Epoch, commit: LastSeenCommit) {
        let current = &mut self.current;
        // Another task may have recorded a later commit, or a new epoch.
        let is_newer = current.last_seen.is_none_or(|seen| seen.revision <= commit.revision);
        if current.epoch == epoch && is_newer {
            *current = EpochState { last_seen: Some(commit), ..EpochState::new(epoch) };
        }
    }

    fn enter_epoch(&mut self, from: Epoch, to: Epoch) {
        // Another task may have left it already, even for a later epoch.
        if self.current.epoch == from {
            self.left.insert(from);
            self.current = EpochState::new(to);
        }
    }
}
