//! A new store with a history in it, as if each change had been recorded at
//! its time: for populations that are too large to be appended one by one.
//!
//! ```text
//!  history ──▶ encode: this thread ──batches──▶ write: SQLite, a thread of its own
//!                                                │ rows, in order, without indices
//!                                                │ then the indices, each in one go
//!                                               sync, rename
//! ```

pub(super) mod bulk;
mod encode;
mod write;

use std::path::Path;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use super::file::{self, file_error};
use super::new::NewStore;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Content, Declarer, RecordedBy};
use crate::policy::directory::Directory;
use crate::store::Store;
use crate::store::change::Revision;
use crate::store::error::{FillError, OpenError, WriteError};
use encode::{Batch, Encoder};

/// How many changes are written in one go, and how often progress is told.
const CHANGES_PER_BATCH: usize = 4_096;

/// How many batches may wait to be written.
const BATCHES_WAITING_MAX: usize = 4;

/// The next change of a history.
#[derive(Clone, Debug)]
pub struct Filled {
    /// When it was recorded; not before the change before it. Kept to the microsecond.
    pub recorded_at: Instant,
    /// What was recorded.
    pub entry: FillEntry,
}

/// What was recorded.
#[derive(Clone, Debug)]
pub enum FillEntry {
    /// The whole new directory.
    Directory(Directory),
    /// A client declared.
    Declaration {
        /// Who.
        client: ClientId,
        /// What it says.
        content: Content,
        /// When the client said it. Kept to the microsecond.
        given_at: Instant,
        /// Who declares.
        declarer: Declarer,
        /// Who records.
        recorded_by: RecordedBy,
    },
    /// A client withdrew.
    Withdrawal {
        /// Who.
        client: ClientId,
        /// The declaration of this client's that ends: the change with this
        /// place in the history, counted from 1.
        declaration: Revision,
        /// When the client said it. Kept to the microsecond.
        given_at: Instant,
        /// Who withdraws.
        by: Declarer,
        /// Who records.
        recorded_by: RecordedBy,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillProgress {
    /// What is being done.
    pub phase: FillPhase,
    /// How many changes have been taken from the history.
    pub changes: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillPhase {
    /// Changes are written.
    Writing,
    /// All are written, and the indices are made.
    Indexing,
    /// It is synced to the disk.
    Syncing,
}

/// Whether to go on.
type Tell<'t> = &'t mut dyn FnMut(FillProgress) -> bool;

impl Store {
    /// Makes a new store at a path, with a history in it, in the order in
    /// which it was recorded. Tells its progress, and stops when told `false`;
    /// then, and after any error, there is no store at the path. Returns the
    /// last revision. Blocks.
    pub fn fill(
        path: &Path,
        history: impl IntoIterator<Item = Filled>,
        tell: &mut dyn FnMut(FillProgress) -> bool,
    ) -> Result<Revision, FillError> {
        fill(path, &mut history.into_iter(), tell)
    }
}

fn fill(
    path: &Path,
    history: &mut dyn Iterator<Item = Filled>,
    tell: Tell<'_>,
) -> Result<Revision, FillError> {
    let path = file::canonical(path)?;
    let _lock = file::lock(&path)?;
    if path.try_exists().map_err(|source| file_error("find", &path, source))? {
        return Err(OpenError::Exists { path }.into());
    }
    let mut new = NewStore::begin(&path, None)?;
    match put_in(&mut new, history, tell) {
        Ok(last) => {
            new.finish()?;
            Ok(last)
        }
        Err(error) => {
            new.discard();
            Err(error)
        }
    }
}

fn put_in(
    new: &mut NewStore<'_>,
    history: &mut dyn Iterator<Item = Filled>,
    tell: Tell<'_>,
) -> Result<Revision, FillError> {
    let indices = new.write(|connection| bulk::begin(connection, new.path))?;
    let (ids, path) = (new.ids, new.path);
    let connection = &mut new.connection;
    let last = thread::scope(|scope| {
        let (batches, written) = mpsc::sync_channel(BATCHES_WAITING_MAX);
        let writing = thread::Builder::new()
            .name("lupa-fill".to_owned())
            .spawn_scoped(scope, move || write::run(connection, path, ids, &written))
            .map_err(OpenError::NoThread)?;
        let encoded = encode(path, history, &batches, tell);
        drop(batches);
        // What went wrong in writing comes before what followed from it.
        writing.join().map_err(|_| WriteError::WriterPanicked)??;
        encoded
    })?;
    for index in indices {
        let progress = FillProgress { phase: FillPhase::Indexing, changes: last.0 };
        if !tell(progress) {
            return Err(FillError::Stopped);
        }
        new.write(|connection| connection.execute_batch(&index))?;
    }
    let progress = FillProgress { phase: FillPhase::Syncing, changes: last.0 };
    if tell(progress) { Ok(last) } else { Err(FillError::Stopped) }
}

/// Encodes a history and hands it over, until it ends or nobody takes it.
fn encode(
    path: &Path,
    history: &mut dyn Iterator<Item = Filled>,
    batches: &SyncSender<Batch>,
    tell: Tell<'_>,
) -> Result<Revision, FillError> {
    let mut encoder = Encoder::new(path);
    loop {
        let batch = encoder.batch(history.take(CHANGES_PER_BATCH))?;
        let is_last = batch.len() < CHANGES_PER_BATCH;
        let is_taken = batches.send(batch).is_ok();
        let progress = FillProgress { phase: FillPhase::Writing, changes: encoder.last.0 };
        if !tell(progress) || !is_taken {
            return Err(FillError::Stopped);
        }
        if is_last {
            return Ok(encoder.last);
        }
    }
}
