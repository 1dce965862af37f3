//! The gRPC services: convert, decide, convert.

mod declaration;
mod decision;
mod decision_id;
mod directory;
mod index;
pub mod printout;
mod pseudonym;
#[cfg(feature = "envoy")]
pub mod sidecar;
mod status;
mod tally;
mod token;
mod watch;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Semaphore;
use tokio::sync::watch::{Receiver, Sender};
use tokio::{task, time};
use tonic::Response;

use crate::identity::{Access, Entitlement};
use crate::index::{Index, Reached, Snapshot};
use crate::policy::calendar::Calendar;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::store::{Point, Store, Viewing};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{RecordCount, StoreOperation};
use crate::telemetry::span::TracedStep;
use crate::wire::catalogue::CatalogueVersion;

use pseudonym::Pseudonyms;
use status::Failure;
use token::Tokens;

pub use decision::Decisions;
pub use declaration::Declarations;
pub use directory::Directories;
pub use index::Indexes;
pub use watch::{Changes, WatchLimits};

/// Limits of what is asked and answered.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records in one request.
    pub records_max: usize,
    /// How long a request waits for a revision to be in force.
    pub wait_max: Duration,
    /// How far the clock may be behind the newest declaration.
    pub clock_step_back_max: Duration,
    /// How far ahead of this clock a recorder's may be.
    pub recorder_clock_ahead_max: TimeDelta,
    /// Declarations on a page, where the caller does not say.
    pub page_size_default: usize,
    /// Declarations on a page at most.
    pub page_size_max: usize,
    /// Bytes of the declarations on a page, unless the first alone has more.
    pub page_bytes_max: usize,
    /// Of those who watch.
    pub watch: WatchLimits,
}

/// Of a time that two machines measure, one may measure such a part less.
const DRIFT_PART: u32 = 100;

/// At least so much.
const DRIFT_MIN: Duration = Duration::from_millis(10);

/// Of a request that is repeated within such a time the answer is the same.
const SOON_REPEATED: TimeDelta = TimeDelta::seconds(1);

/// When something is in force everywhere.
#[derive(Clone, Copy, Debug)]
struct Everywhere {
    /// By the clock that callers have too.
    at: Instant,
    /// By the one that nobody sets.
    deadline: time::Instant,
}

/// What the services share.
#[derive(Clone)]
pub struct Core {
    store: Store,
    index: Index,
    calendar: Arc<Calendar>,
    catalogue_version: CatalogueVersion,
    tokens: Tokens,
    pseudonyms: Pseudonyms,
    /// Room for those who watch.
    watchers: Arc<Semaphore>,
    is_ending: Sender<bool>,
    access: Access,
    limits: Limits,
    clock: fn() -> Instant,
    telemetry: Telemetry,
}

impl Core {
    /// Joins the parts.
    #[must_use]
    pub fn new(
        store: Store,
        index: Index,
        calendar: Calendar,
        access: Access,
        limits: Limits,
        clock: fn() -> Instant,
        telemetry: Telemetry,
    ) -> Self {
        let catalogue_version = CatalogueVersion::of(&calendar);
        let tokens = Tokens::new(store.token_key());
        let pseudonyms = Pseudonyms::new(store.token_key());
        let watchers = Arc::new(Semaphore::new(limits.watch.streams_max));
        let calendar = Arc::new(calendar);
        Self {
            store,
            index,
            calendar,
            catalogue_version,
            tokens,
            pseudonyms,
            watchers,
            is_ending: Sender::new(false),
            access,
            limits,
            clock,
            telemetry,
        }
    }

    /// Has whoever watches go elsewhere: the server is about to end.
    pub fn tell_ending(&self) {
        self.is_ending.send_replace(true);
    }

    /// Whether the server is about to end.
    #[must_use]
    pub fn is_ending(&self) -> Receiver<bool> {
        self.is_ending.subscribe()
    }

    /// Whether a caller may ask for more than decisions.
    fn entitlement(&self, address: Option<SocketAddr>) -> Entitlement {
        self.access.of(address)
    }

    /// Refuses callers that may only ask for decisions.
    fn require_full(&self, address: Option<SocketAddr>) -> Result<(), Failure> {
        match self.entitlement(address) {
            Entitlement::Full => Ok(()),
            Entitlement::Public => Err(Failure::NotEntitled),
        }
    }

