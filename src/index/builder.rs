//! The next snapshot, built from the last one and the changes since. The
//! whole store is the changes since the empty snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;
use crate::store::{Change, ClientHistory};

/// A snapshot under construction.
pub(super) struct Builder {
    /// The last snapshot; of the clients in `changed` it is out of date.
    next: Snapshot,
    changed: HashMap<ClientId, ClientHistory>,
}

impl Builder {
    pub(super) fn on(last: &Snapshot) -> Self {
        Self { next: last.clone(), changed: HashMap::new() }
    }

    /// Applies the change that follows.
    pub(super) fn apply(&mut self, change: Change) {
        self.next.revision = change.revision();
        self.next.recorded_at = Some(change.recorded_at());
        match change {
            Change::Declaration { revision: _, recorded_at: _, client, declaration } => {
                self.history(client).declare(declaration);
                self.next.declaration_count += 1;
            }
            Change::Withdrawal { revision: _, recorded_at: _, client, declaration_id, withdrawal } => {
                self.history(client).withdraw(&declaration_id, withdrawal);
            }
            Change::UnreadableWithdrawal { revision: _, recorded_at: _ } => {}
            Change::Directory { revision: _, recorded_at: _, directory } => {
                self.next.directory = Arc::new(directory);
            }
        }
    }

    pub(super) fn finish(self) -> Snapshot {
        let Self { mut next, changed } = self;
        for (client, history) in changed {
            next.clients.insert_mut(client, history.into_declarations().into());
        }
        next
    }

    fn history(&mut self, client: ClientId) -> &mut ClientHistory {
        let Self { next, changed } = self;
        changed.entry(client).or_insert_with_key(|client| ClientHistory::of(next.declarations(client)))
    }
}
