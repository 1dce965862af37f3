//! How SQLite writes much at once into a file that does not count yet.

use std::path::Path;

use rusqlite::Connection;

/// The cache, and how much is sorted at one time for an index.
const CACHE_KIB: i32 = 256 * 1024;

/// How many threads sort.
const SORTING_THREADS_MAX: u32 = 2;

/// Prepares for rows in order. Returns the SQL of the indices and triggers of
/// the table of changes, which are taken down: to put them up again once all is
/// there is quicker than to keep them up to date. Only the index of the
/// idempotency keys stays: a history has none, and so it stays empty.
pub(in crate::store::sqlite) fn begin(connection: &Connection, path: &Path) -> rusqlite::Result<Vec<String>> {
    // Nothing is journaled or synced: until the file is whole it has another
    // name, and it is synced before it is renamed.
    connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    // Negative: in KiB, not in pages.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    sort_beside(connection, path)?;
    let mut statement = connection.prepare(
        "SELECT type, name, sql FROM sqlite_schema
         WHERE tbl_name = 'change' AND type IN ('index', 'trigger') AND sql IS NOT NULL
             AND name <> 'change_idempotency_key' ORDER BY rowid",
    )?;
    let parts: Vec<(String, String, String)> = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    drop(statement);
    for (part, name, _) in &parts {
        connection.execute_batch(&format!("DROP {part} {name}"))?;
    }
    Ok(parts.into_iter().map(|(_, _, sql)| sql).collect())
}

/// Has SQLite sort what does not fit the cache in files beside the store, of
/// which it takes the names away as it makes them: only their owner could have
/// opened them, and they end with the process. In memory a country's index
/// would take more than a gigabyte, and one thread. The directory is set for
/// the whole process, of which nothing else sorts in files.
fn sort_beside(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    // SQLite takes no other names. It then sorts in memory.
    let Some(directory) = path.parent().and_then(Path::to_str) else { return Ok(()) };
    connection.pragma_update(None, "temp_store_directory", directory)?;
    connection.pragma_update(None, "temp_store", "FILE")?;
    connection.pragma_update_and_check(None, "threads", SORTING_THREADS_MAX, |_| Ok(()))
}
