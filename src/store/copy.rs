//! Copies a whole store into another one, of either backend, and verifies that the two are equal.

use std::path::Path;

use super::backend::Backend;
use super::change::Revision;
use super::error::{CopyError, ReadError};
use super::id::DeclarationIds;
use super::options::StoreOptions;
use super::postgres::{self, Postgres, PostgresOptions};
use super::sqlite::{self, Sqlite};
use super::table::{ChangeRow, Rows};
use super::verify::{ROWS_PER_READ, Verified, verify};

/// Where a copy is created.
#[derive(Clone, Copy, Debug)]
pub enum CopyTo<'t> {
    /// A new file.
    File(&'t Path),
    /// A database without a store.
    Server(&'t PostgresOptions),
}

/// Progress of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPhase {
    /// Copied up to this revision.
    Copying(Revision),
    /// All is copied; the original is verified up to this revision.
    VerifyingOriginal(Revision),
    /// The copy is verified up to this revision.
    VerifyingCopy(Revision),
}

/// See [`super::Store::copy`].
pub(super) fn copy(
    original: &dyn Backend,
    to: CopyTo<'_>,
    options: StoreOptions,
    report: &mut dyn FnMut(CopyPhase) -> bool,
) -> Result<Option<Verified>, CopyError> {
    let (_, until) = original.head()?;
    let mut last = Revision(0);
    let mut last_viewing = 0;
    let mut next = || {
        if last < until {
            let rows = original.change_rows(last, ROWS_PER_READ)?;
            let read_to = rows.last().map_or(last, ChangeRow::revision);
            if read_to == last {
                return Err(ReadError::Hole { store: original.place(), after: last }.into());
            }
            last = read_to;
            return if report(CopyPhase::Copying(last)) {
                Ok(Rows::Changes(rows))
            } else {
                Err(CopyError::Stopped)
            };
        }
        let rows = original.viewing_rows(last_viewing, ROWS_PER_READ)?;
        match rows.last() {
            Some(row) => {
                last_viewing = row.number;
                Ok(Rows::Viewings(rows))
            }
            None => Ok(Rows::End),
        }
    };
    match to.create(original.declaration_ids(), &options, &mut next) {
        Err(CopyError::Stopped) => return Ok(None),
        created => created?,
    }
    to.with_opened(options, &mut |copy| compare(original, copy, report))
}

/// Verifies both stores and compares their digests.
fn compare(
    original: &dyn Backend,
    copy: &dyn Backend,
    report: &mut dyn FnMut(CopyPhase) -> bool,
) -> Result<Option<Verified>, CopyError> {
    let Some(verified) = verify(original, &mut |at| report(CopyPhase::VerifyingOriginal(at)))? else {
        return Ok(None);
    };
    let Some(copied) = verify(copy, &mut |at| report(CopyPhase::VerifyingCopy(at)))? else {
        return Ok(None);
    };
    let compared = |verified: &Verified| (verified.revision, verified.digest, verified.viewings);
    if compared(&verified) != compared(&copied) {
        return Err(CopyError::Differs { store: copy.place() });
    }
    Ok(Some(copied))
}

impl CopyTo<'_> {
    /// Creates the copy with the rows that `next` returns, up to [`Rows::End`].
    fn create(
        self,
        ids: DeclarationIds,
        options: &StoreOptions,
        next: &mut dyn FnMut() -> Result<Rows, CopyError>,
    ) -> Result<(), CopyError> {
        match self {
            Self::File(path) => sqlite::copy_in(path, ids, options.allow_writable_by_others, next),
            Self::Server(server) => postgres::copy_in(server, ids, next),
        }
    }

    /// Runs something on the copy, opened.
    fn with_opened<T>(
        self,
        options: StoreOptions,
        run: &mut dyn FnMut(&dyn Backend) -> Result<T, CopyError>,
    ) -> Result<T, CopyError> {
        match self {
            Self::File(path) => run(&Sqlite::open(path, options)?.backend),
            Self::Server(server) => run(&Postgres::open(server, options)?.backend),
        }
    }
}
