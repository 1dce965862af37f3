//! The contract of a storage backend. [`super::sqlite`] and [`super::postgres`] implement it, and one
//! test suite runs on both. The trait exists for the reader of the contract; there is no plug-in.
//!
//! What holds for every operation:
//!
//! - **Durability.** A change is committed and synced before anything about it is returned, published or
//!   visible to a read. A crash, power loss or failover to a synchronous standby does not lose it.
//! - **Order.** Changes are numbered in commit order, without holes: 1, 2, 3, … A read that finds a hole
//!   is an error, never a shorter result.
//! - **Immutability.** A committed change is never updated or deleted. So a range of revisions reads the
//!   same whenever it is read, and several ranges may be read in parallel.
//! - **Epoch.** Revisions count within one history. A store that may have lost commits starts a new
//!   epoch. A caller names the epoch of its revision as a [`Point`]; in an epoch that does not continue
//!   it, the operation returns [`ReadError::OtherEpoch`] and nothing that it read counts.
//! - **Isolation.** Each operation reads one committed state. It never sees a part of a transaction.
//! - **Limits.** `limit` is the maximum length of the result. Callers page by the last revision returned.
//! - **Blocking.** Reads block the calling thread. An asynchronous caller uses a blocking thread.
//! - **Errors and retries.** Reads have no effect, so callers may retry any of them. The backend itself
//!   reconnects, but does not repeat a read. An error never stands for an empty result.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::mpsc;

use super::change::{Change, ChangeBatch, ChangedClient, IndexChange, Point, Revision};
use super::error::ReadError;
use super::history::PersonHistory;
use super::id::DeclarationIds;
use super::job::Job;
use super::lineage::Lineage;
use super::place::Place;
use super::table::{ChangeRow, ViewingRow};
use crate::clock::CheckedClock;
use crate::policy::client_id::ClientId;

/// The reading half of a backend. Shared by all threads.
pub(super) trait Backend: Send + Sync {
    /// Where the store is, for messages: a path, or a URL without user and password.
    fn place(&self) -> Place;

    /// The canonical path of the file; `None` for a server.
    fn file(&self) -> Option<&Path>;

    /// The current epoch and what it continues. It changes while the store is open only on PostgreSQL,
    /// after a restart, failover or restore, and only to an epoch that this process has not been in.
    fn lineage(&self) -> Arc<Lineage>;

    /// How many revisions this process has seen that the store has lost since.
    fn lost_revisions(&self) -> Arc<AtomicU64>;

    /// The wall clock, checked: on PostgreSQL against the clock of the database, on SQLite for jumps.
    fn clock(&self) -> &CheckedClock;

    /// The secret key of the tokens' MAC. Constant for the life of the store.
    fn token_key(&self) -> &[u8; 32];

    /// How the ids of declarations are derived. Constant for the life of the store.
    fn declaration_ids(&self) -> DeclarationIds;

    /// The last committed revision, which by INVARIANT (dense) is also the number of changes, and the lineage
    /// of its epoch. It is no freshness proof: a deposed primary may answer.
    fn head(&self) -> Result<(Arc<Lineage>, Revision), ReadError>;

    /// Passes the changes with `after < revision <= until` to `each`, in order, until it returns
    /// `false`, and returns the last revision passed. `until` must be committed in the current epoch.
    /// Memory is bounded whatever the length of the range. Uses a connection of its own, so that several
    /// ranges can be loaded in parallel and a long one delays no other read.
    fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, ReadError>;

    /// The next changes after a revision, up to which the caller has what the epoch of a lineage has, in
    /// order. [`ReadError::OtherEpoch`] if the current epoch has less in common with that one.
    ///
    /// With `with_proof`, a result shorter than `limit` proves freshness: the caller has every change
    /// that was acknowledged anywhere before the call started. Measure staleness from the start of the
    /// call. Without it the result may be of a deposed primary, and is still a correct prefix of the
    /// epoch's history. [`ReadError::WentBack`] if the store ends before the point.
    fn follow(
        &self,
        after: (&Arc<Lineage>, Revision),
        limit: usize,
        with_proof: bool,
    ) -> Result<ChangeBatch, ReadError>;

    /// The next whole changes after a revision, in order, in whatever epoch the store is.
    /// [`ReadError::WentBack`] if the store ends before the revision.
    fn changes_since(&self, after: Revision, limit: usize) -> Result<Vec<Change>, ReadError>;

    /// Whose declarations the changes with `after < revision <= until` concern, in order, one element a
    /// change. [`ReadError::WentBack`] if the store does not reach `until`. Does not delay `follow`.
    fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        limit: usize,
    ) -> Result<Vec<ChangedClient>, ReadError>;

    /// What is recorded under some codes of one person, as it was at a point: declarations in revision
    /// order, with their withdrawals, and links with their ends. [`ReadError::WentBack`] if the store does
    /// not reach the point. Does not delay `follow`; the number of concurrent calls is limited, and further
    /// ones wait.
    fn history_of(&self, codes: &[ClientId], until: Point) -> Result<PersonHistory, ReadError>;

    /// Rows of the table `change` after a revision, in order. A hole is not an error here: the caller
    /// verifies the rows.
    fn change_rows(&self, after: Revision, limit: usize) -> Result<Vec<ChangeRow<'static>>, ReadError>;

    /// Rows of the table `viewing` after a number, in order. Numbers may have holes.
    fn viewing_rows(&self, after: i64, limit: usize) -> Result<Vec<ViewingRow<'static>>, ReadError>;

    /// The number of viewings, which is more than that of the rows of the table `viewing`.
    fn count_viewings(&self) -> Result<u64, ReadError>;

    /// The digest that is kept of the checkpoints of a build at a point; `None` if there is none.
    fn checkpoint_digest(&self, point: Point, build: &str) -> Result<Option<u64>, ReadError>;

    /// Has the database check its own structures; [`ReadError::Damaged`] names the first fault.
    fn check_structure(&self) -> Result<(), ReadError>;
}

/// The writing half of a backend: one for each process, on a thread of its own.
///
/// - **Batches.** Takes up to `group_commit_max` waiting jobs and runs them in one transaction with
///   [`super::group::GroupCommit`]. Each job sees the jobs before it; admission runs on the client's
///   declarations as they are in that transaction, so no change can come between check and write.
/// - **Reply.** Replies to a job only after the commit is durable, and publishes the revision only then.
/// - **Idempotency.** A job whose key is recorded already gets the recorded answer, also if that answer
///   was committed a moment ago by a transaction whose reply was lost. Another payload is refused.
/// - **Failure.** Fails either all jobs of a batch or none. SQLite stops for good: the state of the file
///   is known only after it was opened and checked again. PostgreSQL retries the batch until the write
///   timeout; if a commit was sent and not answered, the jobs fail as *unknown*, and a retry with the
///   same key resolves the outcome.
/// - **Import.** Runs in a transaction of its own, in which no other job takes part. It is not retried once
///   its source has returned entries.
pub(super) trait BatchWriter: Send + 'static {
    /// Writes until every sender of the queue is dropped, or until it has to stop for good.
    fn run(self, queue: mpsc::Receiver<Job>);
}
