//! The store: an append-only log of committed changes, in one SQLite file or in a PostgreSQL database
//! that many processes share.
//!
//! - A *change* is a declaration, a withdrawal, a link, the end of a link or a new directory; two more
//!   enclose the changes of an import.
//! - Its *revision* is its number in commit order: 1, 2, 3, … without holes.
//! - The *epoch* names the history that a revision counts in: a store that may have lost acknowledged
//!   changes starts a new one. Its *lineage* says which earlier epochs it continues, and how far.
//!
//! ```text
//!  append ──▶ bounded queue ──▶ writer thread: one transaction for all waiting jobs (group commit)
//!                                │  idempotency key recorded already? the recorded answer
//!                                │  admission, on the client's declarations as they are now
//!                                ▼
//!                               commit, synced ──▶ replies ──▶ committed() publishes the revision
//!  load_range, follow, changes_since, history_of ◀── read-only connections
//! ```
//!
//! `store/backend.rs` is the contract that both backends fulfil.
//!
//! INVARIANT (durable): no answer is sent before its change is committed and synced. If a commit is not
//! answered, the outcome is unknown, and a retry with the same idempotency key resolves it.

mod backend;
mod change;
mod checkpoint_record;
mod copy;
mod derived_key;
mod stored_change;
mod error;
mod export;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod group;
mod history;
mod id;
mod import;
mod job;
mod lineage;
mod options;
mod place;
mod postgres;
mod random;
mod row;
mod sqlite;
mod table;
mod verify;
mod viewing;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{mpsc, oneshot, watch};

pub use change::{
    Admit, Append, Appended, Change, ChangeBatch, ChangeEffect, ChangedClient, Entry, Epoch, ImportBoundary,
    IndexChange, Point, Replaced, Revision,
};
pub use checkpoint_record::CheckpointRecord;
pub use copy::{CopyPhase, CopyTo};
pub use derived_key::{KeyPurpose, keyed};
pub use error::{AppendError, CopyError, DriverError, Loss, OpenError, ReadError, WriteError, with_causes};
pub use export::Exported;
pub use history::PersonHistory;
pub use id::{DeclarationIds, REVISION_MAX};
pub use import::{EncodedEntry, ImportCheck, ImportOutcome, ImportResult, ImportSource};
pub use lineage::Lineage;
pub use options::StoreOptions;
pub use place::Place;
pub use postgres::{Password, PostgresOptions, PostgresTls};
pub use random::NoRandomness;
pub(crate) use row::{content_of_text, text_of_content};
pub use sqlite::{AcceptedLoss, bulk};
pub use verify::{Damage, Verified, VerifyFault};
pub use viewing::{Viewed, Viewing};

use crate::clock::CheckedClock;
use crate::policy::client_id::ClientId;
use crate::policy::directory::Directory;
use backend::Backend;
use change::DirectoryReplacement;
use job::{Job, PendingJob};
use postgres::Postgres;
use sqlite::Sqlite;
use writer::{Opened, WriterHandle, WriterStatus};

/// A store. A cheap handle: dropping the last clone waits for the writer to finish and closes all
/// connections.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// Fields in the order in which they are dropped: SQLite's read connections close before the one that
/// writes, because the last one to close empties the write-ahead log.
struct Inner {
    backend: Box<dyn Backend>,
    status: Arc<WriterStatus>,
    /// `None` if the store is only followed.
    writer: Option<WriterHandle>,
}

/// Why a job has no reply.
enum Unanswered {
    ReadOnly,
    Overloaded,
    Stopped(Arc<WriteError>),
}

