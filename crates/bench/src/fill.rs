//! Fills a new SQLite store with a history, as if each change had been recorded
//! at its time: [`lupa::store::bulk`] with one thread that encodes and one that
//! inserts.
//!
//! ```text
//!  history ──▶ encode: a thread of its own ──batches──▶ insert: this thread
//!                                                        │ rows, indices, sync
//!                                                        ▼
//!                                                    the store file
//! ```

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use lupa::policy::day::Instant;
use lupa::store::bulk::{self, BulkChange, BulkError, BulkRows, BulkStep, EncodedChange};
use lupa::store::{Revision, WriteError};

/// Number of changes in a batch. Progress is reported once per batch.
const CHANGES_PER_BATCH: usize = 4_096;

/// Maximum number of encoded batches that wait to be inserted.
const BATCHES_WAITING_MAX: usize = 4;

/// The next change of a history.
#[derive(Clone, Debug)]
pub struct PastChange {
    /// When it was recorded; not before the change that precedes it. Stored to
    /// the microsecond.
    pub recorded_at: Instant,
    /// The change.
    pub change: BulkChange,
}

/// The progress of filling a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillProgress {
    /// The current phase.
    pub phase: FillPhase,
    /// The number of changes inserted so far.
    pub changes: u64,
}

/// The phases of filling a store, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillPhase {
    /// Rows are inserted.
    Inserting,
    /// The indices are built.
    Indexing,
    /// The file is synced to the disk.
    Syncing,
}

/// Why a store was not filled. There is no store at the path.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The history or the store does not allow it.
    #[error(transparent)]
    Bulk(#[from] BulkError),
    /// The caller stopped it.
    #[error("filling the store was stopped: no store was created")]
    Stopped,
    /// The thread that encodes did not start.
    #[error("cannot start the thread that encodes the history: check the limits on threads and memory")]
    NoThread(#[source] io::Error),
    /// The thread that encodes panicked.
    #[error("encoding the history failed: report the fault; no store was created")]
    EncoderPanicked,
}

/// Encoded changes, in order.
#[derive(Default)]
struct Batch {
    changes: Vec<Encoded>,
    /// The bodies of all changes, one after another.
    bodies: Vec<u8>,
}

struct Encoded {
    recorded_at: Instant,
    change: EncodedChange,
    body: Range<usize>,
}

/// Creates a store at a path with a history in the order in which it was
/// recorded, and returns its last revision. Calls `report` with the progress and
/// stops when that returns `false`. Blocks.
pub fn fill(
    path: &Path,
    history: impl IntoIterator<Item = PastChange, IntoIter: Send>,
    report: &mut dyn FnMut(FillProgress) -> bool,
) -> Result<Revision, FillError> {
    let report = RefCell::new(report);
    let report = |phase, Revision(changes)| {
        if report.borrow_mut()(FillProgress { phase, changes }) { Ok(()) } else { Err(FillError::Stopped) }
    };
    let history = history.into_iter();
    bulk::load(
        path,
        |rows| insert(rows, history, &|last| report(FillPhase::Inserting, last)),
        |step, last| match step {
            BulkStep::Index => report(FillPhase::Indexing, last),
            BulkStep::Sync => report(FillPhase::Syncing, last),
        },
    )
}

fn insert(
    rows: &mut BulkRows<'_>,
    history: impl Iterator<Item = PastChange> + Send,
    report: &dyn Fn(Revision) -> Result<(), FillError>,
) -> Result<(), FillError> {
    thread::scope(|scope| {
        let (batches, encoded) = sync_channel(BATCHES_WAITING_MAX);
        let encoding = thread::Builder::new()
            .name("lupa-encode".to_owned())
            .spawn_scoped(scope, move || encode(history, &batches))
            .map_err(FillError::NoThread)?;
        insert_batches(rows, encoded, report)?;
        encoding
            .join()
            .map_err(|_| FillError::EncoderPanicked)?
            .map_err(|error| BulkError::Store(error.into()).into())
    })
}

/// Inserts batches until there are no more. After an error it drops the
/// receiver, so that the thread that encodes ends.
fn insert_batches(
    rows: &mut BulkRows<'_>,
    batches: Receiver<Batch>,
    report: &dyn Fn(Revision) -> Result<(), FillError>,
) -> Result<(), FillError> {
    for Batch { changes, bodies } in batches {
        for Encoded { recorded_at, change, body } in &changes {
            rows.insert(*recorded_at, change, bodies.get(body.clone()).unwrap_or_default())?;
        }
        report(rows.last())?;
    }
    Ok(())
}

/// Encodes a history until it ends or the batches are no longer received.
fn encode(
    mut history: impl Iterator<Item = PastChange>,
    batches: &SyncSender<Batch>,
) -> Result<(), WriteError> {
    loop {
        let mut batch = Batch::default();
        for PastChange { recorded_at, change } in history.by_ref().take(CHANGES_PER_BATCH) {
            let start = batch.bodies.len();
            let change = change.encode(&mut batch.bodies)?;
            batch.changes.push(Encoded { recorded_at, change, body: start..batch.bodies.len() });
        }
        let is_last = batch.changes.len() < CHANGES_PER_BATCH;
        if batches.send(batch).is_err() || is_last {
            return Ok(());
        }
    }
}
