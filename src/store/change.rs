//! The data model of the store: what callers append, and what they read back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::id::DeclarationIds;
use super::lineage::Lineage;
use super::random::{NoRandomness, random};
use crate::policy::admit::{Admitted, PersonRecords, Submission, WithdrawalSubmission};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{Declaration, Kind, Withdrawal};
use crate::policy::directory::Directory;
use crate::policy::facts::{OwnedFacts, WithdrawalFacts};
use crate::policy::link::{Link, LinkEnd, LinkSubmission, RecordedLink, UnlinkSubmission};
use crate::policy::oid::OpaqueId;
use crate::policy::refusal::Refusal;

/// The number of a committed change. The first is 1; 0 is the empty store.
///
/// INVARIANT (dense): revisions are assigned in commit order, without holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// Identifies the history that a revision counts in. A new one starts when the store is created, and
/// whenever acknowledged changes may have been lost: after a backup was restored, and each time that a
/// server of the store was restarted or promoted. Its [`Lineage`] says what it continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub Uuid);

/// A revision in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The history.
    pub epoch: Epoch,
    /// The revision in it.
    pub revision: Revision,
}

/// Properties of a store that are read when it is opened.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) lineage: Arc<Lineage>,
    pub(super) token_key: [u8; 32],
    pub(super) ids: DeclarationIds,
    /// The largest staleness bound of all processes that share the store, as registered when it was
    /// opened.
    pub(super) max_staleness: Duration,
}

/// The last committed change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) revision: Revision,
    /// 1970-01-01 if there is none.
    pub(super) recorded_at: Instant,
}

/// A committed change.
#[derive(Clone, Debug)]
pub enum Change {
    /// A client made a declaration.
    Declaration {
        /// Its revision.
        revision: Revision,
        /// When it was stored here. The declaration's own time differs if it is imported.
        recorded_at: Instant,
        /// The client.
        client: ClientId,
        /// The declaration.
        declaration: Declaration,
    },
    /// A client withdrew a declaration. The policy decides whether the withdrawal has an effect.
    Withdrawal {
        /// Its revision.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
        /// The client.
        client: ClientId,
        /// The kind of the declaration.
        kind: Kind,
        /// The declaration.
        declaration_id: OpaqueId<'static>,
        /// By whom and when.
        withdrawal: Withdrawal,
    },
    /// A withdrawal of a denial or of information whose declarer this version cannot read. It has no
    /// effect.
    UnreadableWithdrawal {
        /// Its revision.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
    },
    /// The directory was replaced.
    Directory {
        /// Its revision.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
        /// The whole new directory.
        directory: Directory,
    },
    /// Codes of one person were linked. A link is stored as one change for each of its codes, all in one
    /// transaction and each with the whole link; it is in force from the first of them.
    Link {
        /// Its revision.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
        /// The code that this change is stored with.
        client: ClientId,
        /// The link.
        link: RecordedLink,
    },
    /// A link was ended. As of a link, there is one change for each of its codes.
    LinkEnd {
        /// Its revision.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
        /// The code that this change is stored with.
        client: ClientId,
        /// The id of the link.
        link: OpaqueId<'static>,
        /// By whom and when.
        end: LinkEnd,
    },
    /// The changes of an import start or end here. They were committed in one transaction.
    Import {
        /// Its revision.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
        /// Which of the two.
        boundary: ImportBoundary,
    },
}

/// The boundaries of the changes of an import, between which nobody decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportBoundary {
    /// The next change is the first of the import.
    Begin,
    /// The change before was the last of the import.
    End,
}

/// The part of a committed change that the index needs. A start loads millions of them, and nothing else
/// of a change.
#[derive(Clone, Debug)]
pub struct IndexChange {
    /// Its revision.
    pub revision: Revision,
    /// When it was stored here.
    pub recorded_at: Instant,
    /// Its effect on decisions.
    pub effect: ChangeEffect,
}

/// The next changes after a point.
#[derive(Clone, Debug)]
pub struct ChangeBatch {
    /// The changes, in order.
    pub changes: Vec<IndexChange>,
    /// True if a batch shorter than its limit proves that the index is current: the read was confirmed by
    /// a commit, which a deposed primary cannot do.
    pub proves_freshness: bool,
    /// The lineage of the epoch that the store is in.
    pub lineage: Arc<Lineage>,
}

/// The client whose declarations a change concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedClient {
    /// Its revision.
    pub revision: Revision,
    /// The client; `None` if the directory was replaced or an import starts or ends, which may concern
    /// every client.
    pub client: Option<ClientId>,
}

