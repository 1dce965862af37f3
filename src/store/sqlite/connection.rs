//! The SQLite database: connections to it, its settings and its schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::error::StoreError;

/// The migration at place n leads to schema version n + 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_changes.sql"),
    include_str!("../migrations/sqlite/0002_derived_ids_and_lighter_checks.sql"),
    include_str!("../migrations/sqlite/0003_staleness_and_backups.sql"),
];

/// The version to which all migrations lead.
pub(super) const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// The first SQLite without the fault that could lose what is written while a
/// checkpoint begins the log anew, see <https://www.sqlite.org/wal.html#walresetbug>.
const LIBRARY_VERSION_MIN: i32 = 3_051_003;

/// A log that a large import has grown is cut back to this length.
const LOG_BYTES_KEPT_MAX: u32 = 64 * 1024 * 1024;

/// The writer's cache, so that a large import does not write the same pages of
/// an index again and again.
const WRITER_CACHE_KIB: i32 = 64 * 1024;

/// How long to wait for another tool that writes the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that only reads. It never checkpoints.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(|source| read_error(path, source))?;
    Ok(connection)
}

pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // What SQLite keeps beside the database must not be written to files.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cell_size_check", true)?;
        // A statement is planned once, not anew for the values of each run.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    };
    open().map_err(|source| read_error(path, source))
}

/// Brings the schema to the newest version, one transaction a migration.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
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

/// The version of the schema, which is not newer than what this program knows.
pub(super) fn schema_version(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| read_error(path, source))?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer { store: path.into(), found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// Makes SQLite sync every commit before it says that it is done, and leaves
/// checkpoints to the writer. What matters is read back.
pub(super) fn make_durable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
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
        |setting, found, wanted| StoreError::NotDurable { path: path.to_owned(), setting, found, wanted };
    if journal_mode != "wal" {
        return Err(not_durable("journal_mode", journal_mode, "wal"));
    }
    if synchronous != 2 {
        return Err(not_durable("synchronous", synchronous.to_string(), "2"));
    }
    Ok(())
}

/// An error if this SQLite has a known fault.
pub(super) fn check_library() -> Result<(), StoreError> {
    let found = rusqlite::version_number();
    if found < LIBRARY_VERSION_MIN {
        return Err(StoreError::LibraryTooOld { found, least: LIBRARY_VERSION_MIN });
    }
    Ok(())
}

/// What it means that SQLite could not read.
pub(super) fn read_error(path: &Path, source: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { path },
        Some(ErrorCode::DatabaseCorrupt) => {
            let store = path.as_path().into();
            StoreError::Damaged { store, finding: "SQLite cannot read it".to_owned(), source: Some(source) }
        }
        None | Some(_) => StoreError::Read { path, source },
    }
}

/// What it means that SQLite could not write.
pub(super) fn write_error(path: &Path, source: rusqlite::Error) -> StoreError {
    let error = read_error(path, source);
    if let StoreError::Read { path, source } = error { StoreError::Write { path, source } } else { error }
}

pub(super) fn damaged(path: &Path, finding: String) -> StoreError {
    StoreError::Damaged { store: path.into(), finding, source: None }
}
