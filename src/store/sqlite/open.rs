//! How a store is opened, and what is checked before it is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;

use super::connection::{self, damaged, read_error, write_error};
use super::file::{self, file_error};
use super::length;
use super::new::NewStore;
use crate::policy::day::Instant;
use crate::store::StoreOptions;
use crate::store::change::{Epoch, Head, Identity, Revision};
use crate::store::error::StoreError;
use crate::store::hired::Lock;
use crate::store::id::DeclarationIds;
use crate::store::row::{self, Unreadable};

/// A store that is open and checked.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    pub(super) head: Head,
    /// None if it is only followed.
    pub(super) writing: Option<Writing>,
}

/// What it takes to write to a store.
pub(super) struct Writing {
    /// Held as long as the store is open.
    pub(super) lock: Lock,
    /// The only connection that writes.
    pub(super) connection: Connection,
}

/// Opens the store at a path, locked and migrated; begins one if there is no
/// file. Checks it whole if it is not larger than so many bytes.
pub(super) fn open(path: &Path, options: &StoreOptions) -> Result<Opened, StoreError> {
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
    tell_staleness(&connection, &path, max_staleness)?;
    begin_epoch_of_backup(&connection, &path)?;
    let identity = identity(&connection, &path)?;
    Ok(Opened { path, identity, head, writing: Some(Writing { lock, connection }) })
}

/// Opens the store at a path, which another process may be writing, only to
/// read it. Nothing is migrated, made or locked.
pub(super) fn open_to_follow(path: &Path, options: &StoreOptions) -> Result<Opened, StoreError> {
    connection::check_library()?;
    let path = file::canonical(path)?;
    if !exists(&path)? {
        return Err(StoreError::NothingToFollow { path });
    }
    file::check_header(&path)?;
    let connection = connection::connect_to_read(&path)?;
    let found = connection::schema_version(&connection, &path)?;
    if found < connection::SCHEMA_VERSION {
        return Err(StoreError::Older {
            store: path.as_path().into(),
            found,
            known: connection::SCHEMA_VERSION,
        });
    }
    let head = check_ends(&connection, &path)?;
    let identity = identity(&connection, &path)?;
    if options.max_staleness > identity.max_staleness {
        let (store, own, most) = (path.as_path().into(), options.max_staleness, identity.max_staleness);
        return Err(StoreError::StalenessTooLong { store, own, most });
    }
    Ok(Opened { path, identity, head, writing: None })
}

pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|source| file_error("find", path, source))
}

/// Looks at the whole file: its structure, and that revisions are dense.
fn check_whole(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let look = || -> rusqlite::Result<(String, u64, u64)> {
        let finding = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
        connection.query_row(
            "SELECT (SELECT count(*) FROM change), (SELECT coalesce(max(revision), 0) FROM change)",
            (),
            |row| Ok((finding, row.get(0)?, row.get(1)?)),
        )
    };
    let (finding, count, last) = look().map_err(|source| read_error(path, source))?;
    if finding != "ok" {
        return Err(damaged(path, finding));
    }
    if count != last {
        return Err(damaged(path, format!("it has {count} changes and the last is revision {last}")));
    }
    Ok(())
}

/// Looks at the first and at the last change. That none is missing between
/// them is seen by whoever reads them.
fn check_ends(connection: &Connection, path: &Path) -> Result<Head, StoreError> {
    let look = || -> rusqlite::Result<Option<(u64, u64, i64)>> {
        connection
            .query_row(
                "SELECT (SELECT min(revision) FROM change), revision, recorded_at, body
                 FROM change ORDER BY revision DESC LIMIT 1",
                (),
                |row| row.get_ref(3).and_then(|_| Ok((row.get(0)?, row.get(1)?, row.get(2)?))),
            )
            .optional()
    };
    let Some((first, last, recorded_at)) = look().map_err(|source| read_error(path, source))? else {
        return Ok(Head { revision: Revision(0), recorded_at: Instant::UNIX_EPOCH });
    };
    if first != 1 {
        return Err(damaged(path, format!("its first change is revision {first}")));
    }
    let recorded_at = row::instant(recorded_at)
        .map_err(|Unreadable| damaged(path, "the time of its last change does not exist".to_owned()))?;
    Ok(Head { revision: Revision(last), recorded_at })
}

/// Makes sure that the store knows how long this process may be behind: what
/// is acknowledged says when nobody is.
fn tell_staleness(connection: &Connection, path: &Path, max_staleness: Duration) -> Result<(), StoreError> {
    let millis = i64::try_from(max_staleness.as_millis()).unwrap_or(i64::MAX);
    connection
        .execute("UPDATE meta SET max_staleness_ms = ?1 WHERE max_staleness_ms < ?1", [millis])
        .map(drop)
        .map_err(|source| write_error(path, source))
}

/// A backup that is put in place of a store may lack what was acknowledged.
fn begin_epoch_of_backup(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let epoch = Epoch::begin()?;
    let begun = connection
        .execute("UPDATE meta SET epoch = ?1, is_backup = 0 WHERE is_backup = 1", [epoch.to_string()])
        .map_err(|source| write_error(path, source))?;
    if begun > 0 {
        tracing::warn!(%epoch, "the store is a restored backup: a new epoch begins, and tokens of before count no more");
    }
    Ok(())
}

fn identity(connection: &Connection, path: &Path) -> Result<Identity, StoreError> {
    let (epoch, token_key, tag, millis): (String, [u8; 32], u32, u64) = connection
        .query_row("SELECT epoch, token_key, id_tag, max_staleness_ms FROM meta", (), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .map_err(|source| read_error(path, source))?;
    let epoch = Uuid::parse_str(&epoch).map_err(|_| damaged(path, "its epoch is not a UUID".to_owned()))?;
    let (ids, max_staleness) = (DeclarationIds::new(tag), Duration::from_millis(millis));
    Ok(Identity { epoch: Epoch(epoch), token_key, ids, max_staleness })
}
