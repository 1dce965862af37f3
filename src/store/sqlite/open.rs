//! Opens a store, and checks it before it is used: first the protection of its files, then what SQLite
//! would repair without an error, then what the file holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::acknowledged::{self, WatermarkCheck};
use super::connection::{self, damaged, read_error, write_error};
use super::epoch;
use super::file::{self, exists, file_error};
use super::length;
use super::new::NewStore;
use super::protection;
use super::watermark::{self, Mark, Watermark};
use crate::policy::day::Instant;
use crate::store::change::{Epoch, Head, Identity, Revision};
use crate::store::error::OpenError;
use crate::store::id::DeclarationIds;
use crate::store::options::StoreOptions;
use crate::store::row::{self, Unreadable};
use crate::store::writer::Lock;

/// A store that is open and checked.
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    pub(super) head: Head,
    /// `None` if the store is only followed.
    pub(super) write_access: Option<WriteAccess>,
}

/// Required to write to a store.
///
/// The locks are dropped last: closing the locked file releases the locks that SQLite has on it.
pub(super) struct WriteAccess {
    /// The only connection that writes.
    pub(super) connection: Connection,
    pub(super) watermark: Watermark,
    /// Held while the store is open: on the path, and on the file.
    pub(super) locks: [Lock; 2],
}

/// Opens the store at a path for writing, locked and migrated; creates one if there is no file. Checks
/// the whole file if it is not larger than `check_whole_bytes_max`.
pub(super) fn open(path: &Path, options: &StoreOptions) -> Result<OpenFile, OpenError> {
    let StoreOptions { check_whole_bytes_max, max_staleness, allow_writable_by_others, .. } = *options;
    connection::check_library()?;
    let named = path;
    let path = file::canonical(named)?;
    protection::check(named, &path, allow_writable_by_others)?;
    let path_lock = file::lock(&path)?;
    if !exists(&path)? {
        NewStore::begin(&path, None)?.finish()?;
    }
    let file_lock = file::lock_file(&path)?;
    file::check_header(&path)?;
    let has_torn_log = acknowledged::check_log(&path)?;
    length::check(&path)?;
    let mut connection = connection::connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // If the store is refused, its log stays for investigation.
    connection::keep_log_on_close(&connection, &path, true)?;
    let acknowledged = WatermarkCheck::read(&connection, &path)?;
    acknowledged.check(&path)?;
    connection::keep_log_on_close(&connection, &path, false)?;
    if acknowledged.is_without_watermark() {
        watermark::create(&path, &acknowledged.token_key, acknowledged.head)?;
    }
    connection::migrate(&mut connection, &path)?;
    connection::make_durable(&connection, &path)?;
    if has_torn_log {
        tracing::warn!(
            "the log of the store ends with an incomplete commit, as after a power cut: it was not acknowledged and is dropped"
        );
        connection::empty_log(&connection, &path)?;
    }
    let bytes = fs::metadata(&path).map_err(|source| file_error("read", &path, source))?.len();
    if bytes <= check_whole_bytes_max {
        check_whole(&connection, &path)?;
    } else {
        tracing::info!(
            bytes,
            check_whole_bytes_max,
            "the store is large and not checked whole; what is read of it is checked as it is read"
        );
    }
    let head = check_ends(&connection, &path)?;
    register_max_staleness(&connection, &path, max_staleness)?;
    if acknowledged.is_backup {
        start_epoch_of_backup(&mut connection, &path, &acknowledged)?;
    }
    let identity = identity(&connection, &path)?;
    let watermark = Watermark::open(&path, &identity.token_key)?;
    let locks = [path_lock, file_lock];
    Ok(OpenFile { path, identity, head, write_access: Some(WriteAccess { connection, watermark, locks }) })
}

/// Opens the store at a path, which another process may be writing, read-only. Nothing is created,
/// migrated or locked.
pub(super) fn open_to_follow(path: &Path, options: &StoreOptions) -> Result<OpenFile, OpenError> {
    connection::check_library()?;
    let path = check_to_read(path, options.allow_writable_by_others)?;
    let connection = connection::connect_to_read(&path)?;
    let found = connection::schema_version(&connection, &path)?;
    if found < connection::SCHEMA_VERSION {
        return Err(OpenError::Older {
            store: path.as_path().into(),
            found,
            known: connection::SCHEMA_VERSION,
        });
    }
    WatermarkCheck::read(&connection, &path)?.check(&path)?;
    let head = check_ends(&connection, &path)?;
    let identity = identity(&connection, &path)?;
    if options.max_staleness > identity.max_staleness {
        let (store, own, most) = (path.as_path().into(), options.max_staleness, identity.max_staleness);
        return Err(OpenError::StalenessTooLong { store, own, most });
    }
    Ok(OpenFile { path, identity, head, write_access: None })
}

