//! Compares a file with its watermark when it is opened: whether it has every change that was
//! acknowledged. An operator may accept a loss, which starts a new epoch.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use uuid::Uuid;

use super::connection::{self, damaged, read_error, write_error};
use super::epoch;
use super::file::{self, exists};
use super::log::{self, LogState};
use super::open::check_whole;
use super::protection;
use super::watermark::{self, FoundMark, Mark};
use crate::store::change::{Epoch, Revision};
use crate::store::error::{Loss, OpenError};

/// The first schema version that marks backups.
const BACKUPS_MARKED_SINCE: u32 = 3;

/// The first schema version whose stores have a watermark.
const WATERMARKS_SINCE: u32 = 6;

/// The end of a file, and its watermark.
pub(super) struct WatermarkCheck {
    schema_version: u32,
    pub(super) token_key: [u8; 32],
    pub(super) is_backup: bool,
    watermark: FoundMark,
    /// The last commit in the file.
    pub(super) head: Mark,
}

/// A loss of acknowledged changes that an operator has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedLoss {
    /// The epoch that has started.
    pub epoch: Epoch,
    /// The last revision that is kept.
    pub revision: Revision,
    /// The number of changes after it that are known to be lost. There may be more: after a power cut the
    /// watermark may lag.
    pub lost_changes: u64,
    /// The number of logged viewings that are known to be lost.
    pub lost_viewings: u64,
}

impl WatermarkCheck {
    /// Reads both. Another process may be writing them.
    pub(super) fn read(connection: &Connection, path: &Path) -> Result<Self, OpenError> {
        let error = |source| read_error(path, source);
        let schema_version = connection::schema_version(connection, path)?;
        let is_backup = if schema_version < BACKUPS_MARKED_SINCE { "0" } else { "is_backup" };
        let meta = format!("SELECT epoch, token_key, {is_backup} FROM meta");
        let (epoch, token_key, is_backup): (String, [u8; 32], bool) = connection
            .query_row(&meta, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .map_err(error)?;
        let epoch =
            Uuid::parse_str(&epoch).map_err(|_| damaged(path, "its epoch is not a UUID".to_owned()))?;
        // Before the head: the writer raises the watermark after the commit.
        let watermark = watermark::read(path, &token_key)?;
        let ends = "SELECT (SELECT coalesce(max(revision), 0) FROM change),
                           (SELECT coalesce(max(number), 0) FROM viewing)";
        let (revision, viewing) =
            connection.query_row(ends, (), |row| Ok((row.get(0)?, row.get(1)?))).map_err(error)?;
        let head = Mark { epoch: Epoch(epoch), revision: Revision(revision), viewing };
        Ok(Self { schema_version, token_key, is_backup, watermark, head })
    }

    /// The loss that the watermark shows. A backup starts a new epoch, so nothing is expected of it.
    pub(super) fn loss(&self) -> Option<Loss> {
        let Self { schema_version, token_key: _, is_backup, watermark, head } = self;
        if *is_backup {
            return None;
        }
        match watermark {
            // It has a watermark from its migration on.
            FoundMark::Missing if *schema_version < WATERMARKS_SINCE => None,
            FoundMark::Missing => Some(Loss::NoWatermark),
            FoundMark::Unverified => Some(Loss::UnverifiedWatermark),
            FoundMark::Mark(mark) if mark.epoch != head.epoch => Some(Loss::OtherEpoch),
            FoundMark::Mark(mark) if mark.revision > head.revision => {
                Some(Loss::Changes { acknowledged: mark.revision, found: head.revision })
            }
            FoundMark::Mark(mark) if mark.viewing > head.viewing => {
                Some(Loss::Viewings { acknowledged: mark.viewing, found: head.viewing })
            }
            FoundMark::Mark(_) => None,
        }
    }

    /// An error if there is a loss.
    pub(super) fn check(&self, path: &Path) -> Result<(), OpenError> {
        self.loss().map_or(Ok(()), |loss| Err(OpenError::Lost { path: path.to_owned(), loss }))
    }

    /// Whether the file has to get a watermark before it is migrated.
    pub(super) fn is_without_watermark(&self) -> bool {
        self.watermark == FoundMark::Missing
    }

    /// The number of changes and viewings that are known to be lost.
    pub(super) fn lost(&self) -> (u64, u64) {
        match self.watermark {
            FoundMark::Mark(mark) => {
                let changes = mark.revision.0.saturating_sub(self.head.revision.0);
                (changes, mark.viewing.saturating_sub(self.head.viewing))
            }
            FoundMark::Missing | FoundMark::Unverified => (0, 0),
        }
    }
}

/// Checks the log before SQLite reads it. Returns whether it ends with a torn commit.
pub(super) fn check_log(path: &Path) -> Result<bool, OpenError> {
    match log::read(path)? {
        LogState::Sound => Ok(false),
        LogState::TornTail => Ok(true),
        LogState::Damaged { frame, commits } => {
            Err(OpenError::Lost { path: path.to_owned(), loss: Loss::Log { frame, commits } })
        }
    }
}

/// See [`crate::store::Store::accept_loss`].
///
/// Until the last step the watermark differs from the file, so that an interrupted call is refused at the
/// next start and can be repeated.
pub(in crate::store) fn accept_loss(
    named: &Path,
    allow_writable_by_others: bool,
) -> Result<AcceptedLoss, OpenError> {
    connection::check_library()?;
    let path = file::canonical(named)?;
    protection::check(named, &path, allow_writable_by_others)?;
    if !exists(&path)? {
        return Err(OpenError::NothingToFollow { path });
    }
    let _path_lock = file::lock(&path)?;
    let _file_lock = file::lock_file(&path)?;
    file::check_header(&path)?;
    let log = log::read(&path)?;
    let mut connection = connection::connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection::keep_log_on_close(&connection, &path, true)?;
    let found = WatermarkCheck::read(&connection, &path)?;
    if found.loss().is_none() && !matches!(log, LogState::Damaged { .. }) {
        return Err(OpenError::NothingLost { path });
    }
    check_whole(&connection, &path)?;
    let (lost_changes, lost_viewings) = found.lost();
    let WatermarkCheck { token_key, head, .. } = found;
    let epoch = Epoch::random()?;
    let acknowledged = Mark {
        epoch,
        revision: Revision(head.revision.0 + lost_changes),
        viewing: head.viewing + lost_viewings,
    };
    watermark::create(&path, &token_key, acknowledged)?;
    close_log(&connection, &path)?;
    connection::migrate(&mut connection, &path)?;
    epoch::start(&mut connection, &path, epoch, head.revision)?;
    watermark::create(&path, &token_key, Mark { epoch, ..head })?;
    Ok(AcceptedLoss { epoch, revision: head.revision, lost_changes, lost_viewings })
}

/// Moves the log into the file and removes it. An error if any other process has the store open: one that
/// follows it has read what is lost.
fn close_log(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let in_use = || OpenError::InUse { path: path.to_owned() };
    let mode: rusqlite::Result<String> =
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0));
    match mode {
        Ok(mode) if mode == "delete" => Ok(()),
        Ok(_) => Err(in_use()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Err(in_use()),
        Err(error) => Err(write_error(path, error).into()),
    }
}
