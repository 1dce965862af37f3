//! A server's error as told to a person.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::failure::{Exit, Failure};
use super::input::Input;
use crate::telemetry::metrics::RpcStatus;

/// A server's error.
#[derive(Debug)]
pub struct Refusal {
    status: Status,
    /// The fields at fault, told.
    violations: Vec<String>,
}

impl Refusal {
    /// The error that answered a request.
    pub(super) fn of(status: Status) -> Failure {
        Self::of_file(status, None, "")
    }

    /// The error that answered what a file says, if there is one: fields are
    /// told with their lines. `field` is the field of the request that the
    /// file fills; none if it is the whole request.
    pub(super) fn of_file(status: Status, file: Option<&Input>, field: &str) -> Failure {
        let told = |(path, what): (String, String)| match file {
            None => format!("{path}: {what}"),
            Some(file) => {
                let path =
                    path.strip_prefix(field).map_or(path.as_str(), |path| path.trim_start_matches('.'));
                file.fault(path, what).told(&file.name)
            }
        };
        let violations = violations(&status).map(told).collect();
        Failure::Refused(Box::new(Self { status, violations }))
    }

    pub(super) fn exit(&self) -> Exit {
        match self.status.code() {
            Code::Ok
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => Exit::Refused,
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Unavailable => Exit::Unavailable,
            Code::Unknown | Code::Internal | Code::DataLoss => Exit::Internal,
        }
    }

    pub(super) fn told(&self) -> String {
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
        let delay = self.status.get_details_retry_info().and_then(|retry| retry.retry_delay);
        let next = match delay.filter(|delay| !delay.is_zero()) {
            Some(delay) => format!("{} Ask again in {}.", next(code), in_words(delay)),
            None => next(code).to_owned(),
        };
        lines.extend(Some(next).filter(|next| !next.is_empty()));
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Each field at fault, and what is wrong with it.
fn violations(status: &Status) -> impl Iterator<Item = (String, String)> + use<> {
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| (violation.field, violation.description))
}

/// What to do next.
fn next(code: Code) -> &'static str {
    match code {
        Code::Ok | Code::FailedPrecondition => "",
        Code::InvalidArgument | Code::OutOfRange => "Correct what is told above and ask again.",
        Code::NotFound => "Look up the id with `lupa list`.",
        Code::AlreadyExists => {
            "For another declaration choose another --idempotency-key; to retry, repeat the first one unchanged."
        }
        Code::PermissionDenied => {
            "Ask from the server's own machine, or have its operator change [access] in the configuration."
        }
        Code::Unauthenticated => "Ask with an identity that the server knows.",
        Code::Unimplemented => "Is it a lupa server, and of this version? Check --server.",
        Code::ResourceExhausted => "Send less at once, or wait and ask again.",
        Code::Unavailable => {
            "Nothing was answered, which is neither permit nor deny. To record, repeat with the same --idempotency-key."
        }
        Code::DeadlineExceeded | Code::Cancelled | Code::Aborted => {
            "It is not known whether it was done. Ask again; to record, with the same --idempotency-key."
        }
        Code::Unknown | Code::Internal | Code::DataLoss => {
            "Tell the server's operator, with the error id if there is one."
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
    fn everything_that_helps_is_told() {
        let mut details = ErrorDetails::new();
        details
            .add_bad_request_violation("requester.register", "not an OID")
            .set_error_info("VIEWING_PURPOSE_REQUIRED", "lupa", [("version".to_owned(), "2.0".to_owned())])
            .set_request_info("e-17", "")
            .set_retry_info(Some(Duration::from_millis(200)));
        let status = Status::with_error_details(Code::Unavailable, "the cache is not ready", details);
        let failure = Refusal::of(status);
        assert_eq!(failure.exit(), Exit::Unavailable);
        assert_eq!(
            failure.told(),
            "requester.register: not an OID\n\
             error: UNAVAILABLE: the cache is not ready\n  code: VIEWING_PURPOSE_REQUIRED\n  error id: e-17\n  \
             version: 2.0\n\
             Nothing was answered, which is neither permit nor deny. To record, repeat with the same --idempotency-key. Ask again in 200 ms.\n"
        );
    }

    #[test]
    fn a_field_of_a_file_is_told_with_its_line() {
        let file =
            Input::from_text("directory.yaml", "organisations:\n- oid: 1.2\n  kind: x\n").expect("a file");
        let details =
            ErrorDetails::with_bad_request_violation("directory.organisations[0].kind", "unknown value");
        let status = Status::with_error_details(Code::InvalidArgument, "cannot be read", details);
        let told = Refusal::of_file(status, Some(&file), "directory").told();
        assert!(told.starts_with("directory.yaml:3: organisations[0].kind: unknown value\n"), "{told}");
    }
}
