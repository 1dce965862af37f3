//! How SQLite writes much at once into a file that does not count yet.

use rusqlite::Connection;

/// The cache, and how much is sorted at one time for an index.
const CACHE_KIB: i32 = 256 * 1024;

/// Prepares for rows in order. Returns the SQL of the indices and triggers of
/// the table of changes, which are taken down: to put them up again once all is
/// there is quicker than to keep them up to date. Only the index of the
/// idempotency keys stays: a history has none, and so it stays empty.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    // Nothing is journaled or synced: until the file is whole it has another
    // name, and it is synced before it is renamed.
    connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    // Negative: in KiB, not in pages.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
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
