//! Copies a whole store into another, of either kind, and makes sure that the
//! copy says the same.

use std::path::Path;

use super::change::Revision;
use super::error::StoreError;
use super::postgres::PostgresOptions;
use super::raw::{RawChange, RawViewing};
use super::verify::{ROWS_AT_ONCE, Verified};
use super::{Database, Store, StoreOptions, postgres, sqlite};

/// The next rows of a copy.
pub(super) enum Rows {
    Changes(Vec<RawChange>),
    Viewings(Vec<RawViewing>),
    End,
}

/// Where a copy is made.
#[derive(Clone, Copy, Debug)]
pub enum CopyTo<'t> {
    /// A new file.
    File(&'t Path),
    /// A database in which there is no store.
    Server(&'t PostgresOptions),
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPhase {
    /// Up to this revision it is copied.
    Copying(Revision),
    /// All is copied; up to this revision the original is looked at again.
    VerifyingOriginal(Revision),
    /// And up to this the copy.
    VerifyingCopy(Revision),
}

impl Store {
    /// Copies everything into a store that is made for it, which begins an
    /// epoch and a key of tokens of its own, and looks at both. Tells how far it
    /// is, until told `false`: then, and after an error, what was made is not
    /// to be used. Nobody may write the original meanwhile. Blocks.
    pub fn copy(
        &self,
        to: CopyTo<'_>,
        options: StoreOptions,
        tell: &mut dyn FnMut(CopyPhase) -> bool,
    ) -> Result<Option<Verified>, StoreError> {
        let until = Revision(self.count()?);
        let mut last = Revision(0);
        let mut last_viewing = 0;
        let mut is_stopped = false;
        let mut next = || {
            if last < until {
                let rows = self.raw_changes(last, ROWS_AT_ONCE)?;
                let found = rows.last().map_or(last, RawChange::revision);
                if found == last {
                    return Err(StoreError::Hole { store: self.place(), after: last });
                }
                last = found;
                if !tell(CopyPhase::Copying(last)) {
                    is_stopped = true;
                    return Err(StoreError::CopyStopped);
                }
                return Ok(Rows::Changes(rows));
            }
            let rows = self.raw_viewings(last_viewing, ROWS_AT_ONCE)?;
            match rows.last() {
                Some(row) => {
                    last_viewing = row.number;
                    Ok(Rows::Viewings(rows))
                }
                None => Ok(Rows::End),
            }
        };
        let ids = self.declaration_ids();
        let made = match to {
            CopyTo::File(path) => sqlite::copy_in(path, ids, &mut next),
            CopyTo::Server(postgres) => postgres::copy_in(postgres, ids, &mut next),
        };
        if is_stopped {
            return Ok(None);
        }
        made?;
        let copy = match to {
            CopyTo::File(path) => Self::open(path, options)?,
            CopyTo::Server(postgres) => Self::connect(postgres, options)?,
        };
        let Some(original) = self.verify(&mut |at| tell(CopyPhase::VerifyingOriginal(at)))? else {
            return Ok(None);
        };
        let Some(copied) = copy.verify(&mut |at| tell(CopyPhase::VerifyingCopy(at)))? else {
            return Ok(None);
        };
        let of = |verified: &Verified| (verified.revision, verified.digest, verified.viewings);
        if of(&original) != of(&copied) {
            return Err(StoreError::CopyDiffers { store: copy.place() });
        }
        Ok(Some(copied))
    }

    pub(super) fn raw_changes(&self, after: Revision, most: usize) -> Result<Vec<RawChange>, StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.raw_changes(after, most),
            Database::Postgres(postgres) => postgres.raw_changes(after, most),
        }
    }

    fn raw_viewings(&self, after: i64, most: usize) -> Result<Vec<RawViewing>, StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.raw_viewings(after, most),
            Database::Postgres(postgres) => postgres.raw_viewings(after, most),
        }
    }

    pub(super) fn count_viewings(&self) -> Result<u64, StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.count_viewings(),
            Database::Postgres(postgres) => postgres.count_viewings(),
        }
    }

    /// Whether the database itself finds a fault. PostgreSQL is asked by
    /// reading: it checks pages as it reads them, where checksums are on.
    pub(super) fn check_structure(&self) -> Result<(), StoreError> {
        match &self.0.database {
            Database::Sqlite(sqlite) => sqlite.check_structure(),
            Database::Postgres(_) => Ok(()),
        }
    }
}
