//! The store: committed changes, never changed again, in one SQLite file or in
//! a PostgreSQL database that many share.
//!
//! - A *change* is a declaration, a withdrawal or a new directory.
//! - Its *revision* is its place in commit order: 1, 2, 3, … without holes.
//! - The *epoch* tells one history from another: a store that has lost changes
//!   which it had begins a new one.
//!
//! ```text
//!  append ──▶ bounded queue ──▶ writer thread: one transaction for all that waits
//!                                │  answered before? the same answer again
//!                                │  admit, on the client's declarations as they are now
//!                                ▼
//!                               commit, synced ──▶ answers ──▶ committed() hints at the revision
//!  load_range, follow, changes_since, history_of ◀── connections that only read
//! ```
//!
//! INVARIANT (durable): nothing is answered before it is committed and synced.
//! Where no answer comes to a commit, it is unknown, and looked up by its
//! idempotency key.

mod change;
mod columns;
mod copy;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod group;
mod hired;
mod history;
mod id;
mod job;
mod place;
mod postgres;
mod random;
mod raw;
mod row;
mod sqlite;
mod verify;
mod viewing;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

pub use change::{
    Admit, Append, AppendError, Appended, Change, ChangeBatch, ChangeEffect, ChangedClient, Entry, Epoch,
    IndexChange, Point, Replaced, Revision,
};
pub use copy::{CopyPhase, CopyTo};
pub use error::StoreError;
pub use id::{DeclarationIds, REVISION_MAX};
pub use place::Place;
pub use postgres::{Password, PostgresFailure, PostgresOptions, PostgresTls};
pub(crate) use row::{content_of_text, text_of_content};
pub use sqlite::bulk;
pub use verify::{Finding, Verified, VerifyFault};
pub use viewing::{Viewed, Viewing};

use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;
use hired::{Begun, Hired, Told};
use job::{Job, Pending};
use postgres::Postgres;
use sqlite::Sqlite;

/// A store. A cheap handle: the last one to be dropped waits for the writer to
/// finish and closes what is open.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// How the store works.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// What time it is.
    pub clock: fn() -> Instant,
    /// How many calls may wait to be written; at least 1.
    pub queue_length_max: usize,
    /// How many of them one transaction may take; at least 1.
    pub group_commit_max: usize,
    /// A larger file is not checked whole when it is opened; what is read of
    /// it is checked as it is read.
    pub check_whole_bytes_max: u64,
    /// How many histories may be read at one time; at least 1.
    pub read_connections_max: usize,
    /// How long after it was proven fresh this process still decides from what
    /// it has read. The store keeps the longest of all who share it.
    pub max_staleness: Duration,
}

/// Dropped in this order: the connections that read close before the one that
/// writes, because the last one to close empties SQLite's log.
struct Inner {
    database: Database,
    told: Arc<Told>,
    /// None if it is only followed.
    writing: Option<Hired>,
}

enum Database {
    Sqlite(Box<Sqlite>),
    Postgres(Postgres),
}

impl From<Sqlite> for Database {
    fn from(sqlite: Sqlite) -> Self {
        Self::Sqlite(Box::new(sqlite))
    }
}

impl From<Postgres> for Database {
    fn from(postgres: Postgres) -> Self {
        Self::Postgres(postgres)
    }
}

/// Why a job has no answer.
enum Unanswered {
    ReadOnly,
    Overloaded,
    Stopped(Arc<StoreError>),
}

