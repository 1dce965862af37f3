//! Creates a store under a temporary name and renames it once it is complete and synced, so that an empty
//! or partly written file is never taken for a store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::acknowledged::WatermarkCheck;
use super::connection::{self, write_error};
use super::file::{self, beside, exists, file_error};
use super::watermark;
use crate::store::change::Epoch;
use crate::store::error::{OpenError, WriteError};
use crate::store::id::DeclarationIds;
use crate::store::random::random;

/// An empty store under its temporary name.
pub(super) struct NewStore<'p> {
    /// The final path.
    pub(super) path: &'p Path,
    /// The temporary path.
    new: PathBuf,
    pub(super) connection: Connection,
    pub(super) ids: DeclarationIds,
}

impl<'p> NewStore<'p> {
    /// Creates one, with the ids of another store or with new ones. The caller holds the lock of the
    /// path.
    pub(super) fn begin(path: &'p Path, ids: Option<DeclarationIds>) -> Result<Self, OpenError> {
        for suffix in ["-wal", "-journal"] {
            let log = beside(path, suffix);
            if exists(&log)? {
                return Err(OpenError::WithoutStore { found: log });
            }
        }
        if watermark::is_left_behind(path)? {
            return Err(OpenError::WithoutStore { found: beside(path, watermark::SUFFIX) });
        }
        let new = beside(path, ".new");
        remove(&new)?;
        remove(&beside(&new, "-journal"))?;
        file::private().create_new(true).open(&new).map_err(|source| file_error("make", &new, source))?;
        let mut connection = connection::connect(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection::migrate(&mut connection, &new)?;
        let epoch = Epoch::random()?;
        let token_key: [u8; 32] = random()?;
        let ids = match ids {
            Some(ids) => ids,
            None => DeclarationIds::random()?,
        };
        connection
            .execute(
                "INSERT INTO meta (one, schema_version, epoch, token_key, id_tag) VALUES (1, ?1, ?2, ?3, ?4)",
                (connection::SCHEMA_VERSION, epoch.to_string(), token_key, ids.tag()),
            )
            .map_err(|source| write_error(path, source))?;
        Ok(Self { path, new, connection, ids })
    }

    /// Executes a write.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, WriteError> {
        write(&self.connection).map_err(|source| write_error(self.path, source))
    }

    /// Creates the watermark, then syncs the file and renames it to its final path.
    pub(super) fn finish(self) -> Result<(), OpenError> {
        let Self { path, new, connection, ids: _ } = self;
        let WatermarkCheck { token_key, head, .. } = WatermarkCheck::read(&connection, path)?;
        watermark::create(path, &token_key, head)?;
        connection.close().map_err(|(_, source)| write_error(path, source))?;
        file::put_in_place(&new, path)
    }

    /// Removes the file. What cannot be removed now is removed when the next store is created here.
    pub(super) fn discard(self) {
        let Self { path: _, new, connection, ids: _ } = self;
        drop(connection);
        if let Err(error) = fs::remove_file(&new) {
            tracing::warn!(path = %new.display(), %error, "a store half made is left behind");
        }
    }
}

/// Removes a file that an interrupted attempt may have left.
pub(super) fn remove(left_over: &Path) -> Result<(), OpenError> {
    match fs::remove_file(left_over) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(file_error("remove", left_over, source))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
