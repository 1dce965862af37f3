//! Errors of reading a store.

use std::path::PathBuf;

use super::DriverError;
use crate::clock::ClockDiffers;
use crate::store::change::{Epoch, Revision};
use crate::store::place::Place;
use crate::store::random::NoRandomness;

/// Why a store could not be read. The caller may retry after [`ReadError::Io`],
/// [`ReadError::Unreachable`], [`ReadError::Refused`], [`ReadError::Standby`] and [`ReadError::Moved`], and
/// must load the store again after [`ReadError::OtherEpoch`].
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Revisions are missing.
    #[error("`{store}` lacks changes after revision {after}: keep it for investigation and restore a backup")]
    Hole {
        /// The store.
        store: Place,
        /// The last revision before the hole.
        after: Revision,
    },
    /// The store ends before a revision that the caller has seen in it.
    #[error(
        "`{store}` ends at revision {last} but has had {known}: it was replaced while in use; keep it for investigation and restart lupa with the right file"
    )]
    WentBack {
        /// The store.
        store: Place,
        /// Its last revision.
        last: Revision,
        /// The revision that the caller has seen.
        known: Revision,
    },
    /// The store is in an epoch that is not proven to have what the caller has read.
    #[error(
        "`{store}` is in epoch {epoch}, which does not continue what was read before: all of it is read again"
    )]
    OtherEpoch {
        /// The store.
        store: Place,
        /// Its current epoch.
        epoch: Epoch,
    },
    /// A part of a change cannot be read, and no restrictive reading of it exists.
    #[error(
        "the {part} of revision {revision} in `{store}` cannot be read: keep the file for investigation and restore a backup"
    )]
    Unreadable {
        /// The store.
        store: Place,
        /// The change.
        revision: Revision,
        /// The part.
        part: &'static str,
    },
    /// Damaged or cut short.
    #[error("`{store}` is damaged or cut short ({finding}): keep it for investigation and restore a backup")]
    Damaged {
        /// The store.
        store: Place,
        /// The first fault that was found.
        finding: String,
        /// The driver's error, if the driver could not read at all.
        source: Option<DriverError>,
    },
    /// Not an SQLite file.
    #[error(
        "`{path}` is not a store of lupa: give another path, or move the file away to create a new store"
    )]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// SQLite could not read the file.
    #[error("cannot read `{path}`: check the disk and the file's permissions")]
    Io {
        /// The store.
        path: PathBuf,
        /// The driver's error.
        source: DriverError,
    },
    /// The server could not be reached, or did not answer in time.
    #[error("`{store}` does not answer: check that the server runs, its address and the network")]
    Unreachable {
        /// The store.
        store: Place,
        /// The driver's error.
        source: DriverError,
    },
    /// The server refused a statement.
    #[error("`{store}` refuses a request of lupa: check the rights of its user and the version of lupa")]
    Refused {
        /// The store.
        store: Place,
        /// The driver's error.
        source: DriverError,
    },
    /// With this setting the server would acknowledge commits that are not durable, or isolate or
    /// encode otherwise than required.
    #[error(
        "`{store}` does not commit durably: its {setting} is `{found}` and must be `{wanted}`; change that on the server"
    )]
    ServerNotDurable {
        /// The store.
        store: Place,
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// The required value.
        wanted: &'static str,
    },
    /// The server is older than the oldest supported version.
    #[error("`{store}` is PostgreSQL {found} and lupa needs at least {least}: install a newer one")]
    ServerTooOld {
        /// The store.
        store: Place,
        /// Its `server_version_num`.
        found: i32,
        /// The oldest supported `server_version_num`.
        least: i32,
    },
    /// The server is a standby.
    #[error(
        "`{store}` is a standby, which may lag behind: name the primary too, as in postgres://…@HOST,HOST/…"
    )]
    Standby {
        /// The store.
        store: Place,
    },
    /// The server was restarted, promoted or restored, and no process that may write has started a new
    /// epoch yet.
    #[error(
        "`{store}` was restarted, promoted or restored, and no lupa has started a new epoch there yet: wait, or start a lupa that may write there"
    )]
    Moved {
        /// The store.
        store: Place,
    },
    /// The clock of this machine differs from the database's.
    #[error(transparent)]
    ClockDiffers(#[from] ClockDiffers),
    /// A task that talks to the server has ended: a fault of the program.
    #[error(
        "a part of lupa that talks to the server of the store has ended: restart lupa and report the fault"
    )]
    Interrupted,
    /// No random bytes for a new epoch.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}
