//! The file of the checkpoint: who may have written it, and how it is replaced.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{CheckpointError, CheckpointRefusal, Unusable};

/// Only the owner may read it: it holds the same personal data as the store.
const FILE_MODE: u32 = 0o600;

/// The permissions of the group and of others to write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

const ROOT: u32 = 0;

/// Opens the file at a path to read it; `None` if there is none. A link is not followed. It is refused if
/// others than this user and root could have written it.
pub(super) fn open(path: &Path) -> Result<Option<File>, Unusable> {
    let name = path.file_name().ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
    let folder = match open_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        folder => folder?,
    };
    // A FIFO in its place would block without `NONBLOCK`; a file is read as without it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        // A link, and a socket.
        Err(Errno::LOOP | Errno::NXIO) => return Err(CheckpointRefusal::File.into()),
        file => File::from(file.map_err(io::Error::from)?),
    };
    if !is_own(&folder.metadata()?) {
        return Err(CheckpointRefusal::Folder.into());
    }
    let metadata = file.metadata()?;
    if metadata.is_file() && is_own(&metadata) { Ok(Some(file)) } else { Err(CheckpointRefusal::File.into()) }
}

/// An error if a checkpoint in the folder of this path would be refused.
pub(super) fn check_folder(path: &Path) -> Result<(), CheckpointError> {
    if is_own(&open_folder(path)?.metadata()?) { Ok(()) } else { Err(CheckpointError::Folder) }
}

fn open_folder(path: &Path) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder_of(path), flags, Mode::empty())?.into())
}

/// Whether only this user and root can write it: in a folder in which others can, they can replace files.
fn is_own(metadata: &Metadata) -> bool {
    let is_owner = [geteuid().as_raw(), ROOT].contains(&metadata.uid());
    is_owner && metadata.mode() & WRITABLE_BY_OTHERS == 0
}

/// Creates the file that becomes the checkpoint.
pub(super) fn create(new: &Path) -> io::Result<File> {
    // A file left by another process may be a link, or readable by others.
    remove(new)?;
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(new)
}

/// Makes a complete file the checkpoint.
pub(super) fn put_in_place(new: &Path, path: &Path) -> io::Result<()> {
    fs::rename(new, path)?;
    File::open(folder_of(path))?.sync_all()
}

/// Removes a file, if there is one.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != OsStr::new("")).unwrap_or(Path::new("."))
}
