//! What an error says, as far as callers act on it.

use std::fmt::Debug;

use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// What an error says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    /// Of its `ErrorInfo`.
    pub(crate) reason: String,
    /// The fields of its `BadRequest`, in order.
    pub(crate) fields: Vec<String>,
    /// It says when to ask again.
    pub(crate) retry: bool,
}

/// The error id that a status tells.
pub(crate) fn error_id(status: &Status) -> String {
    status.get_details_request_info().expect("a RequestInfo").request_id
}

impl Refused {
    /// What a status says. Each carries its error id three times over: in
    /// words, in `ErrorInfo` and in `RequestInfo`.
    pub(crate) fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
        let error_id = &details.request_info().expect("a RequestInfo").request_id;
        assert_eq!(info.domain, "lupa.v1");
        assert_eq!(info.metadata.get("error_id"), Some(error_id));
        assert!(status.message().ends_with(&format!("(error {error_id})")), "{}", status.message());
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        assert!(violations.iter().all(|violation| !violation.description.is_empty()), "{violations:?}");
        Self {
            code: status.code(),
            reason: info.reason.clone(),
            fields: violations.iter().map(|violation| violation.field.clone()).collect(),
            retry: details.retry_info().is_some(),
        }
    }
}

/// What an answer that must be an error says.
pub(crate) fn refused<T: Debug>(answer: Result<Response<T>, Status>) -> Refused {
    Refused::of(&answer.expect_err("it is refused"))
}

/// An error with a reason only.
pub(crate) fn because(code: Code, reason: &str) -> Refused {
    let retry = matches!(code, Code::Unavailable | Code::ResourceExhausted);
    Refused { code, reason: reason.to_owned(), fields: Vec::new(), retry }
}

/// A request with fields at fault.
pub(crate) fn invalid(fields: &[&str]) -> Refused {
    Refused {
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..because(Code::InvalidArgument, "INVALID_REQUEST")
    }
}
