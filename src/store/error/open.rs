//! Errors of opening and creating a store.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::{DriverError, Loss, ReadError, WriteError};
use crate::store::place::Place;
use crate::store::random::NoRandomness;

/// Why a store could not be opened or created.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the file open for writing.
    #[error(
        "`{path}` is in use by another lupa process: stop that one first, or give this one a store of its own"
    )]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The operating system refused an operation on a file.
    #[error(
        "cannot {what} `{path}`: check that its directory exists, that lupa may write there and that the disk has room"
    )]
    File {
        /// The operation.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
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
        /// Its schema version.
        found: u32,
        /// The newest version that this program supports.
        known: u32,
    },
    /// Written by an older Lupa, and opened only to be followed.
    #[error(
        "`{store}` has version {found} of the store's schema and a lupa that only follows it cannot bring it to version {known}: start the lupa that writes it first"
    )]
    Older {
        /// The store.
        store: Place,
        /// Its schema version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// There is no file to follow.
    #[error(
        "there is no store at `{path}` to follow: correct the path, or start the lupa that writes it first"
    )]
    NothingToFollow {
        /// The path.
        path: PathBuf,
    },
    /// There is a file already where one was to be created.
    #[error(
        "there is a file at `{path}` already: give another path for the new store, or move the file away"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A write-ahead log or a watermark without its store.
    #[error(
        "found `{found}` but not the store it belongs to: put the store back beside it, or move it away to create a new store"
    )]
    WithoutStore {
        /// The log or the watermark.
        found: PathBuf,
    },
    /// A symbolic link to a file that does not exist.
    #[error(
        "`{link}` is a symbolic link that leads nowhere: mount or put back the file that it names, or remove the link to create a new store"
    )]
    DanglingLink {
        /// The link.
        link: PathBuf,
    },
    /// A file of the store, other than the store itself, is a symbolic link.
    #[error(
        "`{file}` is a symbolic link, and only the store itself may be one: move the file that it names here"
    )]
    LinkedFile {
        /// The link.
        file: PathBuf,
    },
    /// A file of the store has several names (hard links).
    #[error(
        "`{file}` has {names} names (hard links), and SQLite would keep a log for each: remove the other names, which `find -samefile` lists"
    )]
    SeveralNames {
        /// The file.
        file: PathBuf,
        /// The number of its names.
        names: u64,
    },
    /// Others may change the store.
    #[error(
        "`{path}` may be written by other users (mode {mode:04o}), who could change what clients have declared: run `chmod go-w` on it, or set store.allow_writable_by_others"
    )]
    WritableByOthers {
        /// A file of the store, or its folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file of another user, in a folder in which every user may create files.
    #[error(
        "`{file}` belongs to another user, in a folder where every user may create files: move the store to a folder of its own, or set store.allow_writable_by_others"
    )]
    OtherOwner {
        /// The file.
        file: PathBuf,
    },
    /// The file lacks acknowledged changes, or may lack them.
    #[error(
        "`{path}` has lost acknowledged changes, or may have ({loss}): put back the files that belong to it, or restore a backup; if neither is possible, `lupa store accept-loss {path}` reports the loss and starts a new epoch"
    )]
    Lost {
        /// The store.
        path: PathBuf,
        /// The loss.
        loss: Loss,
    },
    /// A loss was to be accepted, and there is none.
    #[error("`{path}` has every change that was acknowledged: start lupa as usual")]
    NothingLost {
        /// The store.
        path: PathBuf,
    },
    /// The SQLite library has a known fault.
    #[error(
        "the SQLite library is version {found} and lupa needs at least {least}, which fixes a fault that loses changes: build lupa with its bundled SQLite"
    )]
    LibraryTooOld {
        /// Its version number, as `3051003` for 3.51.3.
        found: i32,
        /// The oldest supported version number.
        least: i32,
    },
    /// SQLite would acknowledge commits that are not durable.
    #[error(
        "SQLite does not keep `{path}` durably: its {setting} is `{found}` and must be `{wanted}`; move the store to a local disk"
    )]
    NotDurable {
        /// The store.
        path: PathBuf,
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// The required value.
        wanted: &'static str,
    },
    /// The URL of the server is invalid.
    #[error("store.url: {fault}; write it as postgres://USER@HOST:PORT/DATABASE")]
    Url {
        /// Its fault.
        fault: String,
    },
    /// An option of the URL is not supported, or contradicts a setting.
    #[error("store.url: its option `{option}` {fault}")]
    UrlOption {
        /// The name of the option.
        option: String,
        /// Its fault, and what to do.
        fault: String,
    },
    /// No certificate authority is trusted for the server.
    #[error(
        "no certificate authority is trusted for the server of the store, so its certificate cannot be verified: set store.tls_ca_file to the certificates of the authorities that issue it"
    )]
    NoAuthorities,
    /// The database has no tables of Lupa.
    #[error("there is no store in `{store}`: correct store.url, or start a lupa that may write there first")]
    NothingThere {
        /// The store.
        store: Place,
    },
    /// The tables are missing or of an older version, and the role may not change them.
    #[error(
        "`{store}` has version {found} of the store's schema, this lupa writes version {known}, and the user of store.url may not change it: run `lupa store migrate` as the role that owns the schema (docs/storage.md, Roles)"
    )]
    MayNotMigrate {
        /// The store.
        store: Place,
        /// Its schema version; 0: it has no tables.
        found: u32,
        /// The version that this program writes.
        known: u32,
        /// The refusal of the server.
        source: DriverError,
    },
    /// This read-only replica allows more staleness than the writers assume.
    #[error(
        "index.max_staleness_ms is {} here, and the lupas that write `{store}` assume at most {}: lower it here, or raise it first where the store is written",
        own.as_millis(),
        most.as_millis()
    )]
    StalenessTooLong {
        /// The store.
        store: Place,
        /// The maximum staleness of this process.
        own: Duration,
        /// The maximum staleness that is registered in the store.
        most: Duration,
    },
    /// A thread could not be started.
    #[error("cannot start the thread that writes the store: check the limits on threads and memory")]
    NoThread(#[source] io::Error),
    /// The store could not be read, or its server not be reached.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store could not be written.
    #[error(transparent)]
    Write(WriteError),
}

impl From<WriteError> for OpenError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Read(error) => Self::Read(error),
            error @ (WriteError::ReadOnly
            | WriteError::Overloaded
            | WriteError::DirectoryChanged
            | WriteError::NotWritten(_)
            | WriteError::OutcomeUnknown(_)
            | WriteError::Stopped(_)
            | WriteError::WriterPanicked
            | WriteError::Io { .. }
            | WriteError::Encode(_)
            | WriteError::Miswritten
            | WriteError::ClientNotStorable) => Self::Write(error),
        }
    }
}

impl From<NoRandomness> for OpenError {
    fn from(error: NoRandomness) -> Self {
        Self::Read(error.into())
    }
}
