//! Reads the write-ahead log as SQLite's recovery does, before SQLite opens it.
//!
//! Recovery applies frames up to the first one whose salts or checksum do not match, and drops the rest
//! without an error. That is right for the transaction that a power cut interrupted: it was not synced,
//! so nothing of it was acknowledged. It is a loss if the frames behind the bad one are of commits that
//! were synced. The writer syncs each commit before it starts the next one, so the frames of at most one
//! commit can be incomplete:
//!
//! ```text
//!  commits with the log's salts behind the first bad frame
//!    none   the log is sound: it ends there
//!    one    that of the interrupted transaction, or an acknowledged one: the watermark shows which
//!    more   all but the last were synced: the log is damaged
//! ```
//!
//! Format: <https://www.sqlite.org/fileformat2.html#walformat>.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::file::{beside, file_error};
use crate::store::error::OpenError;

pub(super) const HEADER_BYTES: u64 = 32;
pub(super) const FRAME_HEADER_BYTES: u64 = 24;

/// The magic number of a log, without its last bit, which gives the byte order of the checksums.
pub(super) const MAGIC: u32 = 0x377F_0682;

/// Maximum number of scans of a log that another process writes meanwhile.
const SCANS_MAX: usize = 100;

/// What recovery makes of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogState {
    /// It applies every commit in the log.
    Sound,
    /// It drops one commit at the end.
    TornTail,
    /// It drops commits that were synced.
    Damaged {
        /// The first bad frame, from 1; 0 is the header of the log.
        frame: u64,
        /// The number of dropped commits.
        commits: u64,
    },
}

/// One pass over the log.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Scan {
    salts: [u8; 8],
    state: LogState,
    bad_frame: u64,
}

/// Reads the log of a store. Another process may be writing it.
pub(super) fn read(path: &Path) -> Result<LogState, OpenError> {
    let log = beside(path, "-wal");
    let scan = || match File::open(&log) {
        Ok(log) => scan(&log),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let scan = || scan().map_err(|source| file_error("read", &log, source));
    let mut found = scan()?;
    for _ in 0..SCANS_MAX {
        // A frame that was being written is complete in the next scan, and the next one is bad.
        if found.is_none_or(|scan| scan.state == LogState::Sound) {
            return Ok(LogState::Sound);
        }
        let again = scan()?;
        if again == found {
            break;
        }
        found = again;
    }
    Ok(found.map_or(LogState::Sound, |scan| scan.state))
}

/// `None` if the log has no frame.
fn scan(log: &File) -> io::Result<Option<Scan>> {
    let mut header = [0; HEADER_BYTES as usize];
    if !read_at(log, &mut header, 0)? {
        return Ok(None);
    }
    let page_bytes = word(&header, 8);
    let is_little_endian = word(&header, 0) & 1 == 0;
    let mut checksum = Checksum { sums: [0, 0], is_little_endian };
    checksum.add(header.get(..24).unwrap_or_default());
    let is_page_size = page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes);
    if word(&header, 0) & !1 != MAGIC || !is_page_size || !checksum.is(&header, 24) {
        return scan_without_header(log);
    }
    let salts = array(&header, 16);
    let frame_bytes = FRAME_HEADER_BYTES + u64::from(page_bytes);
    let mut frame = vec![0; usize::try_from(frame_bytes).map_err(io::Error::other)?];
    let mut number = 1;
    while read_at(log, &mut frame, offset(number, frame_bytes))? {
        let (frame_header, page) = frame.split_at(FRAME_HEADER_BYTES as usize);
        let mut next = checksum;
        next.add(frame_header.get(..8).unwrap_or_default());
        next.add(page);
        if array::<8>(frame_header, 8) != salts || word(frame_header, 0) == 0 || !next.is(frame_header, 16) {
            break;
        }
        checksum = next;
        number += 1;
    }
    let state = match commits_from(log, number, frame_bytes, salts)? {
        0 => LogState::Sound,
        1 => LogState::TornTail,
        commits => LogState::Damaged { frame: number, commits },
    };
    Ok(Some(Scan { salts, state, bad_frame: number }))
}

/// A log with a damaged header: SQLite drops all of it. The header is synced before the first frame, so a
/// power cut does not leave such a log. The frames have the salts of the first one.
fn scan_without_header(log: &File) -> io::Result<Option<Scan>> {
    let mut salts = [0; 8];
    if !read_at(log, &mut salts, HEADER_BYTES + 8)? || salts == [0; 8] {
        return Ok(None);
    }
    let mut commits = 0;
    // The size of a page is not known: each power of two is tried.
    for page_bytes in (9..=16).map(|power| 1 << power) {
        commits = commits.max(commits_from(log, 1, FRAME_HEADER_BYTES + page_bytes, salts)?);
    }
    let state = if commits == 0 { LogState::Sound } else { LogState::Damaged { frame: 0, commits } };
    Ok(Some(Scan { salts, state, bad_frame: 0 }))
}

/// The number of commits with these salts from a frame on.
fn commits_from(log: &File, mut number: u64, frame_bytes: u64, salts: [u8; 8]) -> io::Result<u64> {
    let mut commits = 0;
    let mut header = [0; FRAME_HEADER_BYTES as usize];
    while read_at(log, &mut header, offset(number, frame_bytes))? {
        // The last frame of a commit has the length of the database.
        let is_commit = word(&header, 0) != 0 && word(&header, 4) != 0 && array::<8>(&header, 8) == salts;
        commits += u64::from(is_commit);
        number += 1;
    }
    Ok(commits)
}

fn offset(frame: u64, frame_bytes: u64) -> u64 {
    HEADER_BYTES + (frame - 1) * frame_bytes
}

/// The checksum of a log, over all frames up to one.
#[derive(Clone, Copy)]
struct Checksum {
    sums: [u32; 2],
    is_little_endian: bool,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let number = |bytes| {
            if self.is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
        };
        let [mut first, mut second] = self.sums;
        for &[a, b, c, d, e, f, g, h] in bytes.as_chunks::<8>().0 {
            first = first.wrapping_add(number([a, b, c, d])).wrapping_add(second);
            second = second.wrapping_add(number([e, f, g, h])).wrapping_add(first);
        }
        self.sums = [first, second];
    }

    /// Whether it is the one in a header.
    fn is(self, header: &[u8], at: usize) -> bool {
        self.sums == [word(header, at), word(header, at + 4)]
    }
}

/// The number at an offset of a header. Headers have a fixed length, so it is there.
fn word(header: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(header, at))
}

fn array<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    header.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// Fills a buffer from an offset; `false` if the file ends before.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, at) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
