//! Builds the next snapshot from the last one and the changes since: changes
//! go into the overlay, the base is shared.

use std::collections::HashMap;
use std::sync::Arc;

use super::declaration_id::ParsedId;
use super::delta::Delta;
use super::digest::MinuteDigest;
use super::key::{ClientKey, HashedClient};
use super::links::WithdrawalElsewhere;
use super::overlay_entry::OverlayEntry;
use super::slice::Slice;
use super::snapshot::Snapshot;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::policy::facts::Facts;
use crate::store::{ChangeEffect, ImportBoundary, IndexChange, Lineage};

/// A snapshot under construction.
pub(super) struct SnapshotBuilder {
    /// The last snapshot; for the clients in `changed` it is out of date.
    next: Snapshot,
    changed: HashMap<ClientId, Delta>,
}

impl SnapshotBuilder {
    /// On the last snapshot, in the epoch of the changes that follow.
    pub(super) fn on(last: &Snapshot, lineage: Arc<Lineage>) -> Self {
        Self { next: Snapshot { lineage, ..last.clone() }, changed: HashMap::new() }
    }

    /// Applies the next change.
    pub(super) fn apply(&mut self, change: IndexChange) {
        let IndexChange { revision, recorded_at, effect } = change;
        let minute = |at: Instant| at.timestamp().div_euclid(60);
        if self.next.recorded_at.is_some_and(|last| minute(last) < minute(recorded_at)) {
            let (revision, digest) = (self.next.revision, self.next.digest);
            self.next.minute_digest = Some(MinuteDigest { revision, digest });
        }
        self.next.revision = revision;
        self.next.recorded_at = Some(recorded_at);
        match effect {
            ChangeEffect::Declaration { client, assigned_id, facts } => {
                let is_new = self.next.of_code(&client).is_empty();
                let hashed = HashedClient::from(&client);
                let digest = self.next.digest_key.declaration(hashed, facts.as_facts(0));
                self.next.digest = self.next.digest.plus(digest);
                let (_, delta) = self.delta(client);
                let is_first = is_new && delta.added.is_empty();
                delta.declare(OverlayEntry::new(revision, assigned_id.as_ref(), facts));
                self.next.clients += usize::from(is_first);
                self.next.declaration_count += 1;
            }
            ChangeEffect::Withdrawal { client, declaration_id, withdrawal } => {
                let (last, delta) = self.delta(client.clone());
                let (slice, entries) = last.of_code(&client).packed();
                let id = ParsedId::new(&declaration_id, last.ids);
                let nowhere = Slice::default();
                let base = (slice.unwrap_or(&nowhere), entries);
                let withdrawn = delta.withdraw(&id, withdrawal, last.ids, base);
                if let Some((facts, before)) = withdrawn {
                    let (key, hashed) = (&last.digest_key, HashedClient::from(&client));
                    let digest = |withdrawal| key.declaration(hashed, Facts { withdrawal, ..facts });
                    let (before, after) = (digest(before), digest(facts.withdrawal));
                    self.next.digest = self.next.digest.minus(before).plus(after);
                } else {
                    let elsewhere = WithdrawalElsewhere { declaration: declaration_id, withdrawal, revision };
                    let hashed = HashedClient::from(&client);
                    let digest = self.next.digest_key.withdrawal_elsewhere(hashed, &elsewhere);
                    self.next.digest = self.next.digest.plus(digest);
                    self.next.links_mut().withdraw_elsewhere(ClientKey::from(hashed), elsewhere);
                }
            }
            ChangeEffect::Link { client: _, link } => {
                let digest = self.next.digest_key.link(revision, &link);
                let codes = link.linked.codes.clone();
                if self.next.links_mut().link(revision, link) {
                    self.next.digest = self.next.digest.plus(digest);
                    for code in codes {
                        self.delta(code).1.is_linked = true;
                    }
                }
            }
            ChangeEffect::LinkEnd { client, link } => {
                if let Some((revision, ended)) = self.next.links_mut().unlink(&client, &link) {
                    let digest = self.next.digest_key.link(revision, &ended);
                    self.next.digest = self.next.digest.minus(digest);
                }
            }
            ChangeEffect::Import(boundary) => {
                self.next.is_within_import = boundary == ImportBoundary::Begin;
            }
            ChangeEffect::Nothing => {}
            ChangeEffect::Directory(directory) => {
                let digest = |directory: &Directory| self.next.digest_key.directory(directory);
                let (before, after) = (digest(&self.next.directory), digest(&directory));
                self.next.digest = self.next.digest.minus(before).plus(after);
                self.next.directory_revision = revision;
                self.next.directory_recorded_at = Some(recorded_at);
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

    /// The last snapshot, and the changes of a client.
    fn delta(&mut self, client: ClientId) -> (&Snapshot, &mut Delta) {
        let Self { next, changed } = self;
        let delta = changed.entry(client).or_insert_with_key(|client| {
            next.overlay.get(client).map(|delta| Delta::clone(delta)).unwrap_or_default()
        });
        (next, delta)
    }
}
