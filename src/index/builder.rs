//! The next snapshot, built from the last one and the changes since.

use std::collections::HashMap;
use std::sync::Arc;

use super::delta::Delta;
use super::kept::{Kept, Written};
use super::slice::Slice;
use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;
use crate::policy::gist::Ending;
use crate::store::Change;

/// A snapshot under construction.
pub(super) struct Builder {
    /// The last snapshot; of the clients in `changed` it is out of date.
    next: Snapshot,
    changed: HashMap<ClientId, Delta>,
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
            Change::Declaration { revision, recorded_at: _, client, declaration } => {
                let kept = Kept::of(declaration, revision, self.next.ids);
                let is_new = self.next.declarations(&client).is_empty();
                let (_, delta) = self.delta(client);
                let is_first = is_new && delta.added.is_empty();
                delta.declare(kept);
                self.next.clients += usize::from(is_first);
                self.next.declaration_count += 1;
            }
            Change::Withdrawal { revision: _, recorded_at: _, client, declaration_id, withdrawal } => {
                let (last, delta) = self.delta(client.clone());
                let (slice, entries) = last.declarations(&client).packed();
                let id = Written::new(&declaration_id, last.ids);
                let nowhere = Slice::default();
                delta.end(&id, Ending::of(&withdrawal), last.ids, (slice.unwrap_or(&nowhere), entries));
            }
            Change::UnreadableWithdrawal { revision: _, recorded_at: _ } => {}
            Change::Directory { revision, recorded_at: _, directory } => {
                self.next.directory_revision = revision;
                self.next.directory = Arc::new(directory);
            }
        }
    }

    pub(super) fn finish(self) -> Snapshot {
        let Self { mut next, changed } = self;
        for (client, delta) in changed {
            next.overlay.insert_mut(client, Arc::new(delta));
        }
        next
    }

    /// The snapshot on which it builds, and what has changed for a client.
    fn delta(&mut self, client: ClientId) -> (&Snapshot, &mut Delta) {
        let Self { next, changed } = self;
        let delta = changed.entry(client).or_insert_with_key(|client| {
            next.overlay.get(client).map(|delta| Delta::clone(delta)).unwrap_or_default()
        });
        (next, delta)
    }
}
