//! The log of who viewed a client's declarations.

use crate::policy::client_id::ClientId;
use crate::policy::declaration::RecordedBy;

/// A viewing of a client's declarations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewing {
    /// Whose declarations.
    pub client: ClientId,
    /// Who viewed them.
    pub viewer: RecordedBy,
    /// Why; none = not told, which is enough where no denials are shown.
    pub purpose: Option<ViewingPurpose>,
    /// What was shown.
    pub what: Viewed,
}

/// Why denials are viewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewingPurpose {
    /// The client wishes to change or see them.
    ClientChangesDenials,
    /// Data is disclosed outside Kanta.
    DisclosureOutsideKanta,
    /// A problem with data sharing is investigated.
    Investigation,
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
}

impl ViewingPurpose {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ClientChangesDenials => "client_changes_denials",
            Self::DisclosureOutsideKanta => "disclosure_outside_kanta",
            Self::Investigation => "investigation",
        }
    }
}

impl Viewed {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::List => "list",
            Self::Printout => "printout",
        }
    }
}
