//! Errors of the store, by operation. Messages say what the operator does next and carry no personal
//! data. Errors of the database drivers stand behind them, as [`DriverError`].
//!
//! ```text
//!  OpenError ─▶ ReadError     open, connect          CopyError ─▶ OpenError    copy, back_up
//!            └▶ WriteError                                     └▶ ReadError
//!  ReadError                  load, follow, history, verify
//!  WriteError ─▶ ReadError    everything the writer thread does; AppendError for one append
//! ```

mod append;
mod copy;
mod loss;
mod open;
mod read;
mod write;

use std::error::Error;
use std::fmt;

pub use append::AppendError;
pub use copy::CopyError;
pub use loss::Loss;
pub use open::OpenError;
pub use read::ReadError;
pub use write::WriteError;

/// An error of a database driver. Callers print it as a cause; they do not match on it.
pub struct DriverError(Box<dyn Error + Send + Sync>);

/// An error with the chain of its causes, as it is logged: structured logs print no causes by themselves.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

impl DriverError {
    pub(super) fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }

    /// The driver's error, if it is of this type.
    #[cfg(test)]
    pub(super) fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for DriverError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
