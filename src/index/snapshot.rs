//! Everything at one revision.

use std::sync::Arc;

use rpds::HashTrieMapSync;

use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{ClientDeclarations, Declaration};
use crate::policy::directory::Directory;
use crate::store::Revision;

/// Everything at one revision. Immutable; it shares with its predecessor what
/// did not change, so that the next one costs what changed.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) revision: Revision,
    pub(super) recorded_at: Option<Instant>,
    pub(super) clients: HashTrieMapSync<ClientId, Arc<[Declaration]>>,
    pub(super) directory: Arc<Directory>,
    pub(super) declaration_count: u64,
}

impl Snapshot {
    /// At revision 0.
    pub(super) fn empty() -> Self {
        Self {
            revision: Revision(0),
            recorded_at: None,
            clients: HashTrieMapSync::new_sync(),
            directory: Arc::default(),
            declaration_count: 0,
        }
    }

    /// The revision of its last change.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// When its last change was recorded; none if there is none.
    #[must_use]
    pub fn recorded_at(&self) -> Option<Instant> {
        self.recorded_at
    }

    /// A client's declarations in revision order; empty if there are none.
    #[must_use]
    pub fn declarations(&self, client: &ClientId) -> &ClientDeclarations {
        self.clients.get(client).map_or(&[], |declarations| declarations)
    }

    /// The directory; empty until one is stored.
    #[must_use]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// How many clients have declared something.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.size()
    }

    /// How many declarations there are, ended ones too.
    #[must_use]
    pub fn declaration_count(&self) -> u64 {
        self.declaration_count
    }
}
