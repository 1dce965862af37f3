//! The error response of a server, as printed for people.

use std::error::Error;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::exit::Exit;
use super::failure::root_cause;
use super::input::Input;
use crate::telemetry::metrics::RpcStatus;

/// The error response of a server.
#[derive(Debug)]
pub struct ServerRefusal {
    status: Status,
    /// The fields at fault, each with what is wrong.
    violations: Vec<String>,
}

impl ServerRefusal {
    /// The error response to a request.
    pub(super) fn of(status: Status) -> Self {
        Self::of_file(status, None, "")
    }

    /// The error response to a request that was read from a file, if it was:
    /// fields are printed with their lines. `field` is the field of the request
    /// that the file contains; it is empty if the file contains the whole request.
    pub(super) fn of_file(status: Status, file: Option<&Input>, field: &str) -> Self {
        let in_words = |(path, what): (String, String)| match file {
            None => format!("{path}: {what}"),
            Some(file) => {
                let path =
                    path.strip_prefix(field).map_or(path.as_str(), |path| path.trim_start_matches('.'));
                file.fault(path, what).in_file(&file.name)
            }
        };
        let violations = violations(&status).map(in_words).collect();
        Self { status, violations }
    }

    /// The exit code of a command that received the error.
    pub(super) fn exit(&self) -> Exit {
        if self.is_of_connection() {
            return Exit::Unavailable;
        }
        match self.status.code() {
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated
            | Code::Aborted => Exit::Refused,
            // Without a delay the limit is one of the request itself: the same request can never succeed.
            Code::ResourceExhausted if self.retry_delay().is_none() => Exit::Refused,
            Code::Cancelled | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Unavailable => {
                Exit::Unavailable
            }
            Code::Unknown | Code::Internal | Code::DataLoss => Exit::Internal,
        }
    }

    /// Whether the connection failed, so that no server answered: only such a status has a cause.
    fn is_of_connection(&self) -> bool {
        self.status.source().is_some()
    }

    /// The delay before a retry can help, if one can.
    fn retry_delay(&self) -> Option<Duration> {
        let delay = self.status.get_details_retry_info().and_then(|retry| retry.retry_delay);
        delay.filter(|delay| !delay.is_zero())
    }

    /// The lines for standard error: what happened and what to do next.
    pub(super) fn message(&self) -> String {
        if self.is_of_connection() {
            return format!(
                "error: the connection to the server failed: {}. Check --server: it may be no lupa server, or it has \
                 stopped. To record, retry with the same --idempotency-key.\n",
                root_cause(&self.status)
            );
        }
        let code = self.status.code();
        let message = self.status.message();
        let mut lines = self.violations.clone();
        lines.push(format!("error: {}: {message}", RpcStatus::of(code.into()).name()));
        let mut facts = Vec::new();
        if let Some(info) = self.status.get_details_error_info() {
            facts.push(("code".to_owned(), info.reason));
            facts.extend(info.metadata.into_iter().map(|(key, value)| (key.replace('_', " "), value)));
        }
        let request = self.status.get_details_request_info();
        facts.extend(request.map(|request| ("error id".to_owned(), request.request_id)));
        facts.sort();
        facts.dedup();
        facts.retain(|(_, value)| !message.contains(value.as_str()));
        lines.extend(facts.iter().map(|(key, value)| format!("  {key}: {value}")));
        let delay = self.retry_delay();
        let next = next_step(code, !self.violations.is_empty(), delay.is_some());
        let next = match delay {
            Some(delay) => format!("{next} Retry in {}.", in_words(delay)),
            None => next.to_owned(),
        };
        lines.extend(Some(next).filter(|next| !next.is_empty()));
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Each field at fault, and what is wrong.
fn violations(status: &Status) -> impl Iterator<Item = (String, String)> + use<> {
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| (violation.field, violation.description))
}

/// What the user can do next.
fn next_step(code: Code, has_violations: bool, may_pass: bool) -> &'static str {
    match code {
        Code::Ok | Code::FailedPrecondition | Code::Aborted => "",
        Code::InvalidArgument | Code::OutOfRange if has_violations => {
            "Fix the fields listed above and retry."
        }
        Code::InvalidArgument | Code::OutOfRange => "Fix the request and retry.",
        Code::NotFound => "Look up the id with `lupa list`, that of a link with `lupa links`.",
        Code::AlreadyExists => {
            "For another declaration use another --idempotency-key; to retry, repeat the first request unchanged."
        }
        Code::PermissionDenied => {
            "Call the server from its own machine, or ask its operator to change [access] in the configuration."
        }
        Code::Unauthenticated => "Use an identity that the server accepts.",
        Code::Unimplemented => "Check --server: it may be no lupa server, or one of another version.",
        Code::ResourceExhausted if may_pass => "Send less at once, or wait and retry.",
        Code::ResourceExhausted => "Send less at once: the same request can never succeed.",
        Code::Unavailable => {
            "The server did not decide: this is neither permit nor deny. To record, retry with the same --idempotency-key."
        }
        Code::DeadlineExceeded | Code::Cancelled => {
            "The outcome is unknown. Retry; to record, with the same --idempotency-key."
        }
        Code::Unknown | Code::Internal | Code::DataLoss => {
            "Report it to the operator of the server, with the error id if there is one."
        }
    }
}

fn in_words(delay: Duration) -> String {
    match delay.as_millis() {
        millis if millis < 1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", delay.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn every_detail_of_the_status_is_printed() {
        let mut details = ErrorDetails::new();
        details
            .add_bad_request_violation("requester.register", "not an OID")
            .set_error_info("VIEWING_PURPOSE_REQUIRED", "lupa", [("version".to_owned(), "2.0".to_owned())])
            .set_request_info("e-17", "")
            .set_retry_info(Some(Duration::from_millis(200)));
        let status = Status::with_error_details(Code::Unavailable, "the cache is not ready", details);
        let refusal = ServerRefusal::of(status);
        assert_eq!(refusal.exit(), Exit::Unavailable);
        assert_eq!(
            refusal.message(),
            "requester.register: not an OID\n\
             error: UNAVAILABLE: the cache is not ready\n  code: VIEWING_PURPOSE_REQUIRED\n  error id: e-17\n  \
             version: 2.0\n\
             The server did not decide: this is neither permit nor deny. To record, retry with the same \
             --idempotency-key. Retry in 200 ms.\n"
        );
    }

    #[test]
    fn only_a_limit_that_passes_is_unavailable() {
        let permanent = ServerRefusal::of(Status::resource_exhausted("split it"));
        assert_eq!(permanent.exit(), Exit::Refused);
        assert!(permanent.message().ends_with("the same request can never succeed.\n"));
        let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(200)));
        let passing = ServerRefusal::of(Status::with_error_details(Code::ResourceExhausted, "busy", details));
        assert_eq!(passing.exit(), Exit::Unavailable);
        assert!(passing.message().ends_with("wait and retry. Retry in 200 ms.\n"));
    }

    #[test]
    fn a_field_of_a_file_is_printed_with_its_line() {
        let file =
            Input::from_text("directory.yaml", "organisations:\n- oid: 1.2\n  kind: x\n").expect("a file");
        let details =
            ErrorDetails::with_bad_request_violation("directory.organisations[0].kind", "unknown value");
        let status = Status::with_error_details(Code::InvalidArgument, "cannot be read", details);
        let message = ServerRefusal::of_file(status, Some(&file), "directory").message();
        assert!(message.starts_with("directory.yaml:3: organisations[0].kind: unknown value\n"), "{message}");
        assert!(message.ends_with("\nFix the fields listed above and retry.\n"), "{message}");
    }
}
