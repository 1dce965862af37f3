//! The log of viewings. The first of equal ones is in the store before anything is
//! shown; those that follow within a minute are counted here, and one more row says at
//! the end of the minute how many they were. So a caller that views the same thing
//! again and again writes two rows in a minute. A crash may lose a number, never that
//! there was a viewing.
//!
//! ```text
//!  viewing ─▶ equal to one of this minute? ─ no ─▶ its caller may view more? ─▶ a row, committed ─▶ shown
//!                  └─ yes ─▶ counted ─▶ shown                                                      │
//!                              └─ end of the minute, or of the server ─▶ a row with the number ◀───┘
//! ```

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tokio::{task, time};

use crate::limits::{CallerKey, RateUsedUp, Rates};
use crate::store::{Store, Viewing, WriteError};

use super::Core;
use super::status::{CallerShare, Failure};

/// For how long equal viewings are counted together.
const MINUTE: Duration = Duration::from_secs(60);

/// After this time they are not, even if no number could be written.
const MINUTE_AT_MOST: Duration = Duration::from_secs(120);

/// How often the minutes that are over are looked for.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// How many rows are written together.
const ROWS_TOGETHER_MAX: usize = 256;

/// Limits of the log of viewings.
#[derive(Clone, Copy, Debug)]
pub struct ViewingLimits {
    /// Maximum number of different viewings of a caller in a minute.
    pub per_minute_per_caller_max: u64,
    /// Maximum number of viewings that are remembered to count equal ones.
    pub counted_max: usize,
}

/// The viewings of the last minute.
#[derive(Clone)]
pub(super) struct ViewingLog(Arc<RecentViewings>);

struct RecentViewings {
    counted_max: usize,
    rates: Rates,
    recent: Mutex<HashMap<Viewing, Recent>>,
}

/// A viewing, and those that are equal to it.
struct Recent {
    began: time::Instant,
    /// Whether the first one is written. None: not yet.
    first: Written,
    /// Not written yet.
    more: u32,
}

type Written = watch::Receiver<Option<Result<(), Arc<WriteError>>>>;

/// What is to be done for a viewing.
enum LogStep {
    Wait(Written),
    /// There is no room to remember it.
    WriteAlone,
    Write(watch::Sender<Option<Result<(), Arc<WriteError>>>>, Written),
}

impl ViewingLog {
    pub(super) fn new(limits: ViewingLimits) -> Self {
        let ViewingLimits { per_minute_per_caller_max, counted_max } = limits;
        let rates = Rates::new(per_minute_per_caller_max);
        Self(Arc::new(RecentViewings { counted_max, rates, recent: Mutex::default() }))
    }

