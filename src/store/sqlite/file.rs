//! The file of the store, as far as it is told without SQLite: whose it is,
//! whether it is whole, and that nobody else has it open.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::connection::damaged;
use crate::store::error::StoreError;
use crate::store::hired::Lock;

/// `LUPA`, in the header of every store.
const APPLICATION_ID: u32 = 0x4C55_5041;

/// The beginning of an SQLite file, see <https://www.sqlite.org/fileformat.html>.
const HEADER_BYTES: usize = 72;
const HEADER_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Owner only: the store holds health data and a key.
const NEW_FILE_MODE: u32 = 0o600;

/// The path without links and dots, of a file that need not exist.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, StoreError> {
    let canonical = || -> io::Result<PathBuf> {
        if path.try_exists()? {
            return fs::canonicalize(path);
        }
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let directory = path.parent().filter(|parent| *parent != OsStr::new(""));
        Ok(fs::canonicalize(directory.unwrap_or(Path::new(".")))?.join(name))
    };
    canonical().map_err(|source| file_error("find the directory of", path, source))
}

/// The path with something added to the file's name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

/// How a file is opened that only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(NEW_FILE_MODE);
    options
}

/// The system releases the lock when the process ends, however it ends. The
/// file stays: to remove it would let two processes lock two files.
pub(super) fn lock(path: &Path) -> Result<Lock, StoreError> {
    let lock_path = beside(path, ".lock");
    let lock =
        private().create(true).open(&lock_path).map_err(|source| file_error("make", &lock_path, source))?;
    Lock::of(lock).map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::InUse { path: path.to_owned() },
        TryLockError::Error(source) => file_error("lock", &lock_path, source),
    })
}

/// Tells another's file before SQLite touches it, and one that was cut short
/// within its last page, which SQLite would fill up with zeros.
pub(super) fn check_header(path: &Path) -> Result<(), StoreError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let read = |header: &mut Vec<u8>| -> io::Result<u64> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        file.take(HEADER_BYTES as u64).read_to_end(header)?;
        Ok(length)
    };
    let length = read(&mut header).map_err(|source| file_error("read", path, source))?;
    if header.is_empty() {
        return Err(damaged(path, "it is empty".to_owned()));
    }
    if !header.starts_with(HEADER_MAGIC) {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    let (Some(page_bytes), Some(application_id)) = (field(&header, 16), field(&header, 68)) else {
        return Err(damaged(path, "it ends within its header".to_owned()));
    };
    if u32::from_be_bytes(application_id) != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    // A crash while the log is copied into the file leaves the log as well.
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let whole_pages = match u16::from_be_bytes(page_bytes) {
        1 => length.is_multiple_of(65_536),
        page_bytes => length.is_multiple_of(page_bytes.into()),
    };
    if whole_pages || has_log { Ok(()) } else { Err(damaged(path, "it ends within a page".to_owned())) }
}

/// The bytes of the header from a place on.
fn field<const N: usize>(header: &[u8], at: usize) -> Option<[u8; N]> {
    header.get(at..)?.first_chunk().copied()
}

/// Syncs a file that is whole and gives it its name.
pub(super) fn put_in_place(new: &Path, path: &Path) -> Result<(), StoreError> {
    let sync = |path: &Path| {
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|source| file_error("keep", path, source))
    };
    sync(new)?;
    fs::rename(new, path).map_err(|source| file_error("make", path, source))?;
    sync(path.parent().unwrap_or(Path::new(".")))
}

/// What it means that the system refused something.
pub(super) fn file_error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { what, path: path.to_owned(), source }
}
