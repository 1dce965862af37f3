//! The log of who viewed a client's declarations.

use crate::policy::client_id::ClientId;
use crate::policy::declaration::RecordedBy;
use crate::policy::viewing::ViewingPurpose;

/// A viewing of a client's declarations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewing {
    /// Whose declarations.
    pub client: ClientId,
    /// Who viewed them; none = not told.
    pub viewer: Option<RecordedBy>,
    /// Why.
    pub purpose: ViewingPurpose,
    /// What was shown.
    pub what: Viewed,
}

/// What was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewed {
    /// One declaration.
    Declaration,
    /// A list of declarations.
    List,
    /// A copy of the consents or a summary of the denials.
    Printout,
    /// The declarations considered in a decision.
    Explanation,
}

impl Viewed {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::List => "list",
            Self::Printout => "printout",
            Self::Explanation => "explanation",
        }
    }
}
