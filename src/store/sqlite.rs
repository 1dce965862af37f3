//! The SQLite file: made, locked, checked and opened.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use uuid::Uuid;

use super::change::{Epoch, Revision};
use super::error::StoreError;
use super::row::{self, Unreadable};
use crate::policy::day::Instant;

/// `LUPA`, in the header of every store.
const APPLICATION_ID: u32 = 0x4C55_5041;

/// The migration at place n leads to schema version n + 1.
const MIGRATIONS: &[&str] = &[include_str!("migrations/sqlite/0001_changes.sql")];

/// The first SQLite without the fault that could lose what is written while a
/// checkpoint begins the log anew, see <https://www.sqlite.org/wal.html#walresetbug>.
const LIBRARY_VERSION_MIN: i32 = 3_051_003;

/// Where an SQLite file says that it is one, and of which application.
const HEADER_BYTES: usize = 72;
const HEADER_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Owner only: the store holds health data and a key.
const NEW_FILE_MODE: u32 = 0o600;

/// A log that a large import has grown is cut back to this length.
const LOG_BYTES_KEPT_MAX: u32 = 64 * 1024 * 1024;

/// How long to wait for another tool that writes the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A store that is open, locked, migrated and checked.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    /// Held as long as the store is open.
    pub(super) lock: File,
    /// The only connection that writes.
    pub(super) connection: Connection,
    pub(super) epoch: Epoch,
    pub(super) token_key: [u8; 32],
    pub(super) head: Head,
}

/// The last committed change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) revision: Revision,
    /// 1970-01-01 if there is none.
    pub(super) recorded_at: Instant,
}

/// Opens the store at a path; begins one if there is no file.
pub(super) fn open(path: &Path) -> Result<Opened, StoreError> {
    let found = rusqlite::version_number();
    if found < LIBRARY_VERSION_MIN {
        return Err(StoreError::LibraryTooOld { found, least: LIBRARY_VERSION_MIN });
    }
    let path = canonical(path).map_err(|source| file_error("find the directory of", path, source))?;
    let lock = lock(&path)?;
    if path.try_exists().map_err(|source| file_error("find", &path, source))? {
        check_header(&path)?;
    } else {
        create(&path)?;
    }
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection, &path)?;
    make_durable(&connection, &path)?;
    let head = check(&connection, &path)?;
    let (epoch, token_key) = identity(&connection, &path)?;
    Ok(Opened { path, lock, connection, epoch, token_key, head })
}

/// A connection that only reads. It never checkpoints.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// The path without links and dots, of a file that need not exist.
fn canonical(path: &Path) -> io::Result<PathBuf> {
    if path.try_exists()? {
        return fs::canonicalize(path);
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(fs::canonicalize(directory.unwrap_or(Path::new(".")))?.join(name))
}

/// The path with something added to the file's name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

/// The system releases the lock when the process ends, however it ends. The
/// file stays: to remove it would let two processes lock two files.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, ".lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(NEW_FILE_MODE)
        .open(&lock_path)
        .map_err(|source| file_error("make", &lock_path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(file_error("lock", &lock_path, source)),
    }
}

/// Tells another's file before SQLite touches it. The file is ours from its
/// first moment, see [`create`].
fn check_header(path: &Path) -> Result<(), StoreError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(path)
        .and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut header))
        .map_err(|source| file_error("read", path, source))?;
    if header.is_empty() {
        return Err(damaged(path, "it is empty".to_owned()));
    }
    if !header.starts_with(HEADER_MAGIC) {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    match header.get(68..).map(<[u8; 4]>::try_from) {
        Some(Ok(application_id)) if u32::from_be_bytes(application_id) == APPLICATION_ID => Ok(()),
        Some(Ok(_)) => Err(StoreError::Foreign { path: path.to_owned() }),
        Some(Err(_)) | None => Err(damaged(path, "it ends within its header".to_owned())),
    }
}

