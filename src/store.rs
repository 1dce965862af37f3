//! The embedded store: committed changes in one SQLite file, never changed again.
//!
//! - A *change* is a declaration, a withdrawal or a new directory.
//! - Its *revision* is its place in commit order: 1, 2, 3, … without holes.
//! - The *epoch* tells one store's revisions from another's.
//!
//! ```text
//!  append ──▶ bounded queue ──▶ writer thread: one transaction for all that waits
//!                                │  answered before? the same answer again
//!                                │  admit, on the client's declarations as they are now
//!                                ▼
//!                               commit, synced ──▶ answers ──▶ committed() hints at the revision
//!  load_range, changes_since, history_of ◀── connections that only read
//! ```
//!
//! INVARIANT (durable): nothing is answered before it is synced to the disk.
//! INVARIANT (fail-stop): after a failed write nothing is written again until
//! the file has been opened, and so checked, anew. What was under way is then
//! either there or not; who asks again with the same key learns which.
//! INVARIANT (one-writer): one process, by a lock on `<path>.lock`, and in it
//! one thread writes, and checkpoints. Other processes may follow what it writes.

mod change;
mod columns;
mod error;
mod file;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod fill;
mod group;
mod history;
mod id;
mod length;
mod new;
mod open;
mod read;
mod readers;
mod row;
mod sqlite;
mod viewing;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

pub use change::{Admit, Append, AppendError, Appended, Change, Decides, Entry, Epoch, Loaded, Revision};
pub use error::StoreError;
pub use fill::{FillEntry, FillPhase, FillProgress, Filled};
pub(crate) use history::ClientHistory;
pub use id::{DeclarationIds, REVISION_MAX};
pub(crate) use row::{content_of_text, text_of_content};
pub use viewing::{Viewed, Viewing};

use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::Declaration;
use crate::policy::directory::Directory;
use open::{Identity, Opened};
use read::Reader;
use readers::Readers;
use writer::{Hired, Job, Told};

/// The embedded store. A cheap handle: the last one to be dropped waits for
/// the writer to finish, closes the file and gives up the lock.
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
}

/// Dropped in this order: the connections that read close before the one that
/// writes, because the last one to close empties the log.
struct Inner {
    path: PathBuf,
    identity: Identity,
    told: Arc<Told>,
    /// For small reads, and to follow.
    reader: Mutex<Connection>,
    /// For reads that may take a while.
    readers: Readers,
    /// None if another process writes.
    writing: Option<Hired>,
}

/// Why a job has no answer.
enum Unanswered {
    ReadOnly,
    Overloaded,
    Stopped(Arc<StoreError>),
}

impl Store {
    /// Opens the store at a path, or begins one there. Checks the whole file,
    /// unless it is larger than the options say. Blocks.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        Self::start(open::open(path, options.check_whole_bytes_max)?, options)
    }

    /// Opens a store that another process on this machine writes, or none
    /// does, only to read it. What is committed there is seen by
    /// [`Store::changes_since`]; [`Store::committed`] does not tell of it.
    /// Whatever would write answers [`StoreError::ReadOnly`]. Blocks.
    pub fn open_to_follow(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        Self::start(open::open_to_follow(path)?, options)
    }

    /// Where it is, without links and dots.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn start(opened: Opened, options: StoreOptions) -> Result<Self, StoreError> {
        let Opened { path, identity, head, writing } = opened;
        let reader = sqlite::connect_to_read(&path)?;
        let told = Arc::new(Told {
            committed: watch::Sender::new(head.revision),
            failure: watch::Sender::new(None),
        });
        let hire = |writing| Hired::start(writing, &path, head, identity.ids, options, Arc::clone(&told));
        let writing = writing.map(hire).transpose()?;
        Ok(Self(Arc::new(Inner {
            readers: Readers::new(&path, options.read_connections_max),
            path,
            identity,
            told,
            reader: Mutex::new(reader),
            writing,
        })))
    }

    /// Which store this is.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.0.identity.epoch
    }

    /// The secret key of the tokens' MAC.
    #[must_use]
    pub fn token_key(&self) -> &[u8; 32] {
        &self.0.identity.token_key
    }

    /// How the ids of its declarations follow from when they were recorded.
    #[must_use]
    pub fn declaration_ids(&self) -> DeclarationIds {
        self.0.identity.ids
    }

    /// Appends a declaration or a withdrawal, durably, if admission lets it
    /// in. With a key that was used for the same before, tells what was
    /// answered then. A call that is given up may still be carried out.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        match self.ask(|answer| Job::Append(Box::new(append), answer)).await {
            Ok(appended) => appended,
            Err(Unanswered::ReadOnly) => Err(AppendError::Store(Arc::new(StoreError::ReadOnly))),
            Err(Unanswered::Overloaded) => Err(AppendError::Overloaded),
            Err(Unanswered::Stopped(failure)) => Err(AppendError::Store(failure)),
        }
    }

    /// Replaces the directory, durably.
    pub async fn replace_directory(&self, directory: Directory) -> Result<Revision, StoreError> {
        self.ask(|answer| Job::Directory(Box::new(directory), answer)).await?
    }

    /// Logs that declarations are viewed, durably: show them after it has answered.
    pub async fn log_viewing(&self, viewing: Viewing) -> Result<(), StoreError> {
        self.ask(|answer| Job::Viewing(Box::new(viewing), answer)).await?
    }

    /// Stores the history of another system as it is given, with its ids,
    /// times and withdrawals, all of it or nothing. Nothing is asked of it but
    /// that its ids are new. Tells the last revision.
    pub async fn import(&self, history: Vec<(ClientId, Declaration)>) -> Result<Revision, StoreError> {
        self.ask(|answer| Job::Import(history, answer)).await?
    }

    /// Reads what decides of the changes after one revision up to another,
    /// which is committed, in order, until `each` says that it has had enough. Tells the last one
    /// read. An error if any is missing. Reads on a connection of its own:
    /// as rows never change, several ranges may be read at one time. Blocks.
    pub fn load_range(
        &self,
        after: Revision,
        until: Revision,
        each: &mut dyn FnMut(Loaded) -> bool,
    ) -> Result<Revision, StoreError> {
        let connection = sqlite::connect_to_read(&self.0.path)?;
        let reader = Reader { connection: &connection, path: &self.0.path };
        reader.load_range(after, until, self.declaration_ids(), each)
    }

    /// A client's declarations as they were at a revision that the store has,
    /// in revision order. A long history does not hold up who follows the
    /// store; how many are read at one time is limited, others wait. Blocks.
    pub fn history_of(&self, client: &ClientId, until: Revision) -> Result<Vec<Declaration>, StoreError> {
        self.0.readers.read(|reader| {
            reader.reaches(until)?;
            reader.history_of(client, until).map(ClientHistory::into_declarations)
        })
    }

    /// Reads the changes after a revision, in order, at most so many. An error
    /// if one is missing, or the store does not reach that revision. Blocks.
    pub fn changes_since(&self, revision: Revision, most: usize) -> Result<Vec<Change>, StoreError> {
        self.read(|reader| reader.changes_since(revision, most))
    }

    /// How many changes are committed. Blocks.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.read(|reader| reader.last()).map(|Revision(count)| count)
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

    fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.0.reader.lock().unwrap_or_else(PoisonError::into_inner);
        read(&Reader { connection: &connection, path: &self.0.path })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.0.path)
            .field("epoch", &self.0.identity.epoch)
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

#[cfg(test)]
mod tests;
