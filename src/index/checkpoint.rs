//! The checkpoint: the base in a file beside the store, so that a restart takes
//! seconds instead of minutes.
//!
//! ```text
//!  header   format, build, epoch, revision, position of each part, SHA-256
//!  parts    the slices and the links, each with the SHA-256 of the header's nonce,
//!           its number and its bytes
//! ```
//!
//! It holds one revision: the overlay is merged while it is written. A
//! background thread ([`task`]) writes it under another name, syncs it and
//! renames it. It is only a copy of the store: a checkpoint that is damaged,
//! of another store or of another build is ignored, and the store is read.

mod bytes;
mod header;
pub(super) mod task;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::num::NonZero;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::base::Base;
use super::key::SLICES;
use super::links::Links;
use super::load::LoadedIndex;
use super::merge::with_changes;
use super::slice::{Slice, SliceFull};
use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;
use crate::store::{Change, Point, ReadError, Revision, Store};

pub(super) use bytes::{ByteReader, ByteWriter};
use header::{CheckpointHeader, PARTS};

/// Only the owner may read it: it holds the same personal data as the store.
const FILE_MODE: u32 = 0o600;

const DIGEST_BYTES: usize = 32;

/// Why a checkpoint could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckpointError {
    #[error("the file cannot be written: check that the disk has room and that lupa may write there")]
    File(#[from] io::Error),
    #[error(transparent)]
    SliceFull(#[from] SliceFull),
}

/// Why a checkpoint is ignored.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("it cannot be read")]
    File(#[from] io::Error),
    #[error("it is damaged, cut short or of another version of lupa")]
    Damaged,
    #[error("it is of another store")]
    OtherStore,
    #[error("it disagrees with the store's history")]
    OtherHistory,
    #[error("the store cannot be read to verify it")]
    Store(#[from] ReadError),
}

/// Writes a snapshot. Returns the number of bytes; none if it was cancelled.
pub(super) fn write(
    path: &Path,
    snapshot: &Snapshot,
    is_stopped: &AtomicBool,
) -> Result<Option<u64>, CheckpointError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    // A file left by another process may be a link, or readable by others.
    remove(new)?;
    let write = || {
        let written = write_new(new, snapshot, is_stopped)?;
        if written.is_some() {
            fs::rename(new, path)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(written)
    };
    let result: Result<Option<u64>, CheckpointError> = write();
    // An unfinished file takes disk space that the store needs.
    remove(new)?;
    result
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_new(
    new: &Path,
    snapshot: &Snapshot,
    is_stopped: &AtomicBool,
) -> Result<Option<u64>, CheckpointError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(FILE_MODE).open(new)?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let mut header = CheckpointHeader::of(snapshot);
    let mut at = header.bytes().len() as u64;
    file.seek(SeekFrom::Start(at))?;
    let mut changed: Vec<Vec<&ClientId>> = vec![Vec::new(); SLICES];
    for client in snapshot.overlay.keys() {
        if let Some(of_slice) = changed.get_mut(snapshot.hash(client).slice()) {
            of_slice.push(client);
        }
    }
    let mut slices = snapshot.base.slices().iter().zip(&changed);
    for number in 0..PARTS {
        if is_stopped.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut writer = ByteWriter::default();
        match slices.next() {
            Some((slice, changed)) if changed.is_empty() => slice.write(&mut writer),
            Some((slice, changed)) => {
                with_changes(snapshot, slice, changed.iter().copied())?.write(&mut writer);
            }
            None => snapshot.links.write(&mut writer),
        }
        let body = writer.into_bytes();
        file.write_all(&body)?;
        file.write_all(&header.digest_of(number, &body))?;
        header.parts.push((at, body.len() as u64));
        at += (body.len() + DIGEST_BYTES) as u64;
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header.bytes())?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(Some(at))
}

/// Reads the checkpoint at a path, if there is one and it is of this store.
pub(super) fn read(path: &Path, store: &Store) -> Result<Option<LoadedIndex>, Unusable> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let header = CheckpointHeader::read(&mut file)?.ok_or(Unusable::Damaged)?;
    if !store.lineage().contains(Point { epoch: header.epoch, revision: header.revision }) {
        return Err(Unusable::OtherStore);
    }
    let (directory, directory_recorded_at) = match header.directory_revision {
        Revision(0) => (Arc::default(), None),
        revision => match change_at(store, revision)? {
            Some(Change::Directory { directory, recorded_at, .. }) => {
                (Arc::new(directory), Some(recorded_at))
            }
            _ => return Err(Unusable::OtherHistory),
        },
    };
    let recorded_at = match header.revision {
        Revision(0) => None,
        revision => change_at(store, revision)?.map(|change| change.recorded_at()),
    };
    if recorded_at != header.recorded_at {
        return Err(Unusable::OtherHistory);
    }
    let slices = read_slices(&file, &header)?;
    let links = read_part(&file, &header, SLICES)?;
    let links = Links::read(&mut ByteReader::new(&links)).ok_or(Unusable::Damaged)?;
    let base = Base::of(header.seed, slices).ok_or(Unusable::Damaged)?;
    let CheckpointHeader { revision, directory_revision, digest, .. } = header;
    Ok(Some(LoadedIndex {
        base,
        directory,
        directory_revision,
        directory_recorded_at,
        revision,
        recorded_at,
        digest,
        links,
    }))
}

/// The change at a revision; none if the store does not reach it.
fn change_at(store: &Store, Revision(revision): Revision) -> Result<Option<Change>, ReadError> {
    match store.changes_since(Revision(revision.saturating_sub(1)), 1) {
        Ok(changes) => Ok(changes.into_iter().next()),
        Err(ReadError::WentBack { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the bytes of a part; an error unless they are those that were written.
fn read_part(file: &File, header: &CheckpointHeader, number: usize) -> Result<Vec<u8>, Unusable> {
    let (at, length) = *header.parts.get(number).ok_or(Unusable::Damaged)?;
    let length = usize::try_from(length).map_err(|_| Unusable::Damaged)?;
    let mut body = vec![0; length.saturating_add(DIGEST_BYTES)];
    file.read_exact_at(&mut body, at).map_err(|_| Unusable::Damaged)?;
    let digest = body.split_off(length);
    if header.digest_of(number, &body) == *digest { Ok(body) } else { Err(Unusable::Damaged) }
}

fn read_slices(file: &File, header: &CheckpointHeader) -> Result<Vec<Arc<Slice>>, Unusable> {
    let next = AtomicUsize::new(0);
    let read_some = || -> Result<Vec<(usize, Arc<Slice>)>, Unusable> {
        let mut read = Vec::new();
        while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < SLICES)
        {
            let body = read_part(file, header, number)?;
            let slice =
                Slice::read(&mut ByteReader::new(&body), number, header.seed).ok_or(Unusable::Damaged)?;
            read.push((number, Arc::new(slice)));
        }
        Ok(read)
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut slices = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(read_some)).collect();
        let joined = running.into_iter().map(|thread| thread.join().map_err(|_| Unusable::Damaged)?);
        joined.collect::<Result<Vec<_>, Unusable>>()
    })?
    .concat();
    slices.sort_by_key(|(number, _)| *number);
    Ok(slices.into_iter().map(|(_, slice)| slice).collect())
}