    /// Logs a viewing. What it shows may be shown once this has returned.
    pub(super) async fn log(
        &self,
        store: &Store,
        viewing: Viewing,
        caller: CallerKey,
    ) -> Result<(), Failure> {
        let written = match self.begin(&viewing, caller, time::Instant::now())? {
            LogStep::Wait(written) => written,
            LogStep::WriteAlone => return Ok(store.log_viewing(viewing).await?),
            LogStep::Write(result, written) => {
                // Not dropped with the request: others may wait for the same row.
                let (log, store) = (self.clone(), store.clone());
                task::spawn(async move {
                    let done = store.log_viewing(viewing.clone()).await.map_err(Arc::new);
                    if done.is_err() {
                        log.recent().remove(&viewing);
                    }
                    result.send_replace(Some(done));
                });
                written
            }
        };
        let mut written = written;
        let done = written.wait_for(Option::is_some).await.map_err(|_| Failure::Ending)?;
        match &*done {
            Some(Err(error)) => Err(Arc::clone(error).into()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    fn begin(&self, viewing: &Viewing, caller: CallerKey, now: time::Instant) -> Result<LogStep, Failure> {
        let mut recent = self.recent();
        if let Some(known) = recent.get_mut(viewing)
            && now.duration_since(known.began) < MINUTE_AT_MOST
        {
            known.more = known.more.saturating_add(1);
            return Ok(LogStep::Wait(known.first.clone()));
        }
        let allowed = self.0.rates.take(caller, now.into_std());
        allowed.map_err(|RateUsedUp { retry_after }| {
            Failure::CallerShareExceeded(CallerShare::Viewings { retry_after })
        })?;
        if recent.len() >= self.0.counted_max || recent.contains_key(viewing) {
            return Ok(LogStep::WriteAlone);
        }
        let (result, first) = watch::channel(None);
        recent.insert(viewing.clone(), Recent { began: now, first: first.clone(), more: 0 });
        Ok(LogStep::Write(result, first))
    }

    /// Forgets the viewings whose minute is over, or all, and returns the numbers that are to be written.
    fn end(&self, now: time::Instant, all: bool) -> Vec<(Viewing, NonZeroU32)> {
        let is_over = |one: &Recent| all || now.duration_since(one.began) >= MINUTE;
        // The first row comes before the number.
        let is_written = |one: &Recent| one.first.borrow().is_some();
        let over = self.recent().extract_if(|_, one| is_over(one) && is_written(one)).collect::<Vec<_>>();
        over.into_iter().filter_map(|(viewing, one)| Some((viewing, NonZeroU32::new(one.more)?))).collect()
    }

    /// Writes the numbers of the minutes that are over, or of all. Those that cannot be written are kept.
    async fn write(&self, store: &Store, all: bool) {
        let now = time::Instant::now();
        let mut over = self.end(now, all);
        let mut failed = None;
        while !over.is_empty() {
            let together = over.split_off(over.len().saturating_sub(ROWS_TOGETHER_MAX));
            let rows = together.into_iter().map(|(viewing, times)| async move {
                let written = store.log_viewings(viewing.clone(), times).await;
                written.map_err(|error| (viewing, times, error))
            });
            for (viewing, times, error) in join_all(rows).await.into_iter().filter_map(Result::err) {
                self.keep(viewing, times, now);
                failed = Some(error);
            }
        }
        if let Some(error) = failed {
            let error = crate::store::with_causes(&error);
            tracing::warn!(error, "the number of equal viewings could not be written");
        }
    }

    /// Keeps a number for the next time.
    fn keep(&self, viewing: Viewing, times: NonZeroU32, now: time::Instant) {
        let (_, first) = watch::channel(Some(Ok(())));
        // One that started before: it is over already.
        let began = now.checked_sub(MINUTE_AT_MOST).unwrap_or(now);
        let mut recent = self.recent();
        let kept = recent.entry(viewing).or_insert(Recent { began, first, more: 0 });
        kept.more = kept.more.saturating_add(times.get());
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<Viewing, Recent>> {
        self.0.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Writes the numbers of equal viewings as their minutes end, until it has to
    /// stop, and then the rest.
    pub async fn write_numbers_of_viewings(self, mut stop: oneshot::Receiver<()>) {
        loop {
            let is_last = time::timeout(WRITE_INTERVAL, &mut stop).await.is_ok();
            self.viewings.write(&self.store, is_last).await;
            if is_last {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::client_id::{ClientId, IdentityCode};
    use crate::policy::viewing::ViewingPurpose;
    use crate::store::Viewed;

    const CALLER: CallerKey = CallerKey::User(None);

    fn viewing(what: Viewed) -> Viewing {
        let client = ClientId::National(IdentityCode::parse("010181-900C").expect("a code"));
        Viewing { client, viewer: None, purpose: ViewingPurpose::Investigation, what }
    }

    fn log(per_minute_per_caller_max: u64, counted_max: usize) -> ViewingLog {
        ViewingLog::new(ViewingLimits { per_minute_per_caller_max, counted_max })
    }

    /// Starts a viewing whose row, if it gets one, is written at once.
    fn begin(log: &ViewingLog, what: Viewed, now: time::Instant) -> &'static str {
        match log.begin(&viewing(what), CALLER, now) {
            Ok(LogStep::Write(result, _)) => {
                result.send_replace(Some(Ok(())));
                "written"
            }
            Ok(LogStep::WriteAlone) => "written alone",
            Ok(LogStep::Wait(_)) => "counted",
            Err(_) => "refused",
        }
    }

    #[test]
    fn equal_viewings_of_a_minute_are_one_number() {
        let log = log(10, 10);
        let now = time::Instant::now();
        let steps = [(); 5].map(|()| begin(&log, Viewed::List, now));
        assert_eq!(steps, ["written", "counted", "counted", "counted", "counted"]);
        assert_eq!(begin(&log, Viewed::Printout, now), "written");
        assert!(log.end(now + MINUTE / 2, false).is_empty());
        let ended = log.end(now + MINUTE, false);
        assert_eq!(ended, [(viewing(Viewed::List), NonZeroU32::new(4).expect("not zero"))]);
        assert!(log.recent().is_empty());
        assert_eq!(begin(&log, Viewed::List, now + MINUTE), "written");
    }

    #[test]
    fn a_number_that_cannot_be_written_is_kept_and_hides_no_viewing() {
        let log = log(10, 10);
        let now = time::Instant::now() + MINUTE_AT_MOST;
        begin(&log, Viewed::List, now);
        begin(&log, Viewed::List, now);
        for (viewing, times) in log.end(now + MINUTE, false) {
            log.keep(viewing, times, now + MINUTE);
        }
        assert_eq!(begin(&log, Viewed::List, now + MINUTE), "written alone");
        assert_eq!(log.end(now + MINUTE, false).len(), 1);
    }

    #[test]
    fn without_room_each_viewing_is_a_row() {
        let log = log(10, 1);
        let now = time::Instant::now();
        let steps = [Viewed::List, Viewed::Printout, Viewed::Printout].map(|what| begin(&log, what, now));
        assert_eq!(steps, ["written", "written alone", "written alone"]);
    }

    #[test]
    fn a_caller_writes_so_many_rows_in_a_minute_and_counts_on() {
        let log = log(2, 10);
        let now = time::Instant::now();
        let views = [Viewed::List, Viewed::Printout, Viewed::Explanation, Viewed::List];
        let steps = views.map(|what| begin(&log, what, now));
        assert_eq!(steps, ["written", "written", "refused", "counted"]);
        assert_eq!(begin(&log, Viewed::Explanation, now + MINUTE), "written");
    }
}