/// Checks the files of a store that another process may be writing, before SQLite reads them. Returns the
/// canonical path.
pub(super) fn check_to_read(named: &Path, allow_writable_by_others: bool) -> Result<PathBuf, OpenError> {
    let path = file::canonical(named)?;
    if !exists(&path)? {
        return Err(OpenError::NothingToFollow { path });
    }
    protection::check(named, &path, allow_writable_by_others)?;
    file::check_header(&path)?;
    acknowledged::check_log(&path)?;
    Ok(path)
}

/// Checks the structure of the whole file, and that revisions are dense.
pub(super) fn check_whole(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let read = || -> rusqlite::Result<(String, u64, u64)> {
        let finding = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
        connection.query_row(
            "SELECT (SELECT count(*) FROM change), (SELECT coalesce(max(revision), 0) FROM change)",
            (),
            |row| Ok((finding, row.get(0)?, row.get(1)?)),
        )
    };
    let (finding, count, last) = read().map_err(|source| read_error(path, source))?;
    if finding != "ok" {
        return Err(damaged(path, finding).into());
    }
    if count != last {
        return Err(damaged(path, format!("it has {count} changes and the last is revision {last}")).into());
    }
    Ok(())
}

/// Checks the first and the last change, and returns the head. A hole between them is detected when the
/// rows are read.
fn check_ends(connection: &Connection, path: &Path) -> Result<Head, OpenError> {
    let read = || -> rusqlite::Result<Option<(u64, u64, i64)>> {
        connection
            .query_row(
                "SELECT (SELECT min(revision) FROM change), revision, recorded_at, body
                 FROM change ORDER BY revision DESC LIMIT 1",
                (),
                |row| row.get_ref(3).and_then(|_| Ok((row.get(0)?, row.get(1)?, row.get(2)?))),
            )
            .optional()
    };
    let Some((first, last, recorded_at)) = read().map_err(|source| read_error(path, source))? else {
        return Ok(Head { revision: Revision(0), recorded_at: Instant::UNIX_EPOCH });
    };
    if first != 1 {
        return Err(damaged(path, format!("its first change is revision {first}")).into());
    }
    let recorded_at = row::instant(recorded_at)
        .map_err(|Unreadable| damaged(path, "the time of its last change does not exist".to_owned()))?;
    Ok(Head { revision: Revision(last), recorded_at })
}

/// Raises the maximum staleness of the store to that of this process: an acknowledgement states when
/// every replica has applied the change or stopped deciding.
fn register_max_staleness(
    connection: &Connection,
    path: &Path,
    max_staleness: Duration,
) -> Result<(), OpenError> {
    let millis = i64::try_from(max_staleness.as_millis()).unwrap_or(i64::MAX);
    connection
        .execute("UPDATE meta SET max_staleness_ms = ?1 WHERE max_staleness_ms < ?1", [millis])
        .map_err(|source| write_error(path, source))?;
    Ok(())
}

/// Starts the epoch of a restored backup, which may lack acknowledged changes. The watermark of the store
/// that it replaces is replaced first: until the backup is no longer marked as one, it is not compared.
fn start_epoch_of_backup(
    connection: &mut Connection,
    path: &Path,
    acknowledged: &WatermarkCheck,
) -> Result<(), OpenError> {
    let epoch = Epoch::random()?;
    let WatermarkCheck { token_key, head, .. } = acknowledged;
    watermark::create(path, token_key, Mark { epoch, ..*head })?;
    epoch::start(connection, path, epoch, head.revision)?;
    let (lost_changes, _) = acknowledged.lost();
    let through = head.revision;
    tracing::warn!(
        %epoch,
        %through,
        lost_changes,
        "the store is a restored backup: a new epoch starts, and honours tokens of the original through that \
         revision"
    );
    Ok(())
}

fn identity(connection: &Connection, path: &Path) -> Result<Identity, OpenError> {
    let (epoch, token_key, tag, millis): (String, [u8; 32], u32, u64) = connection
        .query_row("SELECT epoch, token_key, id_tag, max_staleness_ms FROM meta", (), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .map_err(|source| read_error(path, source))?;
    let lineage = Arc::new(epoch::read_lineage(connection, path, &epoch)?);
    let (ids, max_staleness) = (DeclarationIds::new(tag), Duration::from_millis(millis));
    Ok(Identity { lineage, token_key, ids, max_staleness })
}
