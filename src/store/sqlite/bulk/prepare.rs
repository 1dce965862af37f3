//! Prepares a new file for many rows at once.

use std::path::Path;

use rusqlite::Connection;

/// The page cache, and the memory for one sort of an index build.
const CACHE_KIB: i32 = 256 * 1024;

/// Maximum number of threads that sort for an index build.
const SORTING_THREADS_MAX: u32 = 2;

/// Prepares for rows in revision order, and returns the SQL of what [`drop_indices`] dropped.
pub(in crate::store::sqlite) fn begin(connection: &Connection, path: &Path) -> rusqlite::Result<Vec<String>> {
    // Neither journaled nor synced: the file has another name until it is
    // complete, and it is synced before it is renamed.
    connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    sort_beside(connection, path)?;
    drop_indices(connection)
}

/// Drops the indices and triggers of the table of changes and returns their SQL:
/// to build them once after all rows is faster than to maintain them. Only the
/// index of the idempotency keys stays, because a history has no keys.
pub(in crate::store::sqlite) fn drop_indices(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    drop_parts(connection, "type IN ('index', 'trigger')")
}

/// Drops the triggers of the table of changes and returns their SQL.
pub(in crate::store::sqlite) fn drop_triggers(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    drop_parts(connection, "type = 'trigger'")
}

fn drop_parts(connection: &Connection, which: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!(
        "SELECT type, name, sql FROM sqlite_schema
         WHERE tbl_name = 'change' AND {which} AND sql IS NOT NULL
             AND name <> 'change_idempotency_key' ORDER BY rowid",
    ))?;
    let parts: Vec<(String, String, String)> = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    drop(statement);
    for (part, name, _) in &parts {
        connection.execute_batch(&format!("DROP {part} {name}"))?;
    }
    Ok(parts.into_iter().map(|(_, _, sql)| sql).collect())
}

/// Enlarges the page cache, and has SQLite sort what exceeds it in unlinked files beside the store:
/// only the owner could have opened them, and they end with the process. In
/// memory the index of a country's store would take more than a gigabyte, and
/// one thread. The directory is a setting of the whole process, in which
/// nothing else sorts in files.
pub(in crate::store::sqlite) fn sort_beside(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    // Negative: in KiB, not in pages.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // SQLite takes UTF-8 names only. With another name it sorts in memory.
    let Some(directory) = path.parent().and_then(Path::to_str) else { return Ok(()) };
    connection.pragma_update(None, "temp_store_directory", directory)?;
    connection.pragma_update(None, "temp_store", "FILE")?;
    connection.pragma_update_and_check(None, "threads", SORTING_THREADS_MAX, |_| Ok(()))
}
