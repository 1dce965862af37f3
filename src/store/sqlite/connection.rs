//! Connections to the SQLite database: settings, schema and errors.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::error::{DriverError, OpenError, ReadError, WriteError};

/// The migration at index n leads to schema version n + 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_changes.sql"),
    include_str!("../migrations/sqlite/0002_derived_ids_and_lighter_checks.sql"),
    include_str!("../migrations/sqlite/0003_staleness_and_backups.sql"),
    include_str!("../migrations/sqlite/0004_links_and_imports.sql"),
    include_str!("../migrations/sqlite/0005_epochs.sql"),
    include_str!("../migrations/sqlite/0006_checkpoints.sql"),
    include_str!("../migrations/sqlite/0007_equal_viewings.sql"),
];

/// The version to which all migrations lead.
pub(super) const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// The first SQLite without the fault that could lose changes when a checkpoint resets the log, see
/// <https://www.sqlite.org/wal.html#walresetbug>.
const LIBRARY_VERSION_MIN: i32 = 3_051_003;

/// The log file is truncated to this length after a large import has grown it.
const LOG_BYTES_KEPT_MAX: u32 = 64 * 1024 * 1024;

/// The writer's page cache: with a small one a large import writes the same index pages repeatedly.
const WRITER_CACHE_KIB: i32 = 64 * 1024;

/// How long to wait for another tool that has locked the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a read-only connection. It never checkpoints.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, ReadError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    keep_log_on_close(&connection, path, true)?;
    Ok(connection)
}

/// Whether the log stays as it is when the last connection closes; otherwise it is checkpointed and removed.
pub(super) fn keep_log_on_close(
    connection: &Connection,
    path: &Path,
    is_kept: bool,
) -> Result<(), ReadError> {
    let set = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_kept);
    set.map(drop).map_err(|source| read_error(path, source))
}

pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, ReadError> {
    let open = || {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // Temporary tables may contain health data: they must not be written to files.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cell_size_check", true)?;
        // Query planner stability: a statement is planned once, whatever the values of its parameters.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    };
    open().map_err(|source| read_error(path, source))
}

/// Migrates the schema to the newest version, one transaction a migration.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let found = schema_version(connection, path)?;
    let missing = MIGRATIONS.get(found as usize..).unwrap_or_default();
    for (migration, version) in missing.iter().zip(found + 1..) {
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.execute("UPDATE meta SET schema_version = ?1", [version])?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()
        };
        run(connection).map_err(|source| write_error(path, source))?;
    }
    Ok(())
}

/// The schema version; an error if it is newer than this program supports.
pub(super) fn schema_version(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| read_error(path, source))?;
    if found > SCHEMA_VERSION {
        return Err(OpenError::Newer { store: path.into(), found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// Makes SQLite sync every commit before it returns, and leaves checkpoints to the writer. Reads back the
/// settings on which durability depends.
pub(super) fn make_durable(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let set = || -> rusqlite::Result<(String, i64)> {
        let journal_mode =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Negative: in KiB, not in pages.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT_MAX, |_| Ok(()))?;
        let synchronous = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok((journal_mode, synchronous))
    };
    let (journal_mode, synchronous) = set().map_err(|source| write_error(path, source))?;
    let not_durable =
        |setting, found, wanted| OpenError::NotDurable { path: path.to_owned(), setting, found, wanted };
    if journal_mode != "wal" {
        return Err(not_durable("journal_mode", journal_mode, "wal"));
    }
    if synchronous != 2 {
        return Err(not_durable("synchronous", synchronous.to_string(), "2"));
    }
    Ok(())
}

/// Moves the log into the file and empties it, with whatever recovery has dropped at its end.
pub(super) fn empty_log(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    connection
        .pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        .map_err(|source| write_error(path, source).into())
}

/// An error if the SQLite library has a known fault.
pub(super) fn check_library() -> Result<(), OpenError> {
    let found = rusqlite::version_number();
    if found < LIBRARY_VERSION_MIN {
        return Err(OpenError::LibraryTooOld { found, least: LIBRARY_VERSION_MIN });
    }
    Ok(())
}

/// Classifies an error of a read.
pub(super) fn read_error(path: &Path, source: rusqlite::Error) -> ReadError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => ReadError::NotAStore { path },
        Some(ErrorCode::DatabaseCorrupt) => {
            let store = path.as_path().into();
            let (finding, source) = ("SQLite cannot read it".to_owned(), Some(DriverError::new(source)));
            ReadError::Damaged { store, finding, source }
        }
        None | Some(_) => ReadError::Io { path, source: DriverError::new(source) },
    }
}

/// Classifies an error of a write.
pub(super) fn write_error(path: &Path, source: rusqlite::Error) -> WriteError {
    let error = read_error(path, source);
    if let ReadError::Io { path, source } = error {
        WriteError::Io { path, source }
    } else {
        WriteError::Read(error)
    }
}

pub(super) fn damaged(path: &Path, finding: String) -> ReadError {
    ReadError::Damaged { store: path.into(), finding, source: None }
}
