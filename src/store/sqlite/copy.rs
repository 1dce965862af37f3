//! A new file with the rows of another store, and a copy of a file in use.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Statement};

use super::bulk;
use super::connection::{self, read_error, write_error};
use super::file::{self, beside, file_error};
use super::new::{NewStore, remove};
use super::open::exists;
use super::writer::INSERT_CHANGE;
use crate::store::change::Revision;
use crate::store::copy::Rows;
use crate::store::error::StoreError;
use crate::store::id::DeclarationIds;
use crate::store::raw::{RawChange, RawViewing};

/// Makes a store at a path, with rows as they are. After an error there is none.
pub(in crate::store) fn copy_in(
    path: &Path,
    ids: DeclarationIds,
    next: &mut dyn FnMut() -> Result<Rows, StoreError>,
) -> Result<(), StoreError> {
    let path = file::canonical(path)?;
    let _lock = file::lock(&path)?;
    if exists(&path)? {
        return Err(StoreError::Exists { path });
    }
    let mut new = NewStore::begin(&path, Some(ids))?;
    match put_in(&mut new, next) {
        Ok(()) => new.finish(),
        Err(error) => {
            new.discard();
            Err(error)
        }
    }
}

fn put_in(
    new: &mut NewStore<'_>,
    next: &mut dyn FnMut() -> Result<Rows, StoreError>,
) -> Result<(), StoreError> {
    let indices = new.write(|connection| bulk::begin(connection, new.path))?;
    let error = |source| write_error(new.path, source);
    let transaction = new.connection.transaction().map_err(error)?;
    {
        let mut changes = transaction.prepare(INSERT_CHANGE).map_err(error)?;
        let mut viewings = transaction.prepare(INSERT_VIEWING).map_err(error)?;
        loop {
            match next()? {
                Rows::Changes(rows) => {
                    rows.iter().try_for_each(|row| put_change(&mut changes, row)).map_err(error)?;
                }
                Rows::Viewings(rows) => {
                    rows.iter().try_for_each(|row| put_viewing(&mut viewings, row)).map_err(error)?;
                }
                Rows::End => break,
            }
        }
    }
    transaction.commit().map_err(error)?;
    indices.iter().try_for_each(|index| new.write(|connection| connection.execute_batch(index)))
}

fn put_change(statement: &mut Statement<'_>, row: &RawChange) -> rusqlite::Result<()> {
    let RawChange {
        revision,
        recorded_at,
        what,
        kind,
        client_root,
        client_extension,
        declaration_id,
        body,
        idempotency_key,
        payload_digest,
        notices,
        replaced_id,
    } = row;
    statement
        .execute((
            revision,
            recorded_at,
            what,
            kind,
            client_root,
            client_extension,
            declaration_id,
            body,
            idempotency_key,
            payload_digest,
            notices,
            replaced_id,
        ))
        .map(drop)
}

const INSERT_VIEWING: &str =
    "INSERT INTO viewing (number, at, client_root, client_extension, viewer, purpose, what)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

fn put_viewing(statement: &mut Statement<'_>, row: &RawViewing) -> rusqlite::Result<()> {
    let RawViewing { number, at, client_root, client_extension, viewer, purpose, what } = row;
    statement.execute((number, at, client_root, client_extension, viewer, purpose, what)).map(drop)
}

/// Copies a store that may be in use into a new file, as it is at one moment,
/// and marks the copy: whoever opens it to write begins a new epoch. Tells the
/// last revision that is in it.
pub(in crate::store) fn back_up(path: &Path, to: &Path) -> Result<Revision, StoreError> {
    connection::check_library()?;
    let path = file::canonical(path)?;
    let to = file::canonical(to)?;
    if !exists(&path)? {
        return Err(StoreError::NothingToFollow { path });
    }
    if exists(&to)? {
        return Err(StoreError::Exists { path: to });
    }
    file::check_header(&path)?;
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

fn copy_file(path: &Path, new: &Path) -> Result<Revision, StoreError> {
    let source = connection::connect_to_read(path)?;
    connection::schema_version(&source, path)?;
    // One read transaction: whatever is written meanwhile is not in it.
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
