//! The faults that are injected, one at a time.

use std::time::Duration;

use crate::core::generator::rng::Rng;
use crate::fixtures::relay::Mode;

#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The links between some replicas and PostgreSQL fail.
    Links { mode: Mode, replicas: usize, lasts: Duration },
    /// A replica is suspended (SIGSTOP) for this time.
    Pause(Duration),
    /// A replica is killed and restarted.
    Kill,
    /// PostgreSQL stops as in a power failure and restarts.
    RestartServer,
    /// PostgreSQL terminates all sessions.
    EndSessions,
    /// A session stays idle in a transaction with a transaction id, which holds back the oldest running id.
    IdleTransaction(Duration),
    /// A session stays idle in a transaction that locks the head row.
    HoldHead(Duration),
    /// PostgreSQL recovers onto a new timeline, with every commit.
    Promote,
    /// The primary is gone and its standby is promoted. It has every acknowledged commit if it is synchronous.
    FailOver { is_synchronous: bool },
    /// A backup is restored that lacks acknowledged commits, by a recovery to a new timeline or as files that
    /// are put back.
    Restore { is_recovery: bool },
    /// A replica's wall clock is stepped by these seconds, and back later; meanwhile its
    /// link is cut.
    StepClock(i32),
}

impl Fault {
    pub(super) fn any(rng: &mut Rng) -> Self {
        let lasts = Duration::from_millis(rng.pick(&[100, 400, 900, 1_600, 2_500]));
        let replicas = rng.pick(&[1, 1, 2, 3]);
        let links = |mode| Self::Links { mode, replicas, lasts };
        let slowness = Duration::from_millis(rng.pick(&[5, 40, 150]));
        let seconds = rng.pick(&[-3, -2, 2]);
        rng.weighted(&[
            (8, links(Mode::Slow(slowness))),
            (6, links(Mode::Closes)),
            (6, links(Mode::Resets)),
            (8, links(Mode::Silent)),
            (8, links(Mode::Mute)),
            (8, links(Mode::Stalls)),
            (10, Self::Pause(lasts)),
            (8, Self::Kill),
            (6, Self::RestartServer),
            (6, Self::EndSessions),
            (6, Self::IdleTransaction(lasts)),
            (6, Self::HoldHead(lasts)),
            (4, Self::Promote),
            (3, Self::FailOver { is_synchronous: true }),
            (3, Self::FailOver { is_synchronous: false }),
            (4, Self::Restore { is_recovery: true }),
            (4, Self::Restore { is_recovery: false }),
            (8, Self::StepClock(seconds)),
        ])
    }

    /// Name for the counts.
    pub(super) fn name(&self) -> String {
        let name = match self {
            Self::Links { mode, .. } => format!("{mode:?}"),
            Self::FailOver { is_synchronous: true } => "FailOverSynchronous".to_owned(),
            Self::FailOver { is_synchronous: false } => "FailOverAsynchronous".to_owned(),
            Self::Restore { is_recovery: true } => "RestoreByRecovery".to_owned(),
            Self::Restore { is_recovery: false } => "RestoreOfFiles".to_owned(),
            fault => format!("{fault:?}"),
        };
        name.split(['(', ' ']).next().unwrap().to_owned()
    }
}
