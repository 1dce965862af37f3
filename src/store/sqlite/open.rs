//! Opens a store, and checks it before it is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;

use super::connection::{self, damaged, read_error, write_error};
use super::file::{self, file_error};
use super::length;
use super::new::NewStore;
use crate::policy::day::Instant;
use crate::store::change::{Epoch, Head, Identity, Point, Revision};
use crate::store::error::{OpenError, ReadError};
use crate::store::id::DeclarationIds;
use crate::store::lineage::Lineage;
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
pub(super) struct WriteAccess {
    /// Held while the store is open.
    pub(super) lock: Lock,
    /// The only connection that writes.
    pub(super) connection: Connection,
}

/// Opens the store at a path for writing, locked and migrated; creates one if there is no file. Checks
/// the whole file if it is not larger than `check_whole_bytes_max`.
pub(super) fn open(path: &Path, options: &StoreOptions) -> Result<OpenFile, OpenError> {
    let StoreOptions { check_whole_bytes_max, max_staleness, .. } = *options;
    connection::check_library()?;
    let path = file::canonical(path)?;
    let lock = file::lock(&path)?;
    if exists(&path)? {
        file::check_header(&path)?;
        length::check(&path)?;
    } else {
        NewStore::begin(&path, None)?.finish()?;
    }
    let mut connection = connection::connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection::migrate(&mut connection, &path)?;
    connection::make_durable(&connection, &path)?;
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
    start_epoch_of_backup(&mut connection, &path, head)?;
    let identity = identity(&connection, &path)?;
    Ok(OpenFile { path, identity, head, write_access: Some(WriteAccess { lock, connection }) })
}

/// Opens the store at a path, which another process may be writing, read-only. Nothing is created,
/// migrated or locked.
pub(super) fn open_to_follow(path: &Path, options: &StoreOptions) -> Result<OpenFile, OpenError> {
    connection::check_library()?;
    let path = file::canonical(path)?;
    if !exists(&path)? {
        return Err(OpenError::NothingToFollow { path });
    }
    file::check_header(&path)?;
    let connection = connection::connect_to_read(&path)?;
    let found = connection::schema_version(&connection, &path)?;
    if found < connection::SCHEMA_VERSION {
        return Err(OpenError::Older {
            store: path.as_path().into(),
            found,
            known: connection::SCHEMA_VERSION,
        });
    }
    let head = check_ends(&connection, &path)?;
    let identity = identity(&connection, &path)?;
    if options.max_staleness > identity.max_staleness {
        let (store, own, most) = (path.as_path().into(), options.max_staleness, identity.max_staleness);
        return Err(OpenError::StalenessTooLong { store, own, most });
    }
    Ok(OpenFile { path, identity, head, write_access: None })
}

pub(super) fn exists(path: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(|source| file_error("find", path, source))
}

/// Checks the structure of the whole file, and that revisions are dense.
fn check_whole(connection: &Connection, path: &Path) -> Result<(), OpenError> {
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

/// Starts a new epoch if the file is a restored backup, which may lack acknowledged changes. It continues
/// the epoch of the original through the last revision that it has.
fn start_epoch_of_backup(
    connection: &mut Connection,
    path: &Path,
    Head { revision: through, .. }: Head,
) -> Result<(), OpenError> {
    let epoch = Epoch::random()?;
    let mut start = || {
        let transaction = connection.transaction()?;
        let inserted = transaction.execute(
            "INSERT INTO epoch (epoch, parent, through) SELECT ?1, epoch, ?2 FROM meta WHERE is_backup = 1",
            (epoch.to_string(), through.0),
        )?;
        if inserted > 0 {
            transaction.execute("UPDATE meta SET epoch = ?1, is_backup = 0", [epoch.to_string()])?;
        }
        transaction.commit().map(|()| inserted > 0)
    };
    let is_backup: rusqlite::Result<bool> = start();
    if is_backup.map_err(|source| write_error(path, source))? {
        tracing::warn!(
            %epoch,
            %through,
            "the store is a restored backup: a new epoch starts, and honours tokens of the original through \
             that revision"
        );
    }
    Ok(())
}

fn identity(connection: &Connection, path: &Path) -> Result<Identity, OpenError> {
    let (epoch, token_key, tag, millis): (String, [u8; 32], u32, u64) = connection
        .query_row("SELECT epoch, token_key, id_tag, max_staleness_ms FROM meta", (), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .map_err(|source| read_error(path, source))?;
    let lineage = Arc::new(read_lineage(connection, path, &epoch)?);
    let (ids, max_staleness) = (DeclarationIds::new(tag), Duration::from_millis(millis));
    Ok(Identity { lineage, token_key, ids, max_staleness })
}

fn read_lineage(connection: &Connection, path: &Path, epoch: &str) -> Result<Lineage, OpenError> {
    let read = || -> rusqlite::Result<Vec<(String, String, u64)>> {
        let mut statement = connection.prepare("SELECT epoch, parent, through FROM epoch")?;
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect()
    };
    let rows = read().map_err(|source| read_error(path, source))?;
    let parse = |text: &str| {
        let parsed = Uuid::parse_str(text).map(Epoch);
        parsed.map_err(|_| damaged(path, "an epoch of it is not a UUID".to_owned()))
    };
    let parents = rows.iter().map(|(epoch, parent, through)| {
        Ok((parse(epoch)?, Point { epoch: parse(parent)?, revision: Revision(*through) }))
    });
    let parents = parents.collect::<Result<Vec<_>, ReadError>>()?;
    Ok(Lineage::of(parse(epoch)?, parents))
}
