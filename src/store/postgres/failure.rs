//! What a server said, without the values of rows.

use std::error::Error;
use std::fmt;

/// Classes of SQLSTATE whose messages may quote what is in a row: data
/// exceptions and violated constraints,
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
const CLASSES_THAT_QUOTE: &[&str] = &["22", "23", "P0"];

/// What a server said, or why it could not be asked. Of an error only the code
/// and the message are kept: what else there is tells values of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresFailure(String);

impl fmt::Display for PostgresFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for PostgresFailure {}

impl From<tokio_postgres::Error> for PostgresFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(told) = error.as_db_error() {
            let code = told.code().code();
            let quotes = CLASSES_THAT_QUOTE.iter().any(|class| code.starts_with(class));
            let message = if quotes { "it says why in its own log" } else { told.message() };
            return Self(format!("{message} (SQLSTATE {code})"));
        }
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            text = format!("{text}: {cause}");
            next = cause.source();
        }
        Self(text)
    }
}

impl PostgresFailure {
    /// Something that took too long.
    pub(super) fn timed_out() -> Self {
        Self("no answer in time".to_owned())
    }

    /// All connections are in use.
    pub(super) fn none_free() -> Self {
        Self("no connection became free in time".to_owned())
    }

    /// A warning of the server's.
    pub(super) fn warned() -> Self {
        Self("the server warned while it committed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_asked_is_told_with_its_cause() {
        let error = "postgres://h?nonsense=1".parse::<tokio_postgres::Config>().unwrap_err();
        assert_eq!(
            PostgresFailure::from(error).to_string(),
            "invalid connection string: unknown option `nonsense`"
        );
    }
}
