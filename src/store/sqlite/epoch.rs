//! The epochs of a file. A new one starts when a backup is restored, and when a loss is accepted.

use std::path::Path;

use rusqlite::Connection;
use uuid::Uuid;

use super::connection::{damaged, read_error, write_error};
use crate::store::change::{Epoch, Point, Revision};
use crate::store::error::{OpenError, ReadError, WriteError};
use crate::store::lineage::Lineage;

/// Starts an epoch that continues the one of the file through its last revision.
pub(super) fn start(
    connection: &mut Connection,
    path: &Path,
    epoch: Epoch,
    through: Revision,
) -> Result<(), WriteError> {
    let mut start = || {
        let transaction = connection.transaction()?;
        let epoch = epoch.to_string();
        let continued = "INSERT INTO epoch (epoch, parent, through) SELECT ?1, epoch, ?2 FROM meta";
        transaction.execute(continued, (&epoch, through.0))?;
        transaction.execute("UPDATE meta SET epoch = ?1, is_backup = 0", [&epoch])?;
        transaction.commit()
    };
    start().map_err(|source| write_error(path, source))
}

/// Reads the lineage of an epoch of the file.
pub(super) fn read_lineage(connection: &Connection, path: &Path, epoch: &str) -> Result<Lineage, OpenError> {
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
