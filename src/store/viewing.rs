//! The log of viewings: which system viewed a client's declarations, and for which purpose.

use crate::policy::client_id::ClientId;
use crate::policy::declaration::RecordedBy;
use crate::policy::viewing::ViewingPurpose;

/// A viewing of a client's declarations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewing {
    /// The client whose declarations were viewed.
    pub client: ClientId,
    /// The system and person who viewed them; `None` if the caller did not say.
    pub viewer: Option<RecordedBy>,
    /// The purpose of the viewing.
    pub purpose: ViewingPurpose,
    /// The kind of response that showed them.
    pub what: Viewed,
}

/// The kind of response that showed declarations.
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
