//! Clocks: the wall clock, which can be wrong, the boot clock, which cannot be set, and the check of the one
//! by the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use rustix::time::{ClockId, clock_gettime};

use crate::policy::day::Instant;

/// The wall clock. The only place where it is read.
#[expect(clippy::disallowed_methods, reason = "the only place where the wall clock is read")]
#[must_use]
pub fn now() -> Instant {
    SystemTime::now().into()
}

/// Nanoseconds since boot. This clock cannot be set and, unlike the one of
/// `std::time::Instant`, runs on while the machine is suspended: a snapshot
/// that was fresh before is stale afterwards.
#[must_use]
pub fn boottime_nanos() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// A clock that runs with the boot clock from a time that was known to be right.
#[derive(Debug)]
struct ReferenceClock {
    kind: ReferenceKind,
    /// Its time minus the boot clock, in microseconds; [`UNKNOWN`] until it is set.
    offset_micros: AtomicI64,
}

/// Where the right time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// From the clock of the database that replicas share.
    Database,
    /// From the wall clock of this machine, when it was last confirmed: at the start, and by an operator.
    Confirmed,
}

/// Not set yet.
const UNKNOWN: i64 = i64::MIN;

/// The wall clock of this process, checked against a reference whenever it is read: between a jump and its
/// discovery nothing is decided or recorded.
#[derive(Clone, Debug)]
pub struct CheckedClock {
    wall: fn() -> Instant,
    reference: Arc<ReferenceClock>,
    difference_max: TimeDelta,
}

/// The wall clock differs from its reference by more than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock of this machine is {:.1} s {} {}",
    self.seconds(),
    if self.ahead < TimeDelta::zero() { "behind" } else { "ahead of" },
    match self.reference {
        ReferenceKind::Database => "the clock of the database: set the wrong one right (NTP)",
        ReferenceKind::Confirmed =>
            "the time that is expected since it was last confirmed: set it right (NTP) or, if it is right \
             now, confirm it (docs/storage.md, The clock)",
    }
)]
pub struct ClockDiffers {
    /// How far it is ahead of the reference; negative if it is behind.
    pub ahead: TimeDelta,
    /// What it was compared with.
    pub reference: ReferenceKind,
}

impl ReferenceClock {
    /// Sets it: at this time of the boot clock, that was the right time.
    fn set(&self, right: Instant, at_boot_nanos: u64) {
        self.offset_micros.store(offset(right, at_boot_nanos), Ordering::Relaxed);
    }

    /// How far a time that is read now is ahead of the reference; none while it is not set.
    fn ahead(&self, time: Instant) -> Option<TimeDelta> {
        let own = offset(time, boottime_nanos());
        let reference = self.offset_micros.load(Ordering::Relaxed);
        (reference != UNKNOWN).then(|| TimeDelta::microseconds(own.saturating_sub(reference)))
    }
}

fn offset(time: Instant, boot_nanos: u64) -> i64 {
    let boot_micros = i64::try_from(boot_nanos / 1_000).unwrap_or(i64::MAX);
    time.timestamp_micros().saturating_sub(boot_micros)
}

impl CheckedClock {
    /// Checks the wall clock against that of a database, once it is compared.
    pub(crate) fn of_database(wall: fn() -> Instant, difference_max: Duration) -> Self {
        Self::against(ReferenceKind::Database, wall, difference_max)
    }

    fn against(kind: ReferenceKind, wall: fn() -> Instant, difference_max: Duration) -> Self {
        let reference = Arc::new(ReferenceClock { kind, offset_micros: AtomicI64::new(UNKNOWN) });
        let difference_max = TimeDelta::from_std(difference_max).unwrap_or(TimeDelta::MAX);
        Self { wall, reference, difference_max }
    }

    /// Checks the wall clock against what it is now. If something was recorded later than that, it is taken
    /// to be wrong until it is confirmed.
    pub(crate) fn confirmed(
        wall: fn() -> Instant,
        newest_recorded_at: Instant,
        difference_max: Duration,
    ) -> Self {
        let clock = Self::against(ReferenceKind::Confirmed, wall, difference_max);
        clock.reference.set(wall().max(newest_recorded_at), boottime_nanos());
        clock
    }

    /// The wall clock, if it agrees with the reference.
    pub fn now(&self) -> Result<Instant, ClockDiffers> {
        let now = self.wall();
        let ReferenceClock { kind, .. } = *self.reference;
        match self.reference.ahead(now) {
            Some(ahead) if ahead.abs() > self.difference_max => Err(ClockDiffers { ahead, reference: kind }),
            // The wall clock is steered by NTP, which the boot clock is not: small differences add up.
            Some(ahead) if kind == ReferenceKind::Confirmed && ahead.abs() > self.difference_max / 8 => {
                self.reference.set(now, boottime_nanos());
                Ok(now)
            }
            Some(_) | None => Ok(now),
        }
    }

