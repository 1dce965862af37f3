//! Reads and checks the lines of an import in threads of their own, and returns
//! them in order.
//!
//! ```text
//!  reader ─ chunks of lines ─▶ workers: parse, check, encode ─ in order ─▶ source
//! ```

use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use indicatif::ProgressBar;

use super::lines::{Chunk, Ending, LineFile};
use super::report::{LineFault, Report};
use crate::policy::day::Instant;
use crate::policy::declaration::Kind;
use crate::policy::history::HistoryEntry;
use crate::store::{EncodedEntry, ImportOutcome, ImportSource};
use crate::wire::history::history_entry;
use crate::wire::v1;
use crate::wire::violation::{InvalidRequest, Violation};

/// Number of chunks that wait between two threads.
const CHUNKS_WAITING_MAX: usize = 4;

/// What the lines of an import are.
pub(super) struct Lines {
    pub(super) files: Vec<PathBuf>,
    pub(super) line_bytes_max: usize,
    pub(super) now: Instant,
    pub(super) bar: ProgressBar,
}

/// The lines of a chunk, read.
struct ReadChunk {
    file: usize,
    lines: u64,
    entries: Vec<(u64, EncodedEntry)>,
    refused: Vec<(u64, String)>,
}

/// What comes next, in the order of the lines.
enum Next {
    /// A chunk, which comes out here once a worker has read it.
    Chunk(Receiver<ReadChunk>),
    /// The file at a position cannot be read to its end.
    Unreadable(usize, io::Error),
    /// All files are read. Without it the import is not complete.
    End,
}

/// The entries of an import, in the order of the lines.
pub(super) struct LineSource {
    next: Receiver<Next>,
    report: Arc<Mutex<Report>>,
    /// File and line of each entry that was returned last.
    last: Vec<(usize, u64, Counted)>,
    /// The lines of the same chunk that were refused when they were read.
    last_refused: Vec<LineFault>,
    allow_refused: bool,
}

/// What an entry is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Declaration(Kind),
    Withdrawal,
    Link,
}

impl LineSource {
    /// Starts to read.
    pub(super) fn start(lines: Lines, report: Arc<Mutex<Report>>, allow_refused: bool) -> Self {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let (to_source, next) = sync_channel(workers + CHUNKS_WAITING_MAX);
        let (to_workers, chunks) = sync_channel::<(Chunk, SyncSender<ReadChunk>)>(CHUNKS_WAITING_MAX);
        let chunks = Arc::new(Mutex::new(chunks));
        let now = lines.now;
        for _ in 0..workers {
            let chunks = Arc::clone(&chunks);
            thread::spawn(move || {
                while let Some((chunk, to)) = next_chunk(&chunks) {
                    // Fails if the import has ended, and then nobody needs the chunk.
                    drop(to.send(read(&chunk, now)));
                }
            });
        }
        thread::spawn(move || {
            // Fails if the import has ended, and then nobody needs what is left.
            drop(to_source.send(read_files(lines, &to_source, &to_workers)));
        });
        Self { next, report, last: Vec::new(), last_refused: Vec::new(), allow_refused }
    }

