//! The errors of commands, as printed for people: what happened and what to do
//! next.

use std::io;

use super::document::Fault;
use super::exit::Exit;
use super::input::InputFault;
use super::refusal::ServerRefusal;
use crate::config::ConfigFault;

/// Maximum number of lines that are named with a word that is unknown in all of them.
const LINES_MAX: usize = 10;

/// Why a command failed.
#[derive(Debug)]
pub enum CommandFailure {
    /// An argument is invalid.
    Usage(String),
    /// A file of messages is invalid.
    Document(String, Vec<Fault>),
    /// The configuration is invalid.
    Config(Vec<ConfigFault>),
    /// A file cannot be read.
    File(String, io::Error),
    /// A file cannot be written.
    Written(String, io::Error),
    /// The server could not start or had to stop.
    Server(String),
    /// The server answered with an error.
    Refused(Box<ServerRefusal>),
    /// No server answers at the address.
    Unreachable(String, tonic::transport::Error),
    /// The server did not answer in time.
    TimedOut {
        /// Its URL.
        server: String,
        /// The value of `--timeout`.
        seconds: u64,
    },
    /// Standard output cannot be written.
    Output(io::Error),
    /// An internal error of lupa.
    Internal(&'static str),
}

impl From<ServerRefusal> for CommandFailure {
    fn from(refusal: ServerRefusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<InputFault> for CommandFailure {
    fn from(fault: InputFault) -> Self {
        match fault {
            InputFault::Unreadable(name, error) => Self::File(name, error),
            InputFault::Invalid(name, faults) => Self::Document(name, faults),
        }
    }
}

impl CommandFailure {
    /// The exit code of the command.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Document(..) | Self::Config(_) | Self::File(..) | Self::Written(..) => {
                Exit::Usage
            }
            Self::Server(_) => Exit::Unavailable,
            Self::Refused(refusal) => refusal.exit(),
            Self::Unreachable(..) | Self::TimedOut { .. } => Exit::Unavailable,
            // The reader closed the pipe because it had read enough, as `head` does.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
            Self::Output(_) | Self::Internal(_) => Exit::Internal,
        }
    }

    /// The lines for standard error: what happened and what to do next.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Usage(message) => format!("error: {message}\n"),
            Self::Document(file, faults) => {
                let lines: String = told_once(faults).map(|fault| fault.in_file(file) + "\n").collect();
                format!("{lines}error: {file} is invalid: {}\n", count(faults.len()))
            }
            Self::Config(faults) => {
                let lines: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
                format!("{lines}error: the configuration is invalid: {}\n", count(faults.len()))
            }
            Self::File(file, error) => format!("error: cannot read {file}: {error}. Correct the path.\n"),
            Self::Written(file, error) => {
                format!("error: cannot write {file}: {error}. Correct the path.\n")
            }
            Self::Server(message) => format!("error: {message}\n"),
            Self::Refused(refusal) => refusal.message(),
            Self::Unreachable(server, error) => format!(
                "error: no server answers at {server}: {}. Start one with `lupa serve`, or name another with \
                 --server or LUPA_URL.\n",
                root_cause(error)
            ),
            Self::TimedOut { server, seconds } => format!(
                "error: {server} did not answer within {seconds} s, so the outcome is unknown. Retry, or wait longer \
                 with --timeout; to record, retry with the same --idempotency-key.\n"
            ),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => String::new(),
            Self::Output(error) => format!("error: cannot write to stdout: {error}\n"),
            Self::Internal(what) => format!("error: {what}. This is a fault of lupa: report it.\n"),
        }
    }
}

/// The faults, with the same unknown word only where it is first written, and the lines of the others.
fn told_once(faults: &[Fault]) -> impl Iterator<Item = Fault> {
    faults.iter().enumerate().filter_map(|(place, fault)| {
        let is_same =
            |other: &&Fault| other.unknown_word().is_some() && other.unknown_word() == fault.unknown_word();
        if faults.iter().take(place).any(|before| is_same(&before)) {
            return None;
        }
        let others: Vec<&Fault> = faults.iter().skip(place + 1).filter(is_same).collect();
        let mut fault = fault.clone();
        if !others.is_empty() {
            let lines: Vec<String> = others
                .iter()
                .filter_map(|other| other.line)
                .take(LINES_MAX)
                .map(|line| line.to_string())
                .collect();
            let more = if others.len() > lines.len() { ", …" } else { "" };
            fault.message.push_str(&format!(" (the same in line {}{more})", lines.join(", ")));
        }
        Some(fault)
    })
}

fn count(faults: usize) -> String {
    match faults {
        1 => "1 fault".to_owned(),
        faults => format!("{faults} faults"),
    }
}

pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;
    use crate::wire::v1;

    #[test]
    fn an_unknown_word_is_told_once_with_its_lines() {
        let record = "- { id: a, register: 1.2.3, kind: RECORD_KIND_PRESCRIPTON }\n";
        let text = format!("records:\n{}chanel: x\nground: x\n", record.repeat(13));
        let faults = Document::read(&text).expect("a file").parse::<v1::DecideRequest>().expect_err("faults");
        let message = CommandFailure::Document("q.yaml".to_owned(), faults).message();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 4, "{message}");
        assert!(lines[0].starts_with("q.yaml:2: records[0].kind: unknown value `RECORD_KIND_PRESCRIPTON`"));
        assert!(lines[0].ends_with("(the same in line 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …)"), "{message}");
        assert!(lines[1].contains("chanel: unknown field") && lines[2].contains("ground: unknown value"));
        assert_eq!(lines[3], "error: q.yaml is invalid: 15 faults");
    }
}
