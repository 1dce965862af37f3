//! How a command ends, and what it tells when it could not do its work.

use std::io;
use std::process::ExitCode;

use super::document::Fault;
use super::refusal::Refusal;
use crate::config::ConfigFault;

/// How a command ended. The codes are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// Done, and the answer is negative.
    Negative = 1,
    /// An argument, a file or a setting cannot be read.
    Usage = 2,
    /// The server refused.
    Refused = 3,
    /// The server cannot be reached or cannot answer now.
    Unavailable = 4,
    /// A fault of our own.
    Internal = 70,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// An argument cannot be read.
    Usage(String),
    /// A file of messages cannot be read.
    Document(String, Vec<Fault>),
    /// The configuration cannot be read.
    Config(Vec<ConfigFault>),
    /// A file cannot be opened.
    File(String, io::Error),
    /// A file cannot be written.
    Written(String, io::Error),
    /// The server could not start or had to stop.
    Server(String),
    /// The server answered with an error.
    Refused(Box<Refusal>),
    /// No server answers there.
    Unreachable(String, tonic::transport::Error),
    /// Nothing can be printed.
    Output(io::Error),
    /// A fault of our own.
    Internal(&'static str),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Failure {
    /// How the command ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Document(..) | Self::Config(_) | Self::File(..) | Self::Written(..) => {
                Exit::Usage
            }
            Self::Server(_) => Exit::Unavailable,
            Self::Refused(refusal) => refusal.exit(),
            Self::Unreachable(..) => Exit::Unavailable,
            // Whoever read the output has read enough, as `head` does.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
            Self::Output(_) | Self::Internal(_) => Exit::Internal,
        }
    }

    /// Lines for a person: what is wrong and what to do next.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Usage(message) => format!("error: {message}\n"),
            Self::Document(file, faults) => {
                let told: String = faults.iter().map(|fault| fault.told(file) + "\n").collect();
                format!("{told}error: {file} cannot be used: {}\n", count(faults.len()))
            }
            Self::Config(faults) => {
                let told: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
                format!("{told}error: the configuration cannot be used: {}\n", count(faults.len()))
            }
            Self::File(file, error) => format!("error: {file} cannot be read: {error}. Correct the path.\n"),
            Self::Written(file, error) => {
                format!("error: {file} cannot be written: {error}. Correct the path.\n")
            }
            Self::Server(message) => format!("error: {message}\n"),
            Self::Refused(refusal) => refusal.told(),
            Self::Unreachable(server, error) => format!(
                "error: no server answers at {server}: {}. Start one with `lupa serve`, or name another with \
                 --server or LUPA_URL.\n",
                root_cause(error)
            ),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => String::new(),
            Self::Output(error) => format!("error: nothing can be printed: {error}\n"),
            Self::Internal(what) => format!("error: {what}. This is a fault of lupa: report it.\n"),
        }
    }
}

fn count(faults: usize) -> String {
    match faults {
        1 => "1 fault".to_owned(),
        faults => format!("{faults} faults"),
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
