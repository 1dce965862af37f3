//! The gRPC services: each rpc converts its request, decides or stores, and
//! converts the answer. `Core` has what they share: the index, the store, tokens,
//! limits and the rules of waiting for a revision.

mod caller;
mod declaration;
mod decision;
mod decision_id;
mod directory;
mod index;
pub mod printout;
mod pseudonym;
mod reading;
#[cfg(feature = "envoy")]
pub mod sidecar;
mod status;
mod tally;
mod token;
mod viewings;
mod watch;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch::{Receiver, Sender};
use tokio::time;
use tonic::Response;

use crate::clock::CheckedClock;
use crate::index::{Index, Reached, Snapshot};
use crate::limits::{CallerKey, Cancelled, ShareLimits, Shares, SidePool};
use crate::policy::calendar::Calendar;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::link::RecordedLink;
use crate::store::{KeyPurpose, PersonHistory, Point, Store, Viewing};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{RecordCount, StoreOperation};
use crate::telemetry::span::TracedStep;
use crate::wire::catalogue::CatalogueVersion;

use pseudonym::Pseudonyms;
use reading::Reading;
use status::Failure;
use token::Tokens;
use viewings::ViewingLog;

pub use caller::RequestCaller;
pub use decision::Decisions;
pub use declaration::Declarations;
pub use directory::Directories;
pub use index::Indexes;
pub use status::{fault, no_room, too_many_connections, unauthenticated};
pub use viewings::ViewingLimits;
pub use watch::{Changes, WatchLimits};

/// Limits of requests and answers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of records in one request.
    pub records_max: usize,
    /// Maximum time that a request waits for a revision to be in force.
    pub wait_max: Duration,
    /// Maximum time that the clock may be behind the newest declaration.
    pub clock_step_back_max: Duration,
    /// Maximum time that a recorder's clock may be ahead of this one.
    pub recorder_clock_ahead_max: TimeDelta,
    /// Maximum number of declarations of a client, withdrawn ones included; of
    /// denials twice as many.
    pub declarations_max: usize,
    /// Maximum number of declarations that a simulation adds.
    pub simulated_declarations_max: usize,
    /// Maximum number of entries of a directory in a request.
    pub directory_entries_max: usize,
    /// Declarations on a page if the caller sets no page size.
    pub page_size_default: usize,
    /// Maximum number of declarations on a page.
    pub page_size_max: usize,
    /// Maximum number of bytes of the declarations on a page, unless the first one alone is larger.
    pub page_bytes_max: usize,
    /// Limits of watch streams.
    pub watch: WatchLimits,
    /// Maximum number of requests that read the store or wait to.
    pub reads: ShareLimits,
    /// Maximum number of reads at one time, as the store has connections for them.
    pub read_connections_max: usize,
    /// Limits of the log of viewings.
    pub viewings: ViewingLimits,
}

/// Assumed maximum drift between the clock rates of two machines: 1/100.
const DRIFT_PART: u32 = 100;

/// Minimum allowance for drift.
const DRIFT_MIN: Duration = Duration::from_millis(10);

/// A request that is repeated within this time gets the same
/// `effective_everywhere_after`.
const SOON_REPEATED: TimeDelta = TimeDelta::seconds(1);

/// When a change is in force on every server that shares the store.
#[derive(Clone, Copy, Debug)]
struct Everywhere {
    /// By the wall clock, for callers.
    at: Instant,
    /// By the monotonic clock, for waiting.
    deadline: time::Instant,
}

/// What is recorded of a client.
struct History {
    /// Every code of the person.
    codes: Vec<ClientId>,
    /// The code in use now, by which the age is known.
    current: ClientId,
    /// In revision order.
    declarations: Vec<Declaration>,
    /// In revision order, ended ones included.
    links: Vec<RecordedLink>,
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
    /// One place for each watch stream.
    watchers: Shares,
    reading: Reading,
    viewings: ViewingLog,
    is_ending: Sender<bool>,
    limits: Limits,
    /// For work that may be long.
    side: SidePool,
    clock: CheckedClock,
    telemetry: Telemetry,
}

impl Core {
    /// Joins the parts.
    #[must_use]
    pub fn new(
        store: Store,
        index: Index,
        calendar: Calendar,
        limits: Limits,
        side: SidePool,
        telemetry: Telemetry,
    ) -> Self {
        let catalogue_version = CatalogueVersion::of(&calendar);
        let clock = store.clock().clone();
        let tokens = Tokens::new(store.token_key());
        let pseudonyms = Pseudonyms::new(&store.derived_key(KeyPurpose::Pseudonyms));
        let watchers = Shares::new(limits.watch.streams);
        let reading = Reading::new(limits.reads, limits.read_connections_max);
        let viewings = ViewingLog::new(limits.viewings);
        let calendar = Arc::new(calendar);
        Self {
            store,
            index,
            calendar,
            catalogue_version,
            tokens,
            pseudonyms,
            watchers,
            reading,
            viewings,
            is_ending: Sender::new(false),
            limits,
            side,
            clock,
            telemetry,
        }
    }

