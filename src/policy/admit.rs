//! What may be recorded, by whom (domain rules §4, §7).

use smallvec::SmallVec;

use super::calendar::Calendar;
use super::client_id::ClientId;
use super::day::Instant;
use super::declaration::{ClientDeclarations, Content, Declarer, RecordedBy};
use super::directory::Directory;
use super::oid::OpaqueId;
use super::refusal::Refusal;

/// A declaration that someone wishes to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Whose declaration it is.
    pub client: ClientId,
    /// What it says.
    pub content: Content,
    /// When the client said it; none = as it is recorded.
    pub given_at: Option<Instant>,
    /// Who declares.
    pub declarer: Declarer,
    /// Who records.
    pub recorded_by: RecordedBy,
}

/// A withdrawal that someone wishes to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalSubmission {
    /// Whose declaration it is.
    pub client: ClientId,
    /// The declaration to end.
    pub declaration: OpaqueId<'static>,
    /// When the client said it; none = as it is recorded.
    pub given_at: Option<Instant>,
    /// Who withdraws.
    pub declarer: Declarer,
    /// Who records.
    pub recorded_by: RecordedBy,
}

/// What may be recorded, and what the professional should know of it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Admitted {
    /// In the order of the notices' enum.
    pub notices: SmallVec<[Notice; 3]>,
    /// The consent that it replaces.
    pub replaced: Option<OpaqueId<'static>>,
}

/// What the professional should know of what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// Given on an earlier day than recorded.
    LateEntry,
    /// The newest information has not been received.
    ProvideInformation,
    /// An earlier consent of the kind was replaced.
    ConsentReplaced,
}
