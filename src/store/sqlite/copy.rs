//! Copies: the rows of another store into a new file, and a snapshot of a file that is in use.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::acknowledged::WatermarkCheck;
use super::bulk;
use super::connection::{self, read_error, write_error};
use super::file::{self, beside, exists, file_error};
use super::new::{NewStore, remove};
use super::open::check_to_read;
use super::protection;
use super::writer::INSERT_CHANGE;
use crate::store::change::Revision;
use crate::store::error::{CopyError, OpenError};
use crate::store::id::DeclarationIds;
use crate::store::table::{Rows, viewing_columns};

/// Creates a store at a path with the given rows. After an error there is no file at the path.
pub(in crate::store) fn copy_in(
    named: &Path,
    ids: DeclarationIds,
    allow_writable_by_others: bool,
    next: &mut dyn FnMut() -> Result<Rows, CopyError>,
) -> Result<(), CopyError> {
    let path = file::canonical(named)?;
    protection::check(named, &path, allow_writable_by_others)?;
    let _lock = file::lock(&path)?;
    if exists(&path)? {
        return Err(OpenError::Exists { path }.into());
    }
    let mut new = NewStore::begin(&path, Some(ids))?;
    match insert_rows(&mut new, next) {
        Ok(()) => Ok(new.finish()?),
        Err(error) => {
            new.discard();
            Err(error)
        }
    }
}

fn insert_rows(
    new: &mut NewStore<'_>,
    next: &mut dyn FnMut() -> Result<Rows, CopyError>,
) -> Result<(), CopyError> {
    let indices = new.write(|connection| bulk::begin(connection, new.path))?;
    let error = |source| write_error(new.path, source);
    let transaction = new.connection.transaction().map_err(error)?;
    {
        let mut changes = transaction.prepare(INSERT_CHANGE).map_err(error)?;
        let mut viewings = transaction.prepare(INSERT_VIEWING).map_err(error)?;
        loop {
            match next()? {
                Rows::Changes(rows) => {
                    for row in &rows {
                        changes.execute(params_from_iter(row.values())).map_err(error)?;
                    }
                }
                Rows::Viewings(rows) => {
                    for row in &rows {
                        viewings.execute(params_from_iter(row.values())).map_err(error)?;
                    }
                }
                Rows::End => break,
            }
        }
    }
    transaction.commit().map_err(error)?;
    for index in &indices {
        new.write(|connection| connection.execute_batch(index))?;
    }
    Ok(())
}

const INSERT_VIEWING: &str =
    concat!("INSERT INTO viewing (", viewing_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");

/// Copies a snapshot of a store, which may be in use, into a new file, and marks the file as a backup:
/// the first process that opens it for writing starts a new epoch. Returns the last revision in it.
pub(in crate::store) fn back_up(
    path: &Path,
    named: &Path,
    allow_writable_by_others: bool,
) -> Result<Revision, CopyError> {
    connection::check_library()?;
    let path = check_to_read(path, allow_writable_by_others)?;
    let to = file::canonical(named)?;
    protection::check(named, &to, allow_writable_by_others)?;
    if exists(&to)? {
        return Err(OpenError::Exists { path: to }.into());
    }
    let new = beside(&to, ".new");
    remove(&new)?;
    file::private().create_new(true).open(&new).map_err(|source| file_error("make", &new, source))?;
    let last = match copy_file(&path, &new) {
        Ok(last) => last,
        Err(error) => {
            remove(&new)?;
            return Err(error);
        }
    };
    file::put_in_place(&new, &to)?;
    Ok(last)
}

fn copy_file(path: &Path, new: &Path) -> Result<Revision, CopyError> {
    let source = connection::connect_to_read(path)?;
    WatermarkCheck::read(&source, path)?.check(path)?;
    // VACUUM INTO reads in one transaction: the copy is a snapshot.
    let into = new.to_string_lossy();
    source.execute("VACUUM INTO ?1", [&*into]).map_err(|source| read_error(path, source))?;
    drop(source);
    let mut copy = connection::connect(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection::migrate(&mut copy, new)?;
    let last = mark(&copy).map_err(|source| write_error(new, source))?;
    copy.close().map_err(|(_, source)| write_error(new, source))?;
    Ok(last)
}

fn mark(copy: &Connection) -> rusqlite::Result<Revision> {
    copy.execute("UPDATE meta SET is_backup = 1", ())?;
    copy.query_row("SELECT coalesce(max(revision), 0) FROM change", (), |row| row.get(0)).map(Revision)
}
