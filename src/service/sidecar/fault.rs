//! Why a call is denied before anything is decided: it does not become one
//! unambiguous request. It is denied, never guessed.

use crate::wire::violation::InvalidRequest;

/// What is wrong with a call. The text never repeats what was sent, which may be
/// personal.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallFault {
    #[error("Envoy sent no HTTP request to check: correct its configuration")]
    NoRequest,
    #[error("the path can be read in more than one way: send it normalized, without encoded slashes or dots")]
    Path,
    #[error("the query is not valid: percent-encode it, with %20 for a space and %2B for a plus sign")]
    Query,
    #[error("Envoy sent a part of the body, which is not checked: turn `with_request_body` off")]
    Body,
    #[error(
        "the call has a body or asks to upgrade the connection, and its method allows neither: send it without"
    )]
    BodyUnexpected,
    #[error(
        "the query has a parameter that the route does not name: leave it out, or have the operator add it to other_query"
    )]
    QueryUnexpected,
    #[error(
        "no route has this method and path: correct the call, or have the operator add a route to sidecar.routes"
    )]
    NoRoute,
    #[error("`{0}` is missing: send it as the operator of this service requires")]
    Missing(&'static str),
    #[error("`{0}` was sent more than once, or with a comma: send it once")]
    Doubled(&'static str),
    #[error("`{name}` is not valid: send {expected}")]
    Unreadable { name: &'static str, expected: &'static str },
    #[error("`{0}` was sent fewer times than there are records: send it once for each, in their order")]
    FewerThanRecords(&'static str),
    #[error("`{0}` was sent more times than there are records: send it once for each, in their order")]
    MoreThanRecords(&'static str),
    #[error("one `{0}` of several is empty: send it once for each record, in their order")]
    EmptyAmongSeveral(&'static str),
    #[error("{}", in_words(.0))]
    Invalid(#[from] InvalidRequest),
}

impl CallFault {
    /// The reason, for programs: in the answer and the metrics.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoRequest => "NO_REQUEST",
            Self::Path => "PATH_AMBIGUOUS",
            Self::Query => "QUERY_UNREADABLE",
            Self::Body => "BODY_PARTIAL",
            Self::NoRoute => "NO_ROUTE",
            Self::BodyUnexpected => "BODY_UNEXPECTED",
            Self::QueryUnexpected => "QUERY_UNEXPECTED",
            Self::Missing(_) | Self::FewerThanRecords(_) => "PART_MISSING",
            Self::Doubled(_) | Self::MoreThanRecords(_) | Self::EmptyAmongSeveral(_) => "PART_DOUBLED",
            Self::Unreadable { .. } => "PART_UNREADABLE",
            Self::Invalid(_) => "INVALID_REQUEST",
        }
    }
}

fn in_words(InvalidRequest { violations }: &InvalidRequest) -> String {
    let words =
        violations.iter().map(|violation| format!("`{}`: {}", violation.field, violation.description));
    words.collect::<Vec<_>>().join("; ")
}