    /// The wall clock, right or wrong: not to decide or record with.
    #[must_use]
    pub fn wall(&self) -> Instant {
        (self.wall)()
    }

    /// Compares it with a time that the database reported between a time of the boot clock and now. A report
    /// that took long says too little, and is not used.
    pub(crate) fn compare(&self, reported: Instant, sent_at_nanos: u64) {
        let received_at = boottime_nanos();
        let took = received_at.saturating_sub(sent_at_nanos);
        if i64::try_from(took).is_ok_and(|took| TimeDelta::nanoseconds(took) <= self.difference_max) {
            self.reference.set(reported, sent_at_nanos.midpoint(received_at));
        }
    }

    /// Checks the wall clock against a time that was reported just now.
    pub(crate) fn agrees_with(&self, reported: Instant) -> Result<(), ClockDiffers> {
        let ahead = self.wall() - reported;
        if ahead.abs() <= self.difference_max {
            return Ok(());
        }
        Err(ClockDiffers { ahead, reference: self.reference.kind })
    }

    /// How far the wall clock is ahead of the reference; none while that is unknown.
    #[must_use]
    pub fn difference(&self) -> Option<TimeDelta> {
        self.reference.ahead(self.wall())
    }

    /// Takes the wall clock to be right as it is now. `false` if it is the database that says what is right.
    #[must_use]
    pub fn confirm(&self) -> bool {
        let is_ours = self.reference.kind == ReferenceKind::Confirmed;
        if is_ours {
            self.reference.set(self.wall(), boottime_nanos());
        }
        is_ours
    }
}

impl ClockDiffers {
    fn seconds(&self) -> f64 {
        self.ahead.abs().to_std().unwrap_or_default().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    /// Seconds by which the wall clock of a test is off. Tests of one clock run one after the other.
    static STEP: AtomicI64 = AtomicI64::new(0);
    static IN_TURN: Mutex<()> = Mutex::new(());

    fn stepped() -> Instant {
        now() + TimeDelta::seconds(STEP.load(Ordering::SeqCst))
    }

    fn with_steps(clock: &CheckedClock, steps: &[(i64, bool)]) {
        for (seconds, is_right) in steps {
            STEP.store(*seconds, Ordering::SeqCst);
            assert_eq!(clock.now().is_ok(), *is_right, "{seconds} s");
        }
    }

    #[test]
    fn a_jump_is_noticed_until_it_is_taken_back_or_confirmed() {
        let _turn = IN_TURN.lock().unwrap();
        STEP.store(0, Ordering::SeqCst);
        let clock = CheckedClock::confirmed(stepped, Instant::UNIX_EPOCH, LIMIT);
        with_steps(&clock, &[(0, true), (86_400, false), (-3_600, false), (0, true), (3_600, false)]);
        let message = clock.now().unwrap_err().to_string();
        assert!(message.contains("3600.0 s ahead of"), "{message}");
        assert!(clock.confirm());
        with_steps(&clock, &[(3_600, true), (0, false)]);
    }

    #[test]
    fn small_steps_are_followed() {
        let _turn = IN_TURN.lock().unwrap();
        STEP.store(0, Ordering::SeqCst);
        let clock = CheckedClock::confirmed(stepped, Instant::UNIX_EPOCH, LIMIT);
        with_steps(&clock, &[(4, true), (8, true), (12, true), (8, true), (2, false)]);
    }

    #[test]
    fn a_clock_behind_the_newest_declaration_is_not_trusted_at_the_start() {
        let _turn = IN_TURN.lock().unwrap();
        STEP.store(0, Ordering::SeqCst);
        let clock = CheckedClock::confirmed(stepped, now() + TimeDelta::days(1), LIMIT);
        with_steps(&clock, &[(0, false), (86_400, true)]);
    }

    #[test]
    fn the_clock_of_the_database_is_not_for_us_to_confirm() {
        let _turn = IN_TURN.lock().unwrap();
        STEP.store(0, Ordering::SeqCst);
        let clock = CheckedClock::of_database(stepped, LIMIT);
        with_steps(&clock, &[(86_400, true)]);
        clock.compare(now(), boottime_nanos());
        with_steps(&clock, &[(86_400, false)]);
        assert!(!clock.confirm());
        // It is not followed in small steps either.
        with_steps(&clock, &[(4, true), (8, false), (0, true)]);
        // An answer that took longer than the limit may be as old.
        clock.compare(now() + TimeDelta::hours(1), boottime_nanos() - 6_000_000_000);
        with_steps(&clock, &[(0, true)]);
        assert!(clock.agrees_with(now()).is_ok());
        assert!(clock.agrees_with(now() + TimeDelta::hours(1)).is_err());
    }
}
