//! The next snapshot, built from the last one and the changes since.

use std::collections::HashMap;
use std::sync::Arc;

use super::delta::Delta;
use super::digest::Mark;
use super::kept::{Kept, Written};
use super::key::Client;
use super::slice::Slice;
use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::policy::facts::Facts;
use crate::store::{ChangeEffect, IndexChange};

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
    pub(super) fn apply(&mut self, change: IndexChange) {
        let IndexChange { revision, recorded_at, effect } = change;
        let minute = |at: Instant| at.timestamp().div_euclid(60);
        if self.next.recorded_at.is_some_and(|last| minute(last) < minute(recorded_at)) {
            self.next.mark = Some(Mark { revision: self.next.revision, digest: self.next.digest });
        }
        self.next.revision = revision;
        self.next.recorded_at = Some(recorded_at);
        match effect {
            ChangeEffect::Declaration { client, assigned_id: told_id, facts } => {
                let kept = Kept::loaded(facts, told_id, revision);
                let is_new = self.next.declarations(&client).is_empty();
                let digest = self.next.digest_key.declaration(Client::from(&client), kept.facts(0));
                self.next.digest = self.next.digest.plus(digest);
                let (_, delta) = self.delta(client);
                let is_first = is_new && delta.added.is_empty();
                delta.declare(kept);
                self.next.clients += usize::from(is_first);
                self.next.declaration_count += 1;
            }
            ChangeEffect::Withdrawal { client, declaration_id, withdrawal } => {
                let (last, delta) = self.delta(client.clone());
                let (slice, entries) = last.declarations(&client).packed();
                let id = Written::new(&declaration_id, last.ids);
                let nowhere = Slice::default();
                let base = (slice.unwrap_or(&nowhere), entries);
                if let Some((facts, before)) = delta.end(&id, withdrawal, last.ids, base) {
                    let key = &last.digest_key;
                    let digest =
                        |withdrawal| key.declaration(Client::from(&client), Facts { withdrawal, ..facts });
                    let (before, after) = (digest(before), digest(facts.withdrawal));
                    self.next.digest = self.next.digest.minus(before).plus(after);
                }
            }
            ChangeEffect::Nothing => {}
            ChangeEffect::Directory(directory) => {
                let digest = |directory: &Directory| self.next.digest_key.directory(directory);
                let (before, after) = (digest(&self.next.directory), digest(&directory));
                self.next.digest = self.next.digest.minus(before).plus(after);
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