impl Store {
    /// Opens the embedded store at a path, or creates one there. Checks the whole file, unless it is
    /// larger than `check_whole_bytes_max`. Blocks.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        Sqlite::open(path, options).map(Self::of)
    }

    /// Opens an embedded store only to read it; another process on this machine may write it.
    /// [`Store::changes_since`] sees what is committed there, [`Store::committed`] does not report it.
    /// Every write returns [`WriteError::ReadOnly`]. Blocks.
    pub fn open_to_follow(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        Sqlite::open_to_follow(path, options).map(Self::of)
    }

    /// Connects to a shared store, or creates one there. Other processes may write and follow it at the
    /// same time. Blocks.
    pub fn connect(postgres: &PostgresOptions, options: StoreOptions) -> Result<Self, OpenError> {
        Postgres::open(postgres, options).map(Self::of)
    }

    /// Copies a snapshot of an embedded store, which may be in use, into a new file. The first process
    /// that opens the copy for writing starts a new epoch, because the copy may lack changes that were
    /// acknowledged later. Returns the last revision in it. Blocks.
    pub fn back_up(path: &Path, to: &Path, options: StoreOptions) -> Result<Revision, CopyError> {
        sqlite::back_up(path, to, options.allow_writable_by_others)
    }

    /// Accepts that an embedded store has lost acknowledged changes: starts a new epoch after the last change
    /// in the file, and reports how many are missing. No process may have the store open. An error if
    /// nothing is lost. Blocks.
    pub fn accept_loss(path: &Path, options: StoreOptions) -> Result<AcceptedLoss, OpenError> {
        sqlite::accept_loss(path, options.allow_writable_by_others)
    }

    fn of(opened: Opened<impl Backend + 'static>) -> Self {
        let Opened { backend, writer, status } = opened;
        Self(Arc::new(Inner { backend: Box::new(backend), status, writer }))
    }

    /// Where the store is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.0.backend.place()
    }

    /// The canonical path of an embedded store.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.0.backend.file()
    }

    /// The current epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.lineage().epoch()
    }

    /// The current epoch, and the earlier ones that it continues.
    #[must_use]
    pub fn lineage(&self) -> Arc<Lineage> {
        self.0.backend.lineage()
    }

    /// How many revisions this process has seen, itself or in a checkpoint, that the store has lost since:
    /// changes that were acknowledged and are gone.
    #[must_use]
    pub fn lost_revisions(&self) -> Arc<AtomicU64> {
        self.0.backend.lost_revisions()
    }

    /// The wall clock, checked: on PostgreSQL against the clock of the database, on SQLite for jumps.
    #[must_use]
    pub fn clock(&self) -> &CheckedClock {
        self.0.backend.clock()
    }

    /// The secret key of the tokens' MAC.
    #[must_use]
    pub fn token_key(&self) -> &[u8; 32] {
        self.0.backend.token_key()
    }

    /// A key that is derived from that secret for a purpose.
    #[must_use]
    pub fn derived_key(&self, purpose: KeyPurpose) -> [u8; 32] {
        purpose.key(self.token_key())
    }

    /// How the ids of this store's declarations are derived.
    #[must_use]
    pub fn declaration_ids(&self) -> DeclarationIds {
        self.0.backend.declaration_ids()
    }

    /// Appends a declaration or a withdrawal durably, if admission accepts it. If its idempotency key is
    /// recorded with the same payload, returns the recorded answer. A call that is dropped may still be
    /// carried out.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match self.request(|reply| Job::Append(Box::new(PendingJob::new(append, reply)))).await {
            Ok(appended) => appended,
            Err(Unanswered::ReadOnly) => Err(AppendError::Store(Arc::new(WriteError::ReadOnly))),
            Err(Unanswered::Overloaded) => Err(AppendError::Overloaded),
            Err(Unanswered::Stopped(failure)) => Err(AppendError::Store(failure)),
        }
    }

    /// Replaces the directory durably.
    pub async fn replace_directory(&self, directory: Directory) -> Result<Replaced, WriteError> {
        self.replace(DirectoryReplacement { directory, unchanged_since: None }).await
    }

    /// Replaces the directory durably if no other one was stored after a point:
    /// [`WriteError::DirectoryChanged`] otherwise, also in an epoch that does not continue it. Checked in the transaction that
    /// stores it, so of several calls with the same point at most one succeeds. The changes after the
    /// point are read, so it should be a recent one.
    pub async fn replace_directory_unchanged_since(
        &self,
        directory: Directory,
        point: Point,
    ) -> Result<Replaced, WriteError> {
        self.replace(DirectoryReplacement { directory, unchanged_since: Some(point) }).await
    }

    async fn replace(&self, replacement: DirectoryReplacement) -> Result<Replaced, WriteError> {
        self.request(|reply| Job::Directory(Box::new(PendingJob::new(replacement, reply)))).await?
    }

    /// Keeps the digest of a checkpoint of the index, unless one is kept already for its point and build.
    /// Old ones are deleted.
    pub async fn record_checkpoint(&self, record: CheckpointRecord) -> Result<(), WriteError> {
        self.request(|reply| Job::Checkpoint(Box::new(PendingJob::new(record, reply)))).await?
    }

    /// Imports history of another system with its ids, times and withdrawals, in one transaction: all of
    /// what the source returns or nothing. It is not admitted. Other writers wait meanwhile, and fail after
    /// their write timeout.
    pub async fn import(&self, source: Box<dyn ImportSource>) -> Result<ImportResult, WriteError> {
        self.request(|reply| Job::Import(Box::new(PendingJob::new(source, reply)))).await?
    }

    /// Passes everything that is recorded of clients up to now to `each`, in revision order, until it
    /// returns `false`. It is the form that [`Self::import`] takes in. The store is read twice, first for
    /// the withdrawals and the ends of links, which are held in memory. Blocks.
    pub fn export(
        &self,
        progress: &mut dyn FnMut(Revision),
        each: &mut dyn FnMut(Exported) -> bool,
    ) -> Result<(), ReadError> {
        let (_, until) = self.0.backend.head()?;
        export::export(&*self.0.backend, until, progress, each)
    }

    /// Passes the effects of the changes after one revision up to another, which is committed, to `each`,
    /// in order, until it returns `false`. Returns the last revision passed; an error if one is missing.
    /// Several ranges can be loaded in parallel. Blocks.
    pub fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, ReadError> {
        self.0.backend.load_range(after, until, each)
    }

    /// What is recorded under some codes of one person, as it was at a point. An error if the store does
    /// not reach it, or is in an epoch that does not continue it. Does not delay the follower. Blocks.
    pub fn history_of(&self, codes: &[ClientId], until: Point) -> Result<PersonHistory, ReadError> {
        self.0.backend.history_of(codes, until)
    }

    /// Whose declarations the changes after a revision up to a point concern, in order. An error if the
    /// store does not reach the point, or is in an epoch that does not continue it. Does not delay the follower. Blocks.
    pub fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        limit: usize,
    ) -> Result<Vec<ChangedClient>, ReadError> {
        self.0.backend.clients_changed(after, until, limit)
    }

    /// The next changes after a revision, in order. An error if one is missing, or the store does not
    /// reach the revision. Blocks.
    pub fn changes_since(&self, after: Revision, limit: usize) -> Result<Vec<Change>, ReadError> {
        self.0.backend.changes_since(after, limit)
    }

    /// The effects of the next changes after a revision of an epoch, in order. With a proof, a result
    /// shorter than `limit` proves that every change that was acknowledged before the call is read. An error
    /// if one is missing, or if the store is in an epoch that has less in common with that one. Blocks.
    pub fn follow(
        &self,
        after: (&Arc<Lineage>, Revision),
        limit: usize,
        with_proof: bool,
    ) -> Result<ChangeBatch, ReadError> {
        self.0.backend.follow(after, limit, with_proof)
    }

    /// The digest that is kept of the checkpoints of a build at a point; `None` if there is none. Blocks.
    pub fn checkpoint_digest(&self, point: Point, build: &str) -> Result<Option<u64>, ReadError> {
        self.0.backend.checkpoint_digest(point, build)
    }

    /// The number of committed changes. Blocks.
    pub fn count(&self) -> Result<u64, ReadError> {
        let (_, Revision(count)) = self.head()?;
        Ok(count)
    }

    /// The last committed revision, and the lineage of its epoch. Blocks.
    pub fn head(&self) -> Result<(Arc<Lineage>, Revision), ReadError> {
        self.0.backend.head()
    }

    /// Copies everything into a new store, which has an epoch and a token key of its own, and verifies
    /// both. Reports its progress and stops if `report` returns `false`; then, and after an error, the
    /// copy must not be used. No process may write the original meanwhile. Blocks.
    pub fn copy(
        &self,
        to: CopyTo<'_>,
        options: StoreOptions,
        report: &mut dyn FnMut(CopyPhase) -> bool,
    ) -> Result<Option<Verified>, CopyError> {
        copy::copy(&*self.0.backend, to, options, report)
    }

    /// Reads and checks every change. Reports its progress and stops if `report` returns `false`. An
    /// error if the store cannot be read at all. Blocks.
    pub fn verify(&self, report: &mut dyn FnMut(Revision) -> bool) -> Result<Option<Verified>, ReadError> {
        verify::verify(&*self.0.backend, report)
    }

    /// The last committed revision, published after each commit: a hint that there is something to read.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Revision> {
        self.0.status.committed.subscribe()
    }

    /// Waits until the writer has stopped for good, and returns the cause.
    pub async fn failed(&self) -> Arc<WriteError> {
        let mut failure = self.0.status.failure.subscribe();
        let published = failure.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone());
        match published {
            Some(failure) => failure,
            // Unreachable: this handle keeps the sender alive.
            None => std::future::pending().await,
        }
    }

    async fn request<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Unanswered> {
        let Some(WriterHandle { jobs, .. }) = &self.0.writer else { return Err(Unanswered::ReadOnly) };
        let (sender, reply) = oneshot::channel();
        if let Err(mpsc::error::TrySendError::Full(_)) = jobs.try_send(job(sender)) {
            return Err(Unanswered::Overloaded);
        }
        match reply.await {
            Ok(reply) => Ok(reply),
            // The writer dropped the job, so it publishes its failure or has done so.
            Err(_) => Err(Unanswered::Stopped(self.failed().await)),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("place", &self.place())
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}

impl From<Unanswered> for WriteError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::ReadOnly => Self::ReadOnly,
            Unanswered::Overloaded => Self::Overloaded,
            Unanswered::Stopped(failure) => Self::Stopped(failure),
        }
    }
}
