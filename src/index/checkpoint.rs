//! The checkpoint: the base in a file beside the store, so that a restart takes
//! seconds instead of minutes.
//!
//! ```text
//!  header   format, build, epoch, revision, digest of the state,
//!           position and SHA-256 of each part, MAC of all this
//!  parts    the slices and the links
//! ```
//!
//! It holds one revision: the overlay is merged while it is written. A
//! background thread ([`task`]) writes it under another name, syncs it, has the
//! store keep its digest and renames it. It is only a copy of the store: a
//! checkpoint that is not used is ignored, and the store is read.
//!
//! A checkpoint decides, so it is trusted no more than the store. It is used only if
//! 1. this user or root owns the file and its folder, and nobody else can write
//!    them ([`file`]),
//! 2. its MAC is one of this store ([`header`]), which covers every byte,
//! 3. it is of the store's history: its epoch, the times of its changes and the
//!    digest that the store keeps for its revision,
//! 4. the declarations that were read from it have that digest.
//!
//! 2 alone does not suffice: a copy of the store, such as a backup, has the key.
//! Its owner can edit the copy and have lupa write a checkpoint of it.

mod bytes;
mod file;
mod header;
pub(super) mod task;
mod unusable;

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::num::NonZero;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::watch;

use super::base::Base;
use super::digest::{DigestKey, StateDigest};
use super::key::SLICES;
use super::links::Links;
use super::load::LoadedIndex;
use super::merge::with_changes;
use super::slice::{Slice, SliceFull};
use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::store::{Change, Point, ReadError, Revision, Store, WriteError};

pub(super) use bytes::{ByteReader, ByteWriter};
use header::{BUILD, CheckpointHeader, CheckpointKey, CheckpointPart, PARTS};
pub use unusable::CheckpointRefusal;
pub(super) use unusable::{RefusalCounts, Unusable};

/// Why a checkpoint could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckpointError {
    #[error("the file cannot be written: check that the disk has room and that lupa may write there")]
    File(#[from] io::Error),
    #[error(
        "another user can write in its folder: take that right away (`chmod go-w`) or set index.checkpoint_path \
         to a folder of lupa's own"
    )]
    Folder,
    #[error(transparent)]
    SliceFull(#[from] SliceFull),
    #[error("the store could not record its digest: lupa tries again with the next checkpoint")]
    Store(#[from] WriteError),
}

/// Writes a snapshot. Returns the number of bytes; none if it was stopped. Blocks.
pub(super) fn write(
    path: &Path,
    snapshot: &Snapshot,
    store: &Store,
    stopped: &watch::Receiver<bool>,
) -> Result<Option<u64>, CheckpointError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    file::check_folder(path)?;
    let write = || {
        let Some((header, bytes)) = write_new(new, snapshot, store, stopped)? else { return Ok(None) };
        // Before the rename: otherwise a crash in between would leave a checkpoint that is not used.
        let mut stopped = stopped.clone();
        let recorded = futures_executor::block_on(async {
            tokio::select! {
                recorded = store.record_checkpoint(header.record()) => recorded.map(Some),
                _ = stopped.wait_for(|stopped| *stopped) => Ok(None),
            }
        })?;
        if recorded.is_none() {
            return Ok(None);
        }
        file::put_in_place(new, path)?;
        Ok(Some(bytes))
    };
    let result: Result<Option<u64>, CheckpointError> = write();
    // An unfinished file takes disk space that the store needs.
    file::remove(new)?;
    result
}