/// Makes a store under another name and renames it when it is whole, so that
/// an empty or half-made file at the path is never taken for a new store.
fn create(path: &Path) -> Result<(), StoreError> {
    for suffix in ["-wal", "-journal"] {
        let log = beside(path, suffix);
        if log.try_exists().map_err(|source| file_error("find", &log, source))? {
            return Err(StoreError::LogWithoutStore { log });
        }
    }
    let new = beside(path, ".new");
    for left_over in [new.clone(), beside(&new, "-journal")] {
        match fs::remove_file(&left_over) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(file_error("remove", &left_over, source));
            }
            Ok(()) | Err(_) => {}
        }
    }
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(NEW_FILE_MODE)
        .open(&new)
        .map_err(|source| file_error("make", &new, source))?;
    let epoch = uuid::Builder::from_random_bytes(random()?).into_uuid();
    let token_key: [u8; 32] = random()?;
    let mut connection = connect(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate(&mut connection, &new)?;
    connection
        .execute(
            "INSERT INTO meta (one, schema_version, epoch, token_key) VALUES (1, ?1, ?2, ?3)",
            (MIGRATIONS.len(), epoch.to_string(), token_key),
        )
        .map_err(|source| write_error(path, source))?;
    connection.close().map_err(|(_, source)| write_error(path, source))?;
    fs::rename(&new, path).map_err(|source| file_error("make", path, source))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| file_error("keep", directory, source))
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    };
    open().map_err(|source| read_error(path, source))
}

/// Brings the schema to the newest version, one transaction a migration.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| read_error(path, source))?;
    let Some(missing) = MIGRATIONS.get(found as usize..) else {
        let known = MIGRATIONS.len() as u32;
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    };
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

/// Makes SQLite sync every commit before it says that it is done, and leaves
/// checkpoints to the writer. What matters is read back.
fn make_durable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let set = || -> rusqlite::Result<(String, i64)> {
        let journal_mode =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
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

/// Looks at the whole file: its structure, and that revisions are dense.
fn check(connection: &Connection, path: &Path) -> Result<Head, StoreError> {
    let look = || -> rusqlite::Result<(String, u64, u64, i64)> {
        let finding = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
        connection.query_row(
            "SELECT (SELECT count(*) FROM change),
                    (SELECT coalesce(max(revision), 0) FROM change),
                    coalesce((SELECT recorded_at FROM change ORDER BY revision DESC LIMIT 1), 0)",
            (),
            |row| Ok((finding, row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    };
    let (finding, count, last, recorded_at) = look().map_err(|source| read_error(path, source))?;
    if finding != "ok" {
        return Err(damaged(path, finding));
    }
    if count != last {
        return Err(damaged(path, format!("it has {count} changes and the last is revision {last}")));
    }
    let recorded_at = row::instant(recorded_at)
        .map_err(|Unreadable| damaged(path, "the time of its last change does not exist".to_owned()))?;
    Ok(Head { revision: Revision(last), recorded_at })
}

fn identity(connection: &Connection, path: &Path) -> Result<(Epoch, [u8; 32]), StoreError> {
    let (epoch, token_key): (String, [u8; 32]) = connection
        .query_row("SELECT epoch, token_key FROM meta", (), |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|source| read_error(path, source))?;
    let epoch = Uuid::parse_str(&epoch).map_err(|_| damaged(path, "its epoch is not a UUID".to_owned()))?;
    Ok((Epoch(epoch), token_key))
}

/// Random bytes for ids and keys.
pub(super) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(StoreError::NoRandomness)?;
    Ok(bytes)
}

/// What it means that SQLite could not read.
pub(super) fn read_error(path: &Path, source: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { path },
        Some(ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path, finding: "SQLite cannot read it".to_owned(), source: Some(source) }
        }
        None | Some(_) => StoreError::Read { path, source },
    }
}

/// What it means that SQLite could not write.
pub(super) fn write_error(path: &Path, source: rusqlite::Error) -> StoreError {
    let error = read_error(path, source);
    if let StoreError::Read { path, source } = error { StoreError::Write { path, source } } else { error }
}

fn file_error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File { what, path: path.to_owned(), source }
}

fn damaged(path: &Path, finding: String) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), finding, source: None }
}
