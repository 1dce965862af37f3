//! Checks that the file has all its pages, from its header and the write-ahead log, without reading the
//! pages. It takes no time even for a large file.
//!
//! If the process ended during a checkpoint, a page that is missing in the file is in the log. Formats:
//! <https://www.sqlite.org/fileformat.html>, sections 1.3 and 4.1.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::connection::damaged;
use super::file::{beside, file_error};
use crate::store::error::OpenError;

const LOG_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;

/// The magic number of a log, without its last bit, which gives the byte order.
const LOG_MAGIC: u32 = 0x377F_0682;

/// The state after the last commit in a log.
#[derive(Default)]
struct Logged {
    /// Length of the database in pages.
    database_pages: u32,
    /// Pages in the log that are beyond the end of the file.
    pages: BTreeSet<u32>,
}

/// An error if pages are missing at the end of the file.
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    let missing = missing(path).map_err(|source| file_error("read", path, source))?;
    match missing {
        0 => Ok(()),
        pages => Err(damaged(path, format!("{pages} pages are missing at its end")).into()),
    }
}

fn missing(path: &Path) -> io::Result<u32> {
    let file = File::open(path)?;
    let page_bytes = match read::<2>(&file, 16)?.map(u16::from_be_bytes) {
        Some(1) => 65_536,
        Some(bytes @ 512..) => u64::from(bytes),
        // Shorter than a header: SQLite reports that itself.
        Some(_) | None => return Ok(0),
    };
    let present = u32::try_from(file.metadata()?.len() / page_bytes).unwrap_or(u32::MAX);
    let logged = match File::open(beside(path, "-wal")) {
        Ok(log) => logged(&log, page_bytes, present)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(Logged { database_pages, pages }) = logged {
        let found = pages.range(..=database_pages).count();
        return Ok(database_pages.saturating_sub(present).saturating_sub(u32::try_from(found).unwrap_or(0)));
    }
    // The length in the header is valid only if the last writer updated it too.
    let counts = read::<4>(&file, 24)? == read::<4>(&file, 92)?;
    let pages = read::<4>(&file, 28)?.map_or(0, u32::from_be_bytes);
    Ok(if counts { pages.saturating_sub(present) } else { 0 })
}

/// The state after the last commit in a log; `None` if there is no commit.
fn logged(log: &File, page_bytes: u64, beyond: u32) -> io::Result<Option<Logged>> {
    let salts = read::<8>(log, 16)?;
    if read::<4>(log, 0)?.is_none_or(|magic| u32::from_be_bytes(magic) & !1 != LOG_MAGIC) {
        return Ok(None);
    }
    let mut committed: Option<Logged> = None;
    let mut uncommitted = Vec::new();
    let mut at = LOG_HEADER_BYTES;
    // A frame with other salts is of an earlier use of the log file.
    while salts.is_some() && read::<8>(log, at + 8)? == salts {
        let (Some(page), Some(database_pages)) = (read(log, at)?, read(log, at + 4)?) else { break };
        let (page, database_pages) = (u32::from_be_bytes(page), u32::from_be_bytes(database_pages));
        if page > beyond {
            uncommitted.push(page);
        }
        // Only the last frame of a commit has the length of the database.
        if database_pages > 0 {
            let logged = committed.get_or_insert_with(Logged::default);
            logged.database_pages = database_pages;
            logged.pages.extend(uncommitted.drain(..));
        }
        at += FRAME_HEADER_BYTES + page_bytes;
    }
    Ok(committed)
}

/// The bytes at an offset; `None` if the file ends before.
fn read<const N: usize>(file: &File, at: u64) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