    fn locked(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ImportSource for LineSource {
    fn next(&mut self) -> Option<Vec<EncodedEntry>> {
        loop {
            let chunk = match self.next.recv() {
                Ok(Next::Chunk(chunk)) => chunk.recv(),
                Ok(Next::End) => {
                    self.locked().is_complete = true;
                    return None;
                }
                Ok(Next::Unreadable(file, error)) => {
                    self.locked().stop(file, &error);
                    return None;
                }
                Err(ended) => Err(ended),
            };
            // A thread panicked: the report says that the import is not complete.
            let ReadChunk { file, lines, entries, refused } = chunk.ok()?;
            let refused = refused.into_iter().map(|(line, reason)| LineFault { file, line, reason });
            let mut report = self.locked();
            report.lines += lines;
            if entries.is_empty() {
                refused.for_each(|fault| report.refuse(fault));
            } else {
                drop(report);
                self.last_refused = refused.collect();
                self.last = entries.iter().map(|(line, entry)| (file, *line, Counted::of(entry))).collect();
                return Some(entries.into_iter().map(|(_, entry)| entry).collect());
            }
        }
    }

    fn report(&mut self, outcomes: &[ImportOutcome]) {
        let mut faults = std::mem::take(&mut self.last_refused);
        let mut report = self.locked();
        for ((file, line, counted), outcome) in self.last.iter().zip(outcomes) {
            let (file, line) = (*file, *line);
            let refused = match outcome {
                ImportOutcome::Added => {
                    report.count(*counted);
                    continue;
                }
                ImportOutcome::AlreadyStored => {
                    report.already_stored += 1;
                    continue;
                }
                ImportOutcome::Repeated => {
                    "its id is that of an earlier line: give each entry an id of its own"
                }
                ImportOutcome::PersonTooLarge => {
                    "one person would have more linked codes or links than one may have: check whether all are one \
                     person's, and leave out links that are mistakes or repetitions"
                }
                ImportOutcome::OtherContent => {
                    "its id is stored with another content: correct the line, or leave it out"
                }
                ImportOutcome::WithdrawnBefore => {
                    "an earlier line is its withdrawal: write the withdrawal into this line, or after it"
                }
            };
            faults.push(LineFault { file, line, reason: refused.to_owned() });
        }
        faults.sort_by_key(|fault| fault.line);
        faults.into_iter().for_each(|fault| report.refuse(fault));
    }

    fn is_to_commit(&mut self) -> bool {
        let report = self.locked();
        report.is_complete && (self.allow_refused || report.refused == 0)
    }
}

impl Counted {
    fn of(entry: &EncodedEntry) -> Self {
        match entry.entry() {
            HistoryEntry::Declaration(_, declaration) => Self::Declaration(declaration.content.kind()),
            HistoryEntry::Link(_) => Self::Link,
            HistoryEntry::Withdrawal { .. } => Self::Withdrawal,
        }
    }
}

/// Reads all files. Returns what ends them.
fn read_files(
    lines: Lines,
    to_source: &SyncSender<Next>,
    to_workers: &SyncSender<(Chunk, SyncSender<ReadChunk>)>,
) -> Next {
    let Lines { files, line_bytes_max, now: _, bar } = lines;
    for (file, path) in files.iter().enumerate() {
        let mut open = match LineFile::open(path, file, line_bytes_max, &bar) {
            Ok(open) => open,
            Err(error) => return Next::Unreadable(file, error),
        };
        loop {
            match open.chunk() {
                Ok(Some(chunk)) => {
                    let (to, read) = sync_channel(1);
                    if to_source.send(Next::Chunk(read)).is_err() || to_workers.send((chunk, to)).is_err() {
                        return Next::End;
                    }
                }
                Ok(None) => break,
                Err(error) => return Next::Unreadable(file, error),
            }
        }
    }
    Next::End
}

fn next_chunk<T>(chunks: &Mutex<Receiver<T>>) -> Option<T> {
    chunks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn read(chunk: &Chunk, now: Instant) -> ReadChunk {
    let lines = chunk.len() as u64;
    let mut read = ReadChunk { file: chunk.file, lines, entries: Vec::new(), refused: Vec::new() };
    for (number, line, ending) in chunk.lines() {
        if line.trim_ascii().is_empty() && ending != Ending::TooLong {
            continue;
        }
        match read_line(line, ending, now) {
            Ok(entry) => read.entries.push((number, entry)),
            Err(reason) => read.refused.push((number, reason)),
        }
    }
    read
}

/// Reads a line. The reason for which it is refused quotes nothing of it.
fn read_line(line: &[u8], ending: Ending, now: Instant) -> Result<EncodedEntry, String> {
    if ending == Ending::TooLong {
        return Err("longer than --line-bytes-max: raise it if the line is as it should be".to_owned());
    }
    if line.contains(&0) {
        return Err("has a NUL byte, as text in UTF-16 has: save the file in UTF-8".to_owned());
    }
    let text = std::str::from_utf8(line).map_err(|error| {
        format!("not UTF-8 from byte {} on: save the file in UTF-8", error.valid_up_to() + 1)
    })?;
    let line: v1::HistoryLine = serde_json::from_str(text).map_err(|error| not_a_line(&error, ending))?;
    let entry = history_entry(&line, now).map_err(|InvalidRequest { violations }| {
        let faults =
            violations.iter().map(|Violation { field, description }| format!("{field}: {description}"));
        faults.collect::<Vec<_>>().join("; ")
    })?;
    EncodedEntry::of(entry).map_err(|error| error.to_string())
}

/// The messages of serde_json may quote the line, so that only the position is given.
fn not_a_line(error: &serde_json::Error, ending: Ending) -> String {
    let column = error.column();
    match (error.classify(), ending) {
        (serde_json::error::Category::Eof, Ending::EndOfFile) => {
            "cut short: the file ends within the line".to_owned()
        }
        (serde_json::error::Category::Data, _) => format!(
            "not a HistoryLine at column {column}: a field is unknown, given twice or of another type"
        ),
        (_, _) => format!("not JSON at column {column}: write one object a line"),
    }
}