/// Writes the file. Returns its header and length; none if it was stopped.
fn write_new(
    new: &Path,
    snapshot: &Snapshot,
    store: &Store,
    stopped: &watch::Receiver<bool>,
) -> Result<Option<(CheckpointHeader, u64)>, CheckpointError> {
    let mut file = BufWriter::with_capacity(1 << 20, file::create(new)?);
    let mut header = CheckpointHeader::of(snapshot);
    let mut at = CheckpointHeader::LENGTH as u64;
    file.seek(SeekFrom::Start(at))?;
    let mut changed: Vec<Vec<&ClientId>> = vec![Vec::new(); SLICES];
    for client in snapshot.overlay.keys() {
        if let Some(of_slice) = changed.get_mut(snapshot.hash(client).slice()) {
            of_slice.push(client);
        }
    }
    let mut slices = snapshot.base.slices().iter().zip(&changed);
    for _ in 0..PARTS {
        if *stopped.borrow() {
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
        let part = CheckpointPart::of(at, &body);
        at += part.length;
        header.parts.push(part);
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header.bytes(&CheckpointKey::of(store)))?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(Some((header, at)))
}

/// Reads the checkpoint at a path, if there is one and it can be trusted.
pub(super) fn read(
    path: &Path,
    store: &Store,
    digest_key: &DigestKey,
) -> Result<Option<LoadedIndex>, Unusable> {
    let Some(mut file) = file::open(path)? else { return Ok(None) };
    let header = CheckpointHeader::read(&mut file, &CheckpointKey::of(store))?;
    let CheckpointHeader { point, recorded_at, directory_revision, seed, digest, .. } = header;
    if !store.lineage().contains(point) {
        return Err(of_another_epoch(point, recorded_at, store)?);
    }
    let (directory, directory_recorded_at) = match directory_revision {
        Revision(0) => (Arc::default(), None),
        revision => match change_at(store, revision)? {
            Some(Change::Directory { directory, recorded_at, .. }) => {
                (Arc::new(directory), Some(recorded_at))
            }
            _ => return Err(CheckpointRefusal::History.into()),
        },
    };
    if recorded_at != recorded_up_to(point.revision, store)? {
        return Err(CheckpointRefusal::History.into());
    }
    match store.checkpoint_digest(point, BUILD)? {
        None => return Err(Unusable::OlderThanKept),
        Some(kept) if kept != digest.number() => return Err(CheckpointRefusal::StoreDigest.into()),
        Some(_) => {}
    }
    let (slices, declared) = read_slices(&file, &header, digest_key)?;
    let links = read_part(&file, &header, SLICES)?;
    let links = Links::read(&mut ByteReader::new(&links)).ok_or(CheckpointRefusal::Damaged)?;
    if declared.plus(links.digest(digest_key)).plus(digest_key.directory(&directory)) != digest {
        return Err(CheckpointRefusal::StateDigest.into());
    }
    let base = Base::of(seed, slices).ok_or(CheckpointRefusal::Damaged)?;
    let revision = point.revision;
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

/// Why a checkpoint of an epoch that the store does not continue so far is not used. This store has written it,
/// so it has lost what is no longer there: at least the changes above the common ones, or above its head.
fn of_another_epoch(
    point: Point,
    recorded_at: Option<Instant>,
    store: &Store,
) -> Result<Unusable, ReadError> {
    if recorded_up_to(point.revision, store)? == recorded_at {
        return Ok(Unusable::OtherEpoch);
    }
    let (lineage, Revision(head)) = store.head()?;
    let above_head = point.revision.0.saturating_sub(head);
    Ok(Unusable::Lost(lineage.lost_up_to(point).max(above_head).max(1)))
}

/// When the last change up to a revision was recorded; none for the empty store, or if it ends before.
fn recorded_up_to(revision: Revision, store: &Store) -> Result<Option<Instant>, ReadError> {
    match revision {
        Revision(0) => Ok(None),
        revision => Ok(change_at(store, revision)?.map(|change| change.recorded_at())),
    }
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
    let part = header.parts.get(number).ok_or(CheckpointRefusal::Damaged)?;
    let length = usize::try_from(part.length).map_err(|_| CheckpointRefusal::Damaged)?;
    let mut body = vec![0; length];
    file.read_exact_at(&mut body, part.at).map_err(|error| {
        let is_cut = error.kind() == io::ErrorKind::UnexpectedEof;
        if is_cut { CheckpointRefusal::Damaged.into() } else { Unusable::File(error) }
    })?;
    if part.is(&body) { Ok(body) } else { Err(CheckpointRefusal::Damaged.into()) }
}

/// Reads the slices, and computes the digest of every declaration in them.
fn read_slices(
    file: &File,
    header: &CheckpointHeader,
    digest_key: &DigestKey,
) -> Result<(Vec<Arc<Slice>>, StateDigest), Unusable> {
    let next = AtomicUsize::new(0);
    let read_some = || -> Result<Vec<(usize, Arc<Slice>, StateDigest)>, Unusable> {
        let mut read = Vec::new();
        while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < SLICES)
        {
            let body = read_part(file, header, number)?;
            let slice = Slice::read(&mut ByteReader::new(&body), number, header.seed)
                .ok_or(CheckpointRefusal::Damaged)?;
            let digest = digest_key.slice(&slice);
            read.push((number, Arc::new(slice), digest));
        }
        Ok(read)
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut slices = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(read_some)).collect();
        let joined =
            running.into_iter().map(|thread| thread.join().map_err(|_| CheckpointRefusal::Damaged)?);
        joined.collect::<Result<Vec<_>, Unusable>>()
    })?
    .concat();
    slices.sort_by_key(|(number, ..)| *number);
    let digest = slices.iter().map(|(.., digest)| *digest).sum();
    Ok((slices.into_iter().map(|(_, slice, _)| slice).collect(), digest))
}
