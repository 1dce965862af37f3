//! Checks that only this user may change the files of a store, and that each has one name.
//!
//! - A file with a second name (hard link) is refused: SQLite names the log by the path, so each name would
//!   have a log of its own.
//! - Files and folders that their group or others may write are refused, unless
//!   `store.allow_writable_by_others` is set. In a folder with the sticky bit, such as `/tmp`, other users may
//!   create files but not replace existing ones: there each file must belong to this user or to root.
//!
//! Folders: that of the file, and that of each symbolic link on the way to it.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::file::{beside, file_error};
use super::watermark;
use crate::store::error::OpenError;

const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;
const PERMISSIONS: u32 = 0o7777;

/// The files of a store, by their suffixes.
const SUFFIXES: [&str; 6] = ["", "-wal", "-shm", "-journal", ".lock", watermark::SUFFIX];

/// Maximum number of symbolic links that are followed, as in Linux.
const LINKS_MAX: usize = 40;

/// Checks the files of a store, which need not exist, and their folders. `named` is its path as configured,
/// and `path` its canonical path.
pub(super) fn check(named: &Path, path: &Path, allow_writable_by_others: bool) -> Result<(), OpenError> {
    for link in links(named)? {
        if check_folder(&link, allow_writable_by_others)? && !allow_writable_by_others {
            check_owner(link)?;
        }
    }
    let is_sticky = check_folder(path, allow_writable_by_others)?;
    for suffix in SUFFIXES {
        let file = beside(path, suffix);
        let Some(found) = find(&file)? else { continue };
        if found.is_symlink() {
            return Err(OpenError::LinkedFile { file });
        }
        if found.is_file() && found.nlink() > 1 {
            return Err(OpenError::SeveralNames { file, names: found.nlink() });
        }
        if allow_writable_by_others {
            continue;
        }
        if found.mode() & WRITABLE_BY_OTHERS != 0 {
            return Err(OpenError::WritableByOthers { path: file, mode: found.mode() & PERMISSIONS });
        }
        if is_sticky {
            check_owner(file)?;
        }
    }
    Ok(())
}

/// Checks the folder of a file. Returns whether all users may create files there.
fn check_folder(file: &Path, allow_writable_by_others: bool) -> Result<bool, OpenError> {
    let folder = file.parent().filter(|folder| *folder != OsStr::new("")).unwrap_or(Path::new("."));
    let mode = fs::metadata(folder).map_err(|source| file_error("read", folder, source))?.mode();
    let is_writable = mode & WRITABLE_BY_OTHERS != 0;
    if is_writable && mode & STICKY == 0 && !allow_writable_by_others {
        return Err(OpenError::WritableByOthers { path: folder.to_owned(), mode: mode & PERMISSIONS });
    }
    Ok(is_writable)
}

/// Checks that a file or link belongs to this user or to root.
fn check_owner(file: PathBuf) -> Result<(), OpenError> {
    let is_trusted = |owner| owner == 0 || owner == rustix::process::geteuid().as_raw();
    if find(&file)?.is_none_or(|found| is_trusted(found.uid())) {
        return Ok(());
    }
    Err(OpenError::OtherOwner { file })
}

/// The symbolic links that a path leads through.
fn links(named: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let mut links = Vec::new();
    let mut path = named.to_owned();
    while links.len() < LINKS_MAX && find(&path)?.is_some_and(|found| found.is_symlink()) {
        let target = fs::read_link(&path).map_err(|source| file_error("read", &path, source))?;
        let next = path.parent().unwrap_or(Path::new("")).join(target);
        links.push(std::mem::replace(&mut path, next));
    }
    Ok(links)
}

/// Of the file or link itself.
fn find(file: &Path) -> Result<Option<Metadata>, OpenError> {
    match fs::symlink_metadata(file) {
        Ok(found) => Ok(Some(found)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error("read", file, source)),
    }
}
