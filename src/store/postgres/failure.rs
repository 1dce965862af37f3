//! Errors of the server and of the connection, without values of rows.

use std::error::Error;
use std::fmt;

use crate::store::error::with_causes;

/// SQLSTATE classes whose messages may quote values of a row: data exceptions, constraint violations and
/// errors raised by functions, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
const CLASSES_THAT_QUOTE: &[&str] = &["22", "23", "P0"];

/// What the server reported, or why the connection failed. Only the code and the message of an error are
/// kept: its other fields may contain personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PostgresFailure {
    text: String,
    /// The server answered, and refused the user or the statement.
    is_refusal: bool,
}

/// SQLSTATE classes of a refusal: invalid authorization, an unknown database or schema, and a missing right
/// or table.
const CLASSES_OF_REFUSAL: &[&str] = &["28", "3D", "3F", "42"];

impl fmt::Display for PostgresFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Error for PostgresFailure {}

impl From<tokio_postgres::Error> for PostgresFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(reported) = error.as_db_error() {
            let code = reported.code().code();
            let is_of = |classes: &[&str]| classes.iter().any(|class| code.starts_with(class));
            let quotes = is_of(CLASSES_THAT_QUOTE);
            let message = if quotes { "it says why in its own log" } else { reported.message() };
            let text = format!("{message} (SQLSTATE {code})");
            return Self { text, is_refusal: is_of(CLASSES_OF_REFUSAL) };
        }
        Self::of(with_causes(&error))
    }
}

impl PostgresFailure {
    fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_refusal: false }
    }

    /// Whether the server answered, and refused the user or the statement.
    pub(super) fn is_refusal(&self) -> bool {
        self.is_refusal
    }

    /// A timeout.
    pub(super) fn timed_out() -> Self {
        Self::of("no answer in time")
    }

    /// The server is a standby.
    pub(super) fn standby() -> Self {
        Self::of("it is a standby, which may lag and accepts no writes")
    }

    /// No host could be used.
    pub(super) fn of_hosts(failures: &[(&str, Self)]) -> Self {
        match failures {
            [(_, failure)] => failure.clone(),
            several => {
                let said: Vec<String> =
                    several.iter().map(|(host, failure)| format!("{host}: {failure}")).collect();
                Self {
                    text: said.join("; "),
                    is_refusal: several.iter().all(|(_, failure)| failure.is_refusal),
                }
            }
        }
    }

    /// An error of reading or writing bytes.
    pub(super) fn of_io(error: &std::io::Error) -> Self {
        Self::of(error.to_string())
    }

    /// Every connection of the pool is in use.
    pub(super) fn none_free() -> Self {
        Self::of("no connection became free in time")
    }

    /// The server sent a warning during a commit.
    pub(super) fn warned() -> Self {
        Self::of("the server warned while it committed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_without_a_response_reports_its_cause() {
        let error = "postgres://h?nonsense=1".parse::<tokio_postgres::Config>().unwrap_err();
        assert_eq!(
            PostgresFailure::from(error).to_string(),
            "invalid connection string: unknown option `nonsense`"
        );
    }
}
