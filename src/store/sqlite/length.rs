//! Whether the file is as long as it says: told from its header and from the
//! log beside it, without reading the pages.
//!
//! A page that is not in the file is in the log, if the process ended while the
//! log was being copied into the file. Formats:
//! <https://www.sqlite.org/fileformat.html>, sections 1.3 and 4.1.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::connection::damaged;
use super::file::{beside, file_error};
use crate::store::error::StoreError;

const LOG_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;

/// The magic number of a log, but for its last bit, which tells the order of bytes.
const LOG_MAGIC: u32 = 0x377F_0682;

/// What the commits in a log amount to.
#[derive(Default)]
struct Logged {
    /// How many pages the database has after the last one.
    database_pages: u32,
    /// The pages in the log beyond a given one.
    pages: BTreeSet<u32>,
}

/// An error if pages of the file are missing.
pub(super) fn check(path: &Path) -> Result<(), StoreError> {
    let missing = missing(path).map_err(|source| file_error("read", path, source))?;
    match missing {
        0 => Ok(()),
        pages => Err(damaged(path, format!("{pages} pages are missing at its end"))),
    }
}

fn missing(path: &Path) -> io::Result<u32> {
    let file = File::open(path)?;
    let page_bytes = match read::<2>(&file, 16)?.map(u16::from_be_bytes) {
        Some(1) => 65_536,
        Some(bytes @ 512..) => u64::from(bytes),
        // Not even a header: SQLite says so.
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
    // The number of pages counts only if whoever wrote last wrote it too.
    let counts = read::<4>(&file, 24)? == read::<4>(&file, 92)?;
    let pages = read::<4>(&file, 28)?.map_or(0, u32::from_be_bytes);
    Ok(if counts { pages.saturating_sub(present) } else { 0 })
}

/// What is committed in a log; nothing if nothing is.
fn logged(log: &File, page_bytes: u64, beyond: u32) -> io::Result<Option<Logged>> {
    let salts = read::<8>(log, 16)?;
    if read::<4>(log, 0)?.is_none_or(|magic| u32::from_be_bytes(magic) & !1 != LOG_MAGIC) {
        return Ok(None);
    }
    let mut committed: Option<Logged> = None;
    let mut uncommitted = Vec::new();
    let mut at = LOG_HEADER_BYTES;
    // A frame with other salts is left from before the log was begun anew.
    while salts.is_some() && read::<8>(log, at + 8)? == salts {
        let (Some(page), Some(database_pages)) = (read(log, at)?, read(log, at + 4)?) else { break };
        let (page, database_pages) = (u32::from_be_bytes(page), u32::from_be_bytes(database_pages));
        if page > beyond {
            uncommitted.push(page);
        }
        // Only the last frame of a commit tells the length of the database.
        if database_pages > 0 {
            let logged = committed.get_or_insert_with(Logged::default);
            logged.database_pages = database_pages;
            logged.pages.extend(uncommitted.drain(..));
        }
        at += FRAME_HEADER_BYTES + page_bytes;
    }
    Ok(committed)
}

/// The bytes at a place; none if the file ends before.
fn read<const N: usize>(file: &File, at: u64) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
