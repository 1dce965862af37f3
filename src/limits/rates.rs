//! How much each caller may do in a minute.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::callers::CallerKey;

/// A minute, from the first time that a caller does it.
const MINUTE: Duration = Duration::from_secs(60);

/// With more callers than this, those whose minute is over are forgotten first.
const CALLERS_KEPT: usize = 1024;

/// Counts what each caller does.
#[derive(Debug)]
pub struct Rates {
    per_minute_max: u64,
    by_caller: Mutex<HashMap<CallerKey, CallerMinute>>,
}

#[derive(Clone, Copy, Debug)]
struct CallerMinute {
    began: Instant,
    count: u64,
}

/// A caller has done as much in this minute as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as much is done in this minute as may be")]
pub struct RateUsedUp {
    /// When its next minute starts.
    pub retry_after: Duration,
}

impl Rates {
    /// So often in a minute for each caller.
    #[must_use]
    pub fn new(per_minute_max: u64) -> Self {
        Self { per_minute_max, by_caller: Mutex::default() }
    }

    /// Counts once more, if the caller may.
    pub fn take(&self, caller: CallerKey, now: Instant) -> Result<(), RateUsedUp> {
        let mut by_caller = self.by_caller();
        if by_caller.len() >= CALLERS_KEPT {
            by_caller.retain(|_, minute| !minute.is_over(now));
        }
        let minute = by_caller.entry(caller).or_insert(CallerMinute { began: now, count: 0 });
        if minute.is_over(now) {
            *minute = CallerMinute { began: now, count: 0 };
        }
        if minute.count >= self.per_minute_max {
            let gone = now.saturating_duration_since(minute.began);
            return Err(RateUsedUp { retry_after: MINUTE.saturating_sub(gone) });
        }
        minute.count += 1;
        Ok(())
    }

    fn by_caller(&self) -> MutexGuard<'_, HashMap<CallerKey, CallerMinute>> {
        self.by_caller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallerMinute {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_its_own_minutes() {
        let rates = Rates::new(2);
        let now = Instant::now();
        let [one, other] = [1, 2].map(|number| CallerKey::User(Some(number)));
        let second = now + Duration::from_secs(1);
        assert_eq!([rates.take(one, now), rates.take(one, second)], [Ok(()), Ok(())]);
        let used_up = RateUsedUp { retry_after: Duration::from_secs(59) };
        assert_eq!(rates.take(one, second), Err(used_up));
        assert_eq!(rates.take(other, second), Ok(()));
        assert_eq!(rates.take(one, now + MINUTE), Ok(()));
    }

    #[test]
    fn callers_of_minutes_that_are_over_are_forgotten() {
        let rates = Rates::new(1);
        let now = Instant::now();
        for number in 0..2000 {
            assert_eq!(rates.take(CallerKey::User(Some(number)), now), Ok(()));
        }
        assert_eq!(rates.take(CallerKey::User(None), now + MINUTE), Ok(()));
        assert_eq!(rates.by_caller().len(), 1);
    }
}