impl Store {
    /// Opens the embedded store at a path, or begins one there. Checks the
    /// whole file, unless it is larger than the options say. Blocks.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        Sqlite::open(path, options).map(Self::of)
    }

    /// Opens an embedded store that another process on this machine writes, or
    /// none does, only to read it. What is committed there is seen by
    /// [`Store::changes_since`]; [`Store::committed`] does not tell of it.
    /// Whatever would write answers [`StoreError::ReadOnly`]. Blocks.
    pub fn open_to_follow(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        Sqlite::open_to_follow(path, options).map(Self::of)
    }

    /// Connects to a shared store, or begins one there. Other processes may
    /// write and follow it too. Blocks.
    pub fn connect(postgres: &PostgresOptions, options: StoreOptions) -> Result<Self, StoreError> {
        Postgres::open(postgres, options).map(Self::of)
    }

    /// Copies an embedded store, which may be in use, into a new file as it is
    /// at one moment. Whoever opens the copy to write begins a new epoch: it
    /// may lack what was acknowledged since. Tells the last revision in it. Blocks.
    pub fn back_up(path: &Path, to: &Path) -> Result<Revision, StoreError> {
        sqlite::back_up(path, to)
    }

    fn of((database, writing, told): Begun<impl Into<Database>>) -> Self {
        Self(Arc::new(Inner { database: database.into(), told, writing }))
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.path.as_path().into(),
            Database::Postgres(postgres) => postgres.server.place(),
        }
    }

    /// The file of an embedded store, without links and dots.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0.database {
            Database::Sqlite(sqlite) => Some(&sqlite.path),
            Database::Postgres(_) => None,
        }
    }

    /// Which store this is.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.identity.epoch,
            Database::Postgres(postgres) => postgres.epoch(),
        }
    }

    /// The secret key of the tokens' MAC.
    #[must_use]
    pub fn token_key(&self) -> &[u8; 32] {
        match &self.0.database {
            Database::Sqlite(sqlite) => &sqlite.identity.token_key,
            Database::Postgres(postgres) => &postgres.server.token_key,
        }
    }

    /// How the ids of its declarations follow from when they were recorded.
    #[must_use]
    pub fn declaration_ids(&self) -> DeclarationIds {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.identity.ids,
            Database::Postgres(postgres) => postgres.server.ids,
        }
    }

    /// Appends a declaration or a withdrawal, durably, if admission lets it
    /// in. With a key that was used for the same before, tells what was
    /// answered then. A call that is given up may still be carried out.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match self.ask(|answer| Job::Append(Box::new(Pending::new(append, answer)))).await {
            Ok(appended) => appended,
            Err(Unanswered::ReadOnly) => Err(AppendError::Store(Arc::new(StoreError::ReadOnly))),
            Err(Unanswered::Overloaded) => Err(AppendError::Overloaded),
            Err(Unanswered::Stopped(failure)) => Err(AppendError::Store(failure)),
        }
    }

    /// Replaces the directory, durably.
    pub async fn replace_directory(&self, directory: Directory) -> Result<Replaced, StoreError> {
        self.ask(|answer| Job::Directory(Box::new(Pending::new(directory, answer)))).await?
    }

    /// Logs that declarations are viewed, durably: show them after it has answered.
    pub async fn log_viewing(&self, viewing: Viewing) -> Result<(), StoreError> {
        self.ask(|answer| Job::Viewing(Box::new(Pending::new(viewing, answer)))).await?
    }

    /// Stores the history of another system as it is given, with its ids,
    /// times and withdrawals, all of it or nothing. Nothing is asked of it but
    /// that its ids are new. Tells the last revision.
    pub async fn import(&self, history: Vec<(ClientId, Declaration)>) -> Result<Revision, StoreError> {
        self.ask(|answer| Job::Import(Pending::new(history, answer))).await?
    }

    /// Reads what decides of the changes after one revision up to another,
    /// which is committed, in order, until `each` says that it has had enough. Tells the last one
    /// read. An error if any is missing. Reads on a connection of its own:
    /// as rows never change, several ranges may be read at one time. Blocks.
    pub fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(IndexChange) -> bool,
    ) -> Result<Revision, StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.load_range(after, until, each),
            Database::Postgres(postgres) => postgres.load_range(after, until, each),
        }
    }

    /// A client's declarations as they were at a point, in revision order. An
    /// error if the store does not reach it, or is in another epoch. A long
    /// history does not hold up who follows the store; how many are read at one
    /// time is limited, others wait. Blocks.
    pub fn history_of(&self, client: &ClientId, until: Point) -> Result<Vec<Declaration>, StoreError> {
        match &self.0.database {
            // Nobody takes the place of a file while it is open: it has one epoch.
            Database::Sqlite(sqlite) => sqlite.history_of(client, until.revision),
            Database::Postgres(postgres) => postgres.history_of(client, until),
        }
    }

    /// Whom the changes after a revision up to a point concern, in order, at
    /// most so many. An error if the store does not reach it, or is in another
    /// epoch. Does not hold up who follows the store. Blocks.
    pub fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        most: usize,
    ) -> Result<Vec<ChangedClient>, StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.clients_changed(after, until.revision, most),
            Database::Postgres(postgres) => postgres.clients_changed(after, until, most),
        }
    }

    /// Reads the changes after a revision, in order, at most so many. An error
    /// if one is missing, or the store does not reach that revision. Blocks.
    pub fn changes_since(&self, revision: Revision, most: usize) -> Result<Vec<Change>, StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.read(|reader| reader.changes_since(revision, most)),
            Database::Postgres(postgres) => postgres.changes_since(revision, most),
        }
    }

    /// Reads what decides of the changes after a point, in order, at most so
    /// many. With a proof, finding fewer proves that no more were there when
    /// the read began. An error if one is missing, or if the store is in
    /// another epoch. Blocks.
    pub fn follow(&self, after: Point, most: usize, with_proof: bool) -> Result<ChangeBatch, StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => {
                // Nobody takes the place of a file while it is open: each look proves.
                let changes =
                    sqlite.read(|reader| reader.loaded_since(after.revision, most, sqlite.identity.ids))?;
                Ok(ChangeBatch { changes, proves_freshness: true })
            }
            Database::Postgres(postgres) => postgres.follow(after, most, with_proof),
        }
    }

    /// How many changes are committed. Blocks.
    pub fn count(&self) -> Result<u64, StoreError> {
        let Revision(count) = match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.read(|reader| reader.last())?,
            Database::Postgres(postgres) => postgres.count()?,
        };
        Ok(count)
    }

    /// The last committed revision, told after each commit. A hint that there
    /// is something to read.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Revision> {
        self.0.told.committed.subscribe()
    }

    /// Waits until the writer has had to stop, which it does for good, and
    /// tells why.
    pub async fn failed(&self) -> Arc<StoreError> {
        let mut failure = self.0.told.failure.subscribe();
        let told = failure.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
        match told {
            Some(failure) => failure,
            // Does not happen: this handle keeps the sender alive.
            None => std::future::pending().await,
        }
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Unanswered> {
        let Some(Hired { jobs, .. }) = &self.0.writing else { return Err(Unanswered::ReadOnly) };
        let (sender, answer) = oneshot::channel();
        if let Err(mpsc::error::TrySendError::Full(_)) = jobs.try_send(job(sender)) {
            return Err(Unanswered::Overloaded);
        }
        match answer.await {
            Ok(answer) => Ok(answer),
            // The writer dropped the job, so it tells of its failure or has done so.
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

impl From<Unanswered> for StoreError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::ReadOnly => Self::ReadOnly,
            Unanswered::Overloaded => Self::Overloaded,
            Unanswered::Stopped(failure) => Self::Stopped(failure),
        }
    }
}
