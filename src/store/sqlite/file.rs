//! Checks and locks of the store's file before SQLite opens it: which application it belongs to, whether
//! it is complete, and that no other process writes it.
//!
//! A symbolic link is followed to the file that it names, and all other files of the store lie beside that
//! file. A link that leads nowhere is refused: a new store in its place would hide that the file is gone.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::connection::damaged;
use crate::store::error::{OpenError, ReadError};
use crate::store::writer::Lock;

/// `LUPA`, in the header of every store.
const APPLICATION_ID: u32 = 0x4C55_5041;

/// Length of the checked part of the header, see <https://www.sqlite.org/fileformat.html>.
const HEADER_BYTES: usize = 72;
const HEADER_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Readable by the owner only: the store contains health data and a key.
const NEW_FILE_MODE: u32 = 0o600;

/// The canonical path of a file that need not exist.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, OpenError> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if is_link && !exists(path)? {
        return Err(OpenError::DanglingLink { link: path.to_owned() });
    }
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

pub(super) fn exists(path: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(|source| file_error("find", path, source))
}

/// The path with a suffix appended to the file's name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

/// Options that create a file which only its owner can read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(NEW_FILE_MODE);
    options
}

/// Locks the path of a store, which need not exist. The operating system releases the lock when the
/// process ends, for whatever reason. The lock file stays: if it were removed, two processes could lock two
/// different files.
pub(super) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let lock_path = beside(path, ".lock");
    let lock =
        private().create(true).open(&lock_path).map_err(|source| file_error("make", &lock_path, source))?;
    try_lock(lock, path)
}

/// Locks the file itself, which may have another name: that of a bind mount, or one from before a rename.
/// The lock is flock(2), which does not concern the locks that SQLite takes with fcntl(2). But closing any
/// descriptor of the file releases those of this process, so the caller holds the lock of the path first,
/// which keeps this process from opening a file that it has open, and drops this one after the connections.
/// See <https://www.sqlite.org/howtocorrupt.html>, section 2.2.
pub(super) fn lock_file(path: &Path) -> Result<Lock, OpenError> {
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    try_lock(file, path)
}

fn try_lock(file: File, path: &Path) -> Result<Lock, OpenError> {
    Lock::of(file).map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse { path: path.to_owned() },
        TryLockError::Error(source) => file_error("lock", path, source),
    })
}

/// Rejects a file of another application before SQLite changes it, and one that was cut short within its
/// last page, which SQLite would fill with zeros.
pub(super) fn check_header(path: &Path) -> Result<(), OpenError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let read = |header: &mut Vec<u8>| -> io::Result<u64> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        file.take(HEADER_BYTES as u64).read_to_end(header)?;
        Ok(length)
    };
    let length = read(&mut header).map_err(|source| file_error("read", path, source))?;
    if header.is_empty() {
        return Err(damaged(path, "it is empty".to_owned()).into());
    }
    if !header.starts_with(HEADER_MAGIC) {
        return Err(ReadError::NotAStore { path: path.to_owned() }.into());
    }
    let (Some(page_bytes), Some(application_id)) = (field(&header, 16), field(&header, 68)) else {
        return Err(damaged(path, "it ends within its header".to_owned()).into());
    };
    if u32::from_be_bytes(application_id) != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    // After a crash during a checkpoint the file may end within a page; the log then still has that page.
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let whole_pages = match u16::from_be_bytes(page_bytes) {
        1 => length.is_multiple_of(65_536),
        page_bytes => length.is_multiple_of(page_bytes.into()),
    };
    if whole_pages || has_log {
        Ok(())
    } else {
        Err(damaged(path, "it ends within a page".to_owned()).into())
    }
}

/// The bytes at an offset of the header.
fn field<const N: usize>(header: &[u8], at: usize) -> Option<[u8; N]> {
    header.get(at..)?.first_chunk().copied()
}

/// Syncs a complete file and renames it.
pub(super) fn put_in_place(new: &Path, path: &Path) -> Result<(), OpenError> {
    let sync = |path: &Path| {
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|source| file_error("keep", path, source))
    };
    sync(new)?;
    fs::rename(new, path).map_err(|source| file_error("make", path, source))?;
    sync(path.parent().unwrap_or(Path::new(".")))
}

pub(super) fn file_error(what: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::File { what, path: path.to_owned(), source }
}
