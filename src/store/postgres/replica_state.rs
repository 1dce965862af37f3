//! The epoch that this process is in, and the last commit that it has seen there. Compared with
//! each probe of the head to detect lost commits, see [`super::head_probe`].

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::head_probe::{HeadProbe, HistoryCheck, LastSeenCommit};
use crate::store::change::{Epoch, Revision};
use crate::store::lineage::Lineage;

/// What this process has seen of the history on the server. Shared by the writer and all readers.
pub(super) struct ReplicaState {
    guarded: Mutex<GuardedState>,
    /// How many revisions this process has seen that the store has lost.
    lost_revisions: Arc<AtomicU64>,
}

struct GuardedState {
    current: EpochState,
    /// Epochs that this process was in and has left. One that returns is a restored backup.
    left: HashSet<Epoch>,
}

/// An epoch, and the last commit that this process has seen in it.
#[derive(Clone, Debug)]
pub(super) struct EpochState {
    pub(super) lineage: Arc<Lineage>,
    pub(super) last_seen: Option<LastSeenCommit>,
}

impl ReplicaState {
    pub(super) fn new(lineage: Lineage) -> Self {
        let guarded = GuardedState { current: EpochState::new(lineage), left: HashSet::new() };
        Self { guarded: Mutex::new(guarded), lost_revisions: Arc::default() }
    }

    pub(super) fn get(&self) -> EpochState {
        self.lock().current.clone()
    }

    pub(super) fn lost_revisions(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost_revisions)
    }

    /// Checks a probe against the state as it was before the probe was sent, and records the newest
    /// commit if the history is intact. Another task may have moved the state on meanwhile.
    pub(super) fn observe(&self, probe: &HeadProbe, before: &EpochState) -> HistoryCheck {
        let mut inner = self.lock();
        let check = probe.check(before.lineage.epoch(), before.last_seen);
        match check {
            // A backup was restored that is older than the current epoch.
            HistoryCheck::EpochChanged if inner.left.contains(&probe.epoch) => HistoryCheck::CommitsLost,
            HistoryCheck::Intact => {
                inner.record_commit(probe.epoch, probe.newest_commit());
                check
            }
            HistoryCheck::Moved
            | HistoryCheck::CommitsLost
            | HistoryCheck::EpochChanged
            | HistoryCheck::Standby => check,
        }
    }

    /// Records a commit of this process.
    pub(super) fn record_commit(&self, epoch: Epoch, commit: LastSeenCommit) {
        self.lock().record_commit(epoch, commit);
    }

    /// Leaves the epoch of `before` for another one, in which no commit has been seen yet, and reports
    /// what was lost on the way.
    pub(super) fn enter_epoch(&self, before: &EpochState, lineage: Lineage, probe: &HeadProbe) {
        let lost = before.lost_revisions(&lineage, probe);
        let epoch = lineage.epoch();
        if !self.lock().enter_epoch(before.lineage.epoch(), lineage) {
            return;
        }
        if lost == 0 {
            tracing::warn!(%epoch, "the store is in a new epoch, and has every change that this lupa has seen");
        } else {
            self.lost_revisions.fetch_add(lost, Ordering::Relaxed);
            tracing::error!(
                %epoch,
                lost_revisions = lost,
                "the store has lost changes that were acknowledged: their tokens are refused, and all of it is \
                 read again; record them again from the systems that sent them, see docs/operations.md"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, GuardedState> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EpochState {
    fn new(lineage: Lineage) -> Self {
        Self { lineage: Arc::new(lineage), last_seen: None }
    }

    /// Whether the last seen commit shows that another epoch has less in common with this one than its
    /// lineage says.
    pub(super) fn contradicts(&self, lineage: &Lineage, probe: &HeadProbe) -> bool {
        let common = self.lineage.common(lineage);
        self.last_seen.is_some_and(|seen| seen.revision <= common && !probe.has_commit(seen))
    }

    /// How many revisions were seen here and are lost in another epoch; where it is not known how far both
    /// are the same, a lower bound.
    fn lost_revisions(&self, lineage: &Lineage, probe: &HeadProbe) -> u64 {
        let Some(seen) = self.last_seen.filter(|seen| !probe.has_commit(*seen)) else { return 0 };
        match self.lineage.common(lineage) {
            Revision(0) => seen.revision.0.saturating_sub(probe.head.revision.0).max(1),
            common => seen.revision.0.saturating_sub(common.0),
        }
    }
}

impl GuardedState {
    fn record_commit(&mut self, epoch: Epoch, commit: LastSeenCommit) {
        let current = &mut self.current;
        // Another task may have recorded a later commit, or a new epoch.
        let is_newer = current.last_seen.is_none_or(|seen| seen.revision <= commit.revision);
        if current.lineage.epoch() == epoch && is_newer {
            current.last_seen = Some(commit);
        }
    }

    /// Whether it is entered now: another task may have left the epoch already, even for a later one.
    fn enter_epoch(&mut self, from: Epoch, to: Lineage) -> bool {
        let is_first = self.current.lineage.epoch() == from;
        if is_first {
            self.left.insert(from);
            self.current = EpochState::new(to);
        }
        is_first
    }
}