/// The effect of a committed change on decisions.
#[derive(Clone, Debug)]
pub enum ChangeEffect {
    /// See [`Change::Declaration`].
    Declaration {
        /// The client.
        client: ClientId,
        /// The declaration's id; `None` if it is derived from time and revision.
        assigned_id: Option<OpaqueId<'static>>,
        /// The facts that affect decisions.
        facts: OwnedFacts,
    },
    /// See [`Change::Withdrawal`].
    Withdrawal {
        /// The client.
        client: ClientId,
        /// The declaration.
        declaration_id: OpaqueId<'static>,
        /// The part of the withdrawal that affects decisions.
        withdrawal: WithdrawalFacts,
    },
    /// See [`Change::UnreadableWithdrawal`].
    Nothing,
    /// See [`Change::Directory`].
    Directory(Directory),
    /// See [`Change::Link`].
    Link {
        /// The code that the change is stored with.
        client: ClientId,
        /// The part of the link that affects decisions.
        link: Link,
    },
    /// See [`Change::LinkEnd`].
    LinkEnd {
        /// The code that the change is stored with.
        client: ClientId,
        /// The id of the link.
        link: OpaqueId<'static>,
    },
    /// See [`Change::Import`].
    Import(ImportBoundary),
}

/// A declaration, withdrawal or link to append.
pub struct Append {
    /// Identifies the request, however often it is sent.
    pub idempotency_key: OpaqueId<'static>,
    /// SHA-256 of the request.
    pub payload_digest: [u8; 32],
    /// What to append.
    pub entry: Entry,
    /// Whether it may be appended.
    pub admit: Admit,
}

/// What can be appended. Its time is stored to the microsecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A declaration, which is given an id.
    Declaration(Submission),
    /// The withdrawal of a declaration.
    Withdrawal(WithdrawalSubmission),
    /// A link, which is given an id.
    Link(LinkSubmission),
    /// The end of a link.
    Unlink(UnlinkSubmission),
}

/// Admission: checks an entry against what is recorded of the person, as it is when the change is recorded,
/// and accepts or refuses it. It runs inside the transaction, and again if the transaction is retried, so
/// it must be a pure function.
pub type Admit = Box<dyn Fn(&Entry, PersonRecords<'_>, Instant) -> Result<Admitted, Refusal> + Send>;

/// A change that was appended durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The epoch of the revision.
    pub epoch: Epoch,
    /// Its revision.
    pub revision: Revision,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The id of the new declaration or link, or of the one that was withdrawn or ended.
    pub id: OpaqueId<'static>,
    /// The notices of admission.
    pub admitted: Admitted,
    /// An earlier call with the same key appended it.
    pub is_replay: bool,
    /// Staleness bound of the store: a replica that has not applied the change stops deciding this long
    /// after it was recorded.
    pub max_staleness: Duration,
}

/// A directory to store.
pub(super) struct DirectoryReplacement {
    pub(super) directory: Directory,
    /// Store it only if no directory was stored after this point; none = in any case.
    pub(super) unchanged_since: Option<Point>,
}

/// A directory that was stored durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its point in the history.
    pub point: Point,
    /// See [`Appended::max_staleness`].
    pub max_staleness: Duration,
}

impl Entry {
    /// The clients whom it names; at least one.
    #[must_use]
    pub fn clients(&self) -> &[ClientId] {
        match self {
            Self::Declaration(Submission { client, .. })
            | Self::Withdrawal(WithdrawalSubmission { client, .. })
            | Self::Unlink(UnlinkSubmission { client, .. }) => std::slice::from_ref(client),
            Self::Link(LinkSubmission { linked, .. }) => &linked.codes,
        }
    }
}

impl Appended {
    /// Its point in the history.
    #[must_use]
    pub fn point(&self) -> Point {
        Point { epoch: self.epoch, revision: self.revision }
    }
}

impl Epoch {
    /// A new epoch.
    pub(super) fn random() -> Result<Self, NoRandomness> {
        Ok(Self(uuid::Builder::from_random_bytes(random()?).into_uuid()))
    }
}

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Change {
    /// Its revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        match self {
            Self::Declaration { revision, .. }
            | Self::Withdrawal { revision, .. }
            | Self::UnreadableWithdrawal { revision, .. }
            | Self::Directory { revision, .. }
            | Self::Link { revision, .. }
            | Self::LinkEnd { revision, .. }
            | Self::Import { revision, .. } => *revision,
        }
    }

    /// When it was recorded; never before the change before it.
    #[must_use]
    pub fn recorded_at(&self) -> Instant {
        match self {
            Self::Declaration { recorded_at, .. }
            | Self::Withdrawal { recorded_at, .. }
            | Self::UnreadableWithdrawal { recorded_at, .. }
            | Self::Directory { recorded_at, .. }
            | Self::Link { recorded_at, .. }
            | Self::LinkEnd { recorded_at, .. }
            | Self::Import { recorded_at, .. } => *recorded_at,
        }
    }
}