    /// Runs work that may be long beside the workers. It is left off when the caller
    /// has gone or its deadline has passed: then nobody gets its result.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, &Cancelled) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let core = self.clone();
        self.side.run(move |cancelled| work(&core, cancelled)).await?
    }

    /// Ends the watch streams, so that their callers go elsewhere: the server is
    /// stopping.
    pub fn tell_ending(&self) {
        self.is_ending.send_replace(true);
    }

    /// Whether the server is stopping.
    #[must_use]
    pub fn is_ending(&self) -> Receiver<bool> {
        self.is_ending.subscribe()
    }

    /// Refuses a request with too many records.
    fn check_size(&self, given: usize) -> Result<(), Failure> {
        let most = self.limits.records_max;
        if given > most { Err(Failure::TooManyRecords { given, most }) } else { Ok(()) }
    }

    /// The snapshot to answer from: fresh, and at the token's revision or later.
    async fn snapshot(&self, at_least: &str) -> Result<Arc<Snapshot>, Failure> {
        if !at_least.is_empty() {
            self.wait_for_token(at_least, "at_least").await?;
        }
        self.index.current().map_err(Failure::Unavailable)
    }

    /// What is recorded of a client, under every code of the person, at a snapshot's
    /// revision. It is read from the store: the index only has the part that affects
    /// decisions.
    async fn history(
        &self,
        client: &ClientId,
        snapshot: &Snapshot,
        caller: CallerKey,
    ) -> Result<History, Failure> {
        let place = self.reading.place(caller)?;
        let person = snapshot.person(client);
        let codes = person.map_or_else(|| vec![client.clone()], |person| person.codes.clone());
        let current = person.map_or_else(|| client.clone(), |person| person.current.clone());
        let (wanted, until) = (codes.clone(), snapshot.point());
        let read = async {
            let read = self.read(caller, Some(place), move |store| store.history_of(&wanted, until)).await?;
            read.map_err(|error| Failure::Unreadable(error.into()))
        };
        let PersonHistory { declarations, links } = self.stored(StoreOperation::ReadHistory, read).await?;
        Ok(History { codes, current, declarations, links })
    }

    /// Logs a viewing before the declarations are shown.
    async fn log_viewing(&self, viewing: Viewing, caller: CallerKey) -> Result<(), Failure> {
        let log = self.viewings.log(&self.store, viewing, caller);
        self.stored(StoreOperation::LogViewing, log).await
    }

    /// Waits until the point of the token in a field is in force here, and returns it.
    async fn wait_for_token(&self, token: &str, field: &'static str) -> Result<Point, Failure> {
        let point = self.tokens.read(token, field, self.store.epoch())?;
        match self.reached(point).await {
            Reached::Yes => Ok(point),
            Reached::NotYet => Err(Failure::RevisionNotReached),
            Reached::OtherEpoch => Err(Failure::TokenOfAnotherStore),
        }
    }

    /// Waits until a stored change is in force here.
    async fn wait_for_stored(&self, point: Point) -> Result<(), Failure> {
        match self.reached(point).await {
            Reached::Yes => Ok(()),
            Reached::NotYet => Err(Failure::AcknowledgementDelayed),
            // The store may have lost the change since.
            Reached::OtherEpoch => Err(Failure::OutcomeUnknown(None)),
        }
    }

    async fn reached(&self, point: Point) -> Reached {
        let deadline = time::Instant::now() + self.limits.wait_max;
        let reached = self.index.reached(point, deadline);
        self.telemetry.spans.step(TracedStep::WaitForRevision, reached).await
    }

    /// When a change that is committed now is in force everywhere. A replica that
    /// has not applied it was last proven fresh before the commit, so it stops
    /// deciding after `max_staleness`; the drift of its clock is allowed for.
    /// Counted from `SOON_REPEATED` after the change was recorded, so that a
    /// repeated request returns the same time.
    fn everywhere(&self, recorded_at: Instant, max_staleness: Duration) -> Everywhere {
        let wait = max_staleness + (max_staleness / DRIFT_PART).max(DRIFT_MIN);
        let from = (recorded_at + SOON_REPEATED).max(self.clock.wall());
        let at = from + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        Everywhere { at, deadline: time::Instant::now() + wait }
    }

    /// Runs an operation of the store: timed, and as a step of the trace.
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

    /// An answer, with the number of its records for the metrics.
    fn about<T>(records: usize, answer: T) -> Response<T> {
        let mut response = Response::new(answer);
        response.extensions_mut().insert(RecordCount(records));
        response
    }

    /// The instant at which to decide about a client: the clock's, or that of what is
    /// recorded last of the client if the clock is behind it a little, so that every
    /// acknowledged change is in force. What lies ahead concerns its own client, and
    /// nobody else; the directory concerns everybody.
    fn now(&self, snapshot: &Snapshot, client: &ClientId) -> Result<Instant, Failure> {
        let now = self.clock.now().map_err(Failure::ClockDiffers)?;
        // Nearly always nothing lies ahead.
        match snapshot.recorded_at().filter(|newest| *newest > now) {
            None => Ok(now),
            Some(_) => self.not_before(snapshot.recorded_of(client), now),
        }
    }

    /// The instant by which a change may be recorded. It is recorded after what was
    /// recorded last, of whichever client: if that lies ahead, so would the change.
    fn now_to_record(&self, newest: Option<&Snapshot>) -> Result<Instant, Failure> {
        let now = self.clock.now().map_err(Failure::ClockDiffers)?;
        self.not_before(newest.and_then(Snapshot::recorded_at), now)
    }

    fn not_before(&self, newest: Option<Instant>, now: Instant) -> Result<Instant, Failure> {
        let newest = newest.unwrap_or(now).max(now);
        let behind = (newest - now).to_std().unwrap_or_default();
        if behind <= self.limits.clock_step_back_max { Ok(newest) } else { Err(Failure::ClockBehind) }
    }
}
