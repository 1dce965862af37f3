//! What is appended to the store, and what is read back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::error::StoreError;
use super::id::DeclarationIds;
use super::random::random;
use crate::policy::admit::Admitted;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{
    ClientDeclarations, Content, Declaration, Declarer, Label, RecordedBy, Withdrawal,
};
use crate::policy::directory::Directory;
use crate::policy::facts::{OwnedFacts, WithdrawalFacts};
use crate::policy::oid::OpaqueId;
use crate::policy::refusal::Refusal;

/// The number of a committed change. The first is 1; 0 is the empty store.
///
/// INVARIANT (dense): revisions are given in commit order and without holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// Which history a revision is of: begun when the store is made, and anew when
/// it has lost changes that it had, as after a backup was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub Uuid);

/// A place in the history of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Of which history.
    pub epoch: Epoch,
    /// Where in it.
    pub revision: Revision,
}

/// What tells a store from others.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub(super) epoch: Epoch,
    pub(super) token_key: [u8; 32],
    pub(super) ids: DeclarationIds,
    /// The longest of all who share the store, as far as it was told when this was opened.
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
    /// A client declared.
    Declaration {
        /// Its place in the order of changes.
        revision: Revision,
        /// When it was stored here; the declaration's own time may differ if it is imported.
        recorded_at: Instant,
        /// Who.
        client: ClientId,
        /// What.
        declaration: Declaration,
    },
    /// A client withdrew. Whether that ends the declaration is for the policy to say.
    Withdrawal {
        /// Its place in the order of changes.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
        /// Who.
        client: ClientId,
        /// The declaration withdrawn.
        declaration_id: OpaqueId<'static>,
        /// By whom and when.
        withdrawal: Withdrawal,
    },
    /// A withdrawal of a denial or of information, of which this version
    /// cannot read by whom it was made. It ends nothing.
    UnreadableWithdrawal {
        /// Its place in the order of changes.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
    },
    /// The directory was replaced.
    Directory {
        /// Its place in the order of changes.
        revision: Revision,
        /// When it was stored here.
        recorded_at: Instant,
        /// The whole new directory.
        directory: Directory,
    },
}

/// What of a committed change decides, as it is loaded: of millions nothing
/// else is wanted.
#[derive(Clone, Debug)]
pub struct IndexChange {
    /// Its place in the order of changes.
    pub revision: Revision,
    /// When it was stored here.
    pub recorded_at: Instant,
    /// What decides.
    pub effect: ChangeEffect,
}

/// What comes after a point.
#[derive(Clone, Debug)]
pub struct ChangeBatch {
    /// The next changes.
    pub changes: Vec<IndexChange>,
    /// If there are none, nothing was there when it was looked: the store was
    /// asked in a way in which one that has been replaced cannot answer.
    pub proves_freshness: bool,
}

/// Whom a committed change concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedClient {
    /// Its place in the order of changes.
    pub revision: Revision,
    /// Whose declarations have changed; none = the directory was replaced,
    /// which may concern everyone.
    pub client: Option<ClientId>,
}

/// What of a committed change decides.
#[derive(Clone, Debug)]
pub enum ChangeEffect {
    /// See [`Change::Declaration`].
    Declaration {
        /// Who.
        client: ClientId,
        /// Its id; none = it follows from the time and the revision.
        told_id: Option<OpaqueId<'static>>,
        /// What.
        facts: OwnedFacts,
    },
    /// See [`Change::Withdrawal`].
    Withdrawal {
        /// Who.
        client: ClientId,
        /// The declaration withdrawn.
        declaration_id: OpaqueId<'static>,
        /// How it ends the declaration.
        withdrawal: WithdrawalFacts,
    },
    /// See [`Change::UnreadableWithdrawal`].
    Nothing,
    /// See [`Change::Directory`].
    Directory(Directory),
}

/// Something to append for a client.
pub struct Append {
    /// Who declares or withdraws.
    pub client: ClientId,
    /// One key for one thing asked, however often it is sent.
    pub idempotency_key: OpaqueId<'static>,
    /// SHA-256 of what was asked.
    pub payload_digest: [u8; 32],
    /// What to append.
    pub entry: Entry,
    /// Whether it may be.
    pub admit: Admit,
}

/// What to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A declaration, which is given an id.
    Declaration {
        /// What it says.
        content: Content,
        /// When the client said it; none = as it is recorded. Kept to the microsecond.
        given_at: Option<Instant>,
        /// Who declares.
        declarer: Declarer,
        /// Who records.
        recorded_by: RecordedBy,
        /// How the client knows it again; only of a denial.
        label: Option<Label>,
    },
    /// The end of a declaration.
    Withdrawal {
        /// The declaration.
        declaration_id: OpaqueId<'static>,
        /// When the client said it; none = as it is recorded. Kept to the microsecond.
        given_at: Option<Instant>,
        /// Who withdraws.
        by: Declarer,
        /// Who records.
        recorded_by: RecordedBy,
    },
}

/// Decides on the client's declarations, as they are when it is recorded,
/// whether something may be appended. It runs while the store waits, and again
/// if the transaction has to be tried again: it computes and does nothing else.
pub type Admit = Box<dyn Fn(&ClientDeclarations, Instant) -> Result<Admitted, Refusal> + Send>;

/// What was appended, durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Of which epoch the revision is.
    pub epoch: Epoch,
    /// Its place in the order of changes.
    pub revision: Revision,
    /// When it was stored.
    pub recorded_at: Instant,
    /// The new declaration, or the one withdrawn.
    pub declaration_id: OpaqueId<'static>,
    /// What admission said.
    pub admitted: Admitted,
    /// It was appended by an earlier call with the same key.
    pub is_replay: bool,
    /// So long after the answer nobody who shares the store decides without it.
    pub max_staleness: Duration,
}

/// A new directory was stored, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Where it is in the history.
    pub point: Point,
    /// See [`Appended::max_staleness`].
    pub max_staleness: Duration,
}

/// Why nothing was appended, or, for `Store` and `Unknown`, why it is not known whether it was.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Admission refused it.
    #[error("it may not be recorded")]
    Refused(#[source] Refusal),
    /// The key came with something else before.
    #[error("the idempotency key was used for something else: give each request a key of its own")]
    KeyReused,
    /// The queue is full.
    #[error("the store has more to write than its queue holds: try again in a moment")]
    Overloaded,
    /// It was sent to be committed and no answer came: it may be recorded or not.
    #[error("whether it is recorded is not known: send the same again with the same idempotency key")]
    Unknown(#[source] Arc<StoreError>),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] Arc<StoreError>),
}

impl Appended {
    /// Where it is in the history.
    #[must_use]
    pub fn point(&self) -> Point {
        Point { epoch: self.epoch, revision: self.revision }
    }
}

impl Epoch {
    /// One that never was.
    pub(super) fn begin() -> Result<Self, StoreError> {
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
    /// Its place in the order of changes.
    #[must_use]
    pub fn revision(&self) -> Revision {
        match self {
            Self::Declaration { revision, .. }
            | Self::Withdrawal { revision, .. }
            | Self::UnreadableWithdrawal { revision, .. }
            | Self::Directory { revision, .. } => *revision,
        }
    }

    /// When it was stored here; never before the change before it.
    #[must_use]
    pub fn recorded_at(&self) -> Instant {
        match self {
            Self::Declaration { recorded_at, .. }
            | Self::Withdrawal { recorded_at, .. }
            | Self::UnreadableWithdrawal { recorded_at, .. }
            | Self::Directory { recorded_at, .. } => *recorded_at,
        }
    }
}
