//! The watermark: a small file beside the store, outside of SQLite, that names the last acknowledged
//! commit. A file that ends before its watermark has lost acknowledged changes.
//!
//! The writer raises it after a commit is synced and before it replies, by one write of [`SLOT_BYTES`]
//! bytes that is not synced by itself. The write takes 0.7 µs; with a sync it takes 115 µs (median, ext4), as
//! long as the sync of the commit. So the watermark is never ahead of what is durable, it is exact while the
//! machine runs, whatever happens to the process and to the write-ahead log, and after a power cut it may
//! lag by the seconds that the operating system had not written back.
//!
//! Two slots are written in turn, so that a torn write leaves the one before. Each has a MAC with a key
//! derived from the store's secret: the watermark of another store does not count.
//!
//! ```text
//!  slot, at 0 and at 4096:  magic 8 │ epoch 16 │ revision 8 │ last viewing 8 │ HMAC-SHA-256 32
//! ```

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use hmac::{Hmac, Mac};
use rustix::fs::OFlags;
use sha2::Sha256;
use uuid::Uuid;

use super::file::{self, beside, file_error};
use super::new::remove;
use crate::store::change::{Epoch, Revision};
use crate::store::derived_key::{KeyPurpose, keyed};
use crate::store::error::OpenError;

pub(super) const SUFFIX: &str = ".watermark";

const MAGIC: &[u8; 8] = b"LUPAMARK";
const SIGNED_BYTES: usize = 40;
const SLOT_BYTES: usize = SIGNED_BYTES + 32;

/// Offsets of the slots. Each is in a block of its own.
const SLOTS: [u64; 2] = [0, 4_096];

/// A commit: the last change and the last viewing up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) epoch: Epoch,
    pub(super) revision: Revision,
    pub(super) viewing: u64,
}

/// What the file of the watermark holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundMark {
    Missing,
    /// No slot has a valid MAC.
    Unverified,
    Mark(Mark),
}

/// The watermark of a store that is open for writing.
pub(super) struct Watermark {
    file: File,
    key: Hmac<Sha256>,
    last: Mark,
    /// The slot that `last` is not in.
    next_slot: usize,
}

impl Watermark {
    /// Opens the file to raise the watermark. It is there and valid: the caller has checked it.
    pub(super) fn open(path: &Path, secret: &[u8; 32]) -> Result<Self, OpenError> {
        let watermark = beside(path, SUFFIX);
        let open = || {
            let file = no_follow().read(true).write(true).open(&watermark)?;
            let key = derived_key(secret);
            let (last, slot) = newest(&file, &key)?.ok_or(io::ErrorKind::InvalidData)?;
            Ok(Self { file, key, last, next_slot: 1 - slot })
        };
        open().map_err(|source| file_error("read", &watermark, source))
    }

    /// The last acknowledged commit.
    pub(super) fn last(&self) -> Mark {
        self.last
    }

    /// Raises the watermark. Call it after the commit is synced and before any reply.
    pub(super) fn raise(&mut self, mark: Mark) -> io::Result<()> {
        if mark == self.last {
            return Ok(());
        }
        let at = SLOTS.get(self.next_slot).copied().unwrap_or_default();
        self.file.write_all_at(&slot(mark, &self.key), at)?;
        self.last = mark;
        self.next_slot = 1 - self.next_slot;
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Creates the file, or replaces it as a whole, durably.
pub(super) fn create(path: &Path, secret: &[u8; 32], mark: Mark) -> Result<(), OpenError> {
    let watermark = beside(path, SUFFIX);
    let new = beside(&watermark, ".new");
    remove(&new)?;
    let write = || {
        let file = file::private().create_new(true).open(&new)?;
        SLOTS.iter().try_for_each(|at| file.write_all_at(&slot(mark, &derived_key(secret)), *at))
    };
    write().map_err(|source| file_error("make", &new, source))?;
    file::put_in_place(&new, &watermark)
}

/// Reads the watermark of a store. Its writer may be raising it.
pub(super) fn read(path: &Path, secret: &[u8; 32]) -> Result<FoundMark, OpenError> {
    let Some(file) = open_to_read(path)? else { return Ok(FoundMark::Missing) };
    let newest = newest(&file, &derived_key(secret));
    let newest = newest.map_err(|source| file_error("read", &beside(path, SUFFIX), source))?;
    Ok(newest.map_or(FoundMark::Unverified, |(mark, _)| FoundMark::Mark(mark)))
}

/// Whether there is a watermark that names any change. The secret is in the store, which is missing.
pub(super) fn is_left_behind(path: &Path) -> Result<bool, OpenError> {
    let Some(file) = open_to_read(path)? else { return Ok(false) };
    for at in SLOTS {
        let slot = slot_at(&file, at).map_err(|source| file_error("read", &beside(path, SUFFIX), source))?;
        if slot.is_none_or(|slot| mark_of(&slot).revision > Revision(0)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn open_to_read(path: &Path) -> Result<Option<File>, OpenError> {
    let watermark = beside(path, SUFFIX);
    match no_follow().read(true).open(&watermark) {
        Ok(file) => Ok(Some(file)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error("read", &watermark, source)),
    }
}

fn no_follow() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// The newest slot with a valid MAC, and which one it is.
fn newest(file: &File, key: &Hmac<Sha256>) -> io::Result<Option<(Mark, usize)>> {
    let mut newest: Option<(Mark, usize)> = None;
    for (number, at) in SLOTS.into_iter().enumerate() {
        let Some(slot) = slot_at(file, at)? else { continue };
        let (signed, mac) = slot.split_at(SIGNED_BYTES);
        if !signed.starts_with(MAGIC) || key.clone().chain_update(signed).verify_slice(mac).is_err() {
            continue;
        }
        let mark = mark_of(&slot);
        if newest.is_none_or(|(known, _)| (mark.revision, mark.viewing) > (known.revision, known.viewing)) {
            newest = Some((mark, number));
        }
    }
    Ok(newest)
}

/// `None` if the file ends before.
fn slot_at(file: &File, at: u64) -> io::Result<Option<[u8; SLOT_BYTES]>> {
    let mut slot = [0; SLOT_BYTES];
    match file.read_exact_at(&mut slot, at) {
        Ok(()) => Ok(Some(slot)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn slot(mark: Mark, key: &Hmac<Sha256>) -> Vec<u8> {
    let Mark { epoch: Epoch(epoch), revision: Revision(revision), viewing } = mark;
    let mut slot = Vec::with_capacity(SLOT_BYTES);
    slot.extend(MAGIC);
    slot.extend(epoch.as_bytes());
    slot.extend(revision.to_be_bytes());
    slot.extend(viewing.to_be_bytes());
    let mac = key.clone().chain_update(&slot).finalize().into_bytes();
    slot.extend(mac);
    slot
}

fn mark_of(slot: &[u8; SLOT_BYTES]) -> Mark {
    let number = |at: usize| {
        let bytes = slot.get(at..).and_then(|rest| rest.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes))
    };
    let epoch = slot.get(8..).and_then(|rest| rest.first_chunk::<16>());
    Mark {
        epoch: Epoch(epoch.map_or_else(Uuid::nil, |bytes| Uuid::from_bytes(*bytes))),
        revision: Revision(number(24)),
        viewing: number(32),
    }
}

fn derived_key(secret: &[u8; 32]) -> Hmac<Sha256> {
    keyed(&KeyPurpose::Watermark.key(secret))
}
