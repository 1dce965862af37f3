//! The log of viewings: which system viewed a client's declarations, and for which purpose.

use std::num::NonZeroU32;

use crate::policy::client_id::ClientId;
use crate::policy::declaration::RecordedBy;
use crate::policy::viewing::ViewingPurpose;

use super::Store;
use super::error::WriteError;
use super::job::{Job, PendingJob};

/// A viewing of a client's declarations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// Equal viewings, which are logged as one.
#[derive(Clone, Debug)]
pub(super) struct EqualViewings {
    pub(super) viewing: Viewing,
    pub(super) times: NonZeroU32,
}

/// The kind of response that showed declarations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

impl Store {
    /// Logs durably that declarations are viewed. Show them only after it has returned.
    pub async fn log_viewing(&self, viewing: Viewing) -> Result<(), WriteError> {
        self.log_viewings(viewing, NonZeroU32::MIN).await
    }

    /// Logs durably, as one row, that declarations were viewed so often.
    pub async fn log_viewings(&self, viewing: Viewing, times: NonZeroU32) -> Result<(), WriteError> {
        let viewings = EqualViewings { viewing, times };
        self.request(|reply| Job::Viewing(Box::new(PendingJob::new(viewings, reply)))).await?
    }
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
