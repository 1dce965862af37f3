//! Exit codes. They are part of the interface of the commands.

use std::process::ExitCode;

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// Done, and the answer is negative.
    Negative = 1,
    /// An argument, a file or a setting is invalid.
    Usage = 2,
    /// The server rejected the request.
    Refused = 3,
    /// The server cannot be reached or cannot answer now.
    Unavailable = 4,
    /// An internal error of lupa.
    Internal = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
