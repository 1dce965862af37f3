//! What can go wrong with the store, and what the operator does next.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::change::{Epoch, Revision};
use super::place::Place;
use super::postgres::PostgresFailure;

/// What can go wrong with the store. Never carries personal data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "`{path}` is in use by another lupa process: stop that one first, or give this one a store of its own"
    )]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The operating system refused something.
    #[error(
        "cannot {what} `{path}`: check that its directory exists, that lupa may write there and that the disk has room"
    )]
    File {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Not an SQLite file.
    #[error("`{path}` is not a store of lupa: give another path, or move the file away to begin a new store")]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// An SQLite file of another application.
    #[error("`{path}` is an SQLite file of another application: give another path for the store of lupa")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer Lupa.
    #[error(
        "`{store}` has version {found} of the store's schema and this lupa knows versions up to {known}: install the newer lupa that wrote it"
    )]
    Newer {
        /// The store.
        store: Place,
        /// Its version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// Written by an older Lupa, and only to be read.
    #[error(
        "`{store}` has version {found} of the store's schema and a lupa that only follows it cannot bring it to version {known}: start the lupa that writes it first"
    )]
    Older {
        /// The store.
        store: Place,
        /// Its version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// No store where one was to be followed.
    #[error(
        "there is no store at `{path}` to follow: correct the path, or start the lupa that writes it first"
    )]
    NothingToFollow {
        /// The path.
        path: PathBuf,
    },
    /// Nothing is written through a store that is only followed.
    #[error("the store is only followed here: have it recorded by the lupa that writes the store")]
    ReadOnly,
    /// There is a store already where one was to be made.
    #[error(
        "there is a file at `{path}` already: give another path for the new store, or move the file away"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A write-ahead log without its store.
    #[error(
        "found `{log}` but not the store it belongs to: put the store back beside it, or move the log away to begin a new store"
    )]
    LogWithoutStore {
        /// The log.
        log: PathBuf,
    },
    /// Damaged or cut short.
    #[error("`{store}` is damaged or cut short ({finding}): keep it for investigation and restore a backup")]
    Damaged {
        /// The store.
        store: Place,
        /// What was found.
        finding: String,
        /// What SQLite said, if it could not even look.
        source: Option<rusqlite::Error>,
    },
    /// Revisions are missing.
    #[error("`{store}` lacks changes after revision {after}: keep it for investigation and restore a backup")]
    Hole {
        /// The store.
        store: Place,
        /// The last revision before the hole.
        after: Revision,
    },
    /// The store ends before a revision that it has had.
    #[error(
        "`{store}` ends at revision {last} but has had {known}: it was replaced while in use; keep it for investigation and restart lupa with the right file"
    )]
    WentBack {
        /// The store.
        store: Place,
        /// Its last revision.
        last: Revision,
        /// A revision that it has had.
        known: Revision,
    },
    /// The store is in another epoch than what was read of it.
    #[error("`{store}` has begun a new epoch, {epoch}: what was read of it before does not count any more")]
    OtherEpoch {
        /// The store.
        store: Place,
        /// Its epoch now.
        epoch: Epoch,
    },
    /// A change of which not even the unreadable may be guessed.
    #[error(
        "the {part} of revision {revision} in `{store}` cannot be read: keep the file for investigation and restore a backup"
    )]
    Unreadable {
        /// The store.
        store: Place,
        /// Which change.
        revision: Revision,
        /// Which part of it.
        part: &'static str,
    },
    /// The SQLite library has a known fault.
    #[error(
        "the SQLite library is version {found} and lupa needs at least {least}, in which a fault that loses changes is mended: build lupa with its bundled SQLite"
    )]
    LibraryTooOld {
        /// Its version number, as `3051003` for 3.51.3.
        found: i32,
        /// The least that will do.
        least: i32,
    },
    /// SQLite would acknowledge what is not yet on the disk.
    #[error(
        "SQLite does not keep `{path}` durably: its {setting} is `{found}` and must be `{wanted}`; move the store to a local disk"
    )]
    NotDurable {
        /// The store.
        path: PathBuf,
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// Reading failed.
    #[error("cannot read `{path}`: check the disk and the file's permissions")]
    Read {
        /// The store.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// Writing failed.
    #[error(
        "cannot write to `{path}`, so nothing more is recorded: check that the disk has room and is sound, then restart lupa"
    )]
    Write {
        /// The store.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// An earlier failure stopped the writer.
    #[error("the store has stopped recording after a failure: see to its cause, then restart lupa")]
    Stopped(#[source] Arc<StoreError>),
    /// A fault of the program stopped the writer.
    #[error(
        "the store has stopped recording after a fault of lupa itself: restart lupa and report the fault"
    )]
    WriterPanicked,
    /// The queue is full.
    #[error("the store has more to write than its queue holds: try again in a moment")]
    Overloaded,
    /// The URL of the server makes no sense.
    #[error("store.url: {fault}; write it as postgres://USER@HOST:PORT/DATABASE")]
    Url {
        /// What is wrong with it.
        fault: String,
    },
    /// There is nobody to vouch for the server.
    #[error(
        "there is no certificate to know the server of the store by: set store.tls_ca_file to the certificates of those who vouch for it"
    )]
    NoAuthorities,
    /// The server cannot be reached, or has not answered.
    #[error("`{store}` does not answer: check that the server runs, its address and the network")]
    Unreachable {
        /// The store.
        store: Place,
        /// Why not.
        source: PostgresFailure,
    },
    /// The server refused something.
    #[error("`{store}` refuses what lupa asks: check the rights of its user and the version of lupa")]
    Server {
        /// The store.
        store: Place,
        /// Why.
        source: PostgresFailure,
    },
    /// The server would acknowledge what is not yet on the disk, or reads and writes otherwise than is needed.
    #[error(
        "`{store}` does not keep what it commits: its {setting} is `{found}` and must be `{wanted}`; change that on the server"
    )]
    ServerNotDurable {
        /// The store.
        store: Place,
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// The server is older than what is supported.
    #[error("`{store}` is PostgreSQL {found} and lupa needs at least {least}: install a newer one")]
    ServerTooOld {
        /// The store.
        store: Place,
        /// Its `server_version_num`.
        found: i32,
        /// The least that will do.
        least: i32,
    },
    /// There are no tables of Lupa's in the database.
    #[error("there is no store in `{store}`: correct store.url, or start a lupa that may write there first")]
    NothingThere {
        /// The store.
        store: Place,
    },
    /// The server is a standby.
    #[error(
        "`{store}` is a standby, which may lag behind: name the primary too, as in postgres://…@HOST,HOST/…"
    )]
    Standby {
        /// The store.
        store: Place,
    },
    /// The server was promoted or restored, and it is not known yet whether changes were lost.
    #[error(
        "`{store}` was promoted or restored and it is not known yet whether it has lost changes: wait, or start a lupa that may write there"
    )]
    Unsettled {
        /// The store.
        store: Place,
    },
    /// Who only follows may be behind for longer than those who write it know.
    #[error(
        "index.max_staleness_ms is {} here, and those who write `{store}` count on no more than {}: lower it here, or raise it first where the store is written",
        own.as_millis(),
        most.as_millis()
    )]
    StalenessTooLong {
        /// The store.
        store: Place,
        /// How long it may be behind here.
        own: Duration,
        /// How long the store knows of.
        most: Duration,
    },
    /// There is a store already in the database to which another is to be copied.
    #[error("there is a store in `{store}` already, with changes in it: give an empty database")]
    NotEmpty {
        /// The store.
        store: Place,
    },
    /// A copy is not what it was copied from.
    #[error(
        "`{store}` does not say the same as what it was copied from: stop whoever writes the original, remove the copy and copy again"
    )]
    CopyDiffers {
        /// The copy.
        store: Place,
    },
    /// Nothing was written.
    #[error("nothing was recorded: try again")]
    NotWritten(#[source] Arc<StoreError>),
    /// Something was sent to be committed and no answer came.
    #[error("whether it is recorded is not known: look, or try again")]
    OutcomeUnknown(#[source] Arc<StoreError>),
    /// A part of Lupa that talks to the server has failed.
    #[error(
        "a part of lupa that talks to the server of the store has ended: restart lupa and report the fault"
    )]
    Interrupted,
    /// A change cannot be written as JSON: a fault of the program.
    #[error("what was to be recorded cannot be written as JSON: report the fault")]
    Encode(#[source] serde_json::Error),
    /// A change would not be read as it is written: a fault of the program.
    #[error("what was to be recorded could not be read again: report the fault")]
    Miswritten,
    /// The operating system gave no random bytes.
    #[error(
        "the operating system gives no random bytes for ids and keys: check that lupa may use its random source"
    )]
    NoRandomness(#[source] getrandom::Error),
    /// The writer's thread did not start.
    #[error("cannot start the thread that writes the store: check the limits on threads and memory")]
    NoThread(#[source] io::Error),
    /// The client's identifier has the root of the national identity code but is none.
    #[error(
        "the client's identifier has the root of the national identity code and is no identity code: correct one of them"
    )]
    ClientNotStorable,
    /// The copy was stopped before it was complete.
    #[error("the copy was stopped: no store was created")]
    CopyStopped,
    /// An imported declaration has an id that the store already has.
    #[error(
        "declaration {place} of the import, counted from 1, has the id of another declaration: give each an id of its own; nothing was imported"
    )]
    AlreadyImported {
        /// Its place, counted from 1.
        place: usize,
    },
}
