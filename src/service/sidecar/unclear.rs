//! Why a call is denied without a question having been asked.

use crate::wire::violation::InvalidRequest;

/// A call that is no question, or not certainly one. It is denied, not guessed.
/// Never repeats what was sent: it may be personal.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unclear {
    #[error("Envoy told nothing of an HTTP request: check its configuration")]
    NoRequest,
    #[error("the path can be read in more than one way: send it normalized, without encoded slashes or dots")]
    Path,
    #[error("the query cannot be read: percent-encode it, with %20 for a space and %2B for a plus sign")]
    Query,
    #[error("a part of the body was sent to be decided about: bodies are not, so turn that off in Envoy")]
    Body,
    #[error(
        "the call has a body, or asks to upgrade the connection, and its method has none: send it without"
    )]
    BodyUnexpected,
    #[error(
        "the query has a parameter that the route does not name: leave it out, or have the operator add it to other_query"
    )]
    QueryUnexpected,
    #[error(
        "no route fits the method and the path: correct the call, or have the operator add to sidecar.routes"
    )]
    NoRoute,
    #[error("`{0}` is missing: send it as the operator of this service says")]
    Missing(&'static str),
    #[error("`{0}` was sent more than once, or with a comma: send it once")]
    Doubled(&'static str),
    #[error("`{name}` cannot be read: send {expected}")]
    Unreadable { name: &'static str, expected: &'static str },
    #[error("`{0}` was sent fewer times than there are records: send it once for each, in their order")]
    FewerThanRecords(&'static str),
    #[error("`{0}` was sent more times than there are records: send it once for each, in their order")]
    MoreThanRecords(&'static str),
    #[error("one `{0}` of several is empty: send it once for each record, in their order")]
    EmptyAmongSeveral(&'static str),
    #[error("{}", told(.0))]
    Invalid(#[from] InvalidRequest),
}

impl Unclear {
    /// For programs.
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

fn told(InvalidRequest { violations }: &InvalidRequest) -> String {
    let told = violations.iter().map(|violation| format!("`{}`: {}", violation.field, violation.description));
    told.collect::<Vec<_>>().join("; ")
}