    /// Refuses a question about too many records.
    fn check_size(&self, given: usize) -> Result<(), Failure> {
        let most = self.limits.records_max;
        if given > most { Err(Failure::TooManyRecords { given, most }) } else { Ok(()) }
    }

    /// The snapshot to answer from: fresh, and of the token's revision or later.
    async fn snapshot(&self, at_least: &str) -> Result<Arc<Snapshot>, Failure> {
        if !at_least.is_empty() {
            let point = self.tokens.read(at_least, self.store.epoch())?;
            self.wait_for(point).await?;
        }
        self.index.current().map_err(Failure::Unavailable)
    }

    /// All of a client's declarations at a snapshot's revision, with what is
    /// shown and does not decide: the index has no more than decides.
    async fn history(&self, client: &ClientId, snapshot: &Snapshot) -> Result<Vec<Declaration>, Failure> {
        let (store, client, until) = (self.store.clone(), client.clone(), snapshot.point());
        let read = async {
            let read = task::spawn_blocking(move || store.history_of(&client, until)).await;
            read.map_err(|_| Failure::HistoryInterrupted)?.map_err(|error| Failure::Unreadable(error.into()))
        };
        self.stored(StoreOperation::ReadHistory, read).await
    }

    /// Logs that declarations are viewed, before they are.
    async fn log_viewing(&self, viewing: Viewing) -> Result<(), Failure> {
        let log = async { Ok(self.store.log_viewing(viewing).await?) };
        self.stored(StoreOperation::LogViewing, log).await
    }

    /// Waits until a token's point is in force here.
    async fn wait_for(&self, point: Point) -> Result<(), Failure> {
        match self.reached(point).await {
            Reached::Yes => Ok(()),
            Reached::NotYet => Err(Failure::RevisionNotReached),
            Reached::OtherEpoch => Err(Failure::TokenOfAnotherStore),
        }
    }

    /// Waits until what was stored is in force here.
    async fn wait_for_stored(&self, point: Point) -> Result<(), Failure> {
        match self.reached(point).await {
            Reached::Yes => Ok(()),
            Reached::NotYet => Err(Failure::AcknowledgementDelayed),
            // The store may have lost it since.
            Reached::OtherEpoch => Err(Failure::OutcomeUnknown(None)),
        }
    }

    async fn reached(&self, point: Point) -> Reached {
        let deadline = time::Instant::now() + self.limits.wait_max;
        let reached = self.index.reached(point, deadline);
        self.telemetry.spans.step(TracedStep::WaitForRevision, reached).await
    }

    /// When something that is committed now is in force everywhere: who has
    /// not seen it has proven itself fresh before it was committed, and decides
    /// no longer after so long. Clocks that are not set still run a little
    /// apart. Counted from a moment after it was recorded, so that a request
    /// that is soon repeated is answered the same.
    fn everywhere(&self, recorded_at: Instant, max_staleness: Duration) -> Everywhere {
        let wait = max_staleness + (max_staleness / DRIFT_PART).max(DRIFT_MIN);
        let from = (recorded_at + SOON_REPEATED).max((self.clock)());
        let at = from + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        Everywhere { at, deadline: time::Instant::now() + wait }
    }

    /// Has the store do something: timed, and a step of the trace.
    async fn stored<T>(
        &self,
        operation: StoreOperation,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let began = time::Instant::now();
        let done = self.telemetry.spans.step(TracedStep::Store(operation), work).await;
        let has_failed = done.as_ref().is_err_and(Failure::is_of_store);
        self.telemetry.metrics.stored(operation, began.elapsed(), has_failed);
        done
    }

    /// An answer about so many records, for whoever times it.
    fn about<T>(records: usize, answer: T) -> Response<T> {
        let mut response = Response::new(answer);
        response.extensions_mut().insert(RecordCount(records));
        response
    }

    /// The instant to decide at: the clock's, or the newest declaration's where
    /// the clock has gone back a little, so that what was acknowledged is in force.
    fn now(&self, snapshot: &Snapshot) -> Result<Instant, Failure> {
        let now = (self.clock)();
        match snapshot.recorded_at().filter(|newest| *newest > now) {
            None => Ok(now),
            Some(newest) => {
                let behind = (newest - now).to_std().unwrap_or_default();
                if behind <= self.limits.clock_step_back_max { Ok(newest) } else { Err(Failure::ClockBehind) }
            }
        }
    }
}
