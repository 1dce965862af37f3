//! The first step of a load: the changes of a range of revisions, packed and
//! grouped by client.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use uuid::Uuid;

use super::super::declaration_id::DeclarationId;
use super::super::entry::PackedEntry;
use super::super::key::{ClientHash, HashedClient, SLICES, Seed};
use super::super::overlay_entry::OverlayEntry;
use super::super::slice::Contents;
use super::piece::{Piece, Staged};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::policy::facts::{OwnedFacts, WithdrawalFacts};
use crate::policy::link::Link;
use crate::policy::oid::OpaqueId;
use crate::store::{ChangeEffect, IndexChange, Revision};

/// Number of groups in which the slices are built.
pub(super) const GROUPS: usize = 64;

/// Set in a staged client if the remaining bits are a position among `others`.
const IS_OTHER: u32 = 1 << 31;

/// Changes of a range of revisions.
pub(super) struct Stage {
    seed: Seed,
    pub(super) groups: Vec<Vec<Piece>>,
    pub(super) contents: Contents,
    pub(super) withdrawals: Vec<(WithdrawnId, WithdrawalFacts, Revision)>,
    /// Links and ends of links, in revision order.
    pub(super) links: Vec<LinkChange>,
    places_of_others: HashMap<ClientId, u32>,
    pub(super) directory: Option<(Revision, Instant, Arc<Directory>)>,
    pub(super) recorded_at: Option<Instant>,
    /// The system refused to allocate memory.
    pub(super) failure: Option<io::Error>,
}

/// The id of a withdrawn declaration. Nearly all are UUIDs.
pub(super) enum WithdrawnId {
    Uuid([u8; 16]),
    Other(OpaqueId<'static>),
}

/// Marks a withdrawal among the entries. No declaration has this entry: its day
/// and revision are out of range.
pub(super) const WITHDRAWAL: PackedEntry = PackedEntry([u64::MAX; 2]);

/// Marks among the entries that a link names the client, as [`WITHDRAWAL`] does.
pub(super) const LINKED: PackedEntry = PackedEntry([u64::MAX, u64::MAX - 1]);

/// A change of links.
pub(super) enum LinkChange {
    Link(Revision, Link),
    /// The end of a link that names the client.
    End(ClientId, OpaqueId<'static>),
}

impl Stage {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            seed,
            groups: std::iter::repeat_with(Vec::new).take(GROUPS).collect(),
            contents: Contents::default(),
            withdrawals: Vec::new(),
            links: Vec::new(),
            places_of_others: HashMap::new(),
            directory: None,
            recorded_at: None,
            failure: None,
        }
    }

    /// Stages the next change.
    pub(super) fn apply(&mut self, change: IndexChange) {
        let IndexChange { revision, recorded_at, effect } = change;
        self.recorded_at = Some(recorded_at);
        match effect {
            ChangeEffect::Declaration { client, assigned_id, facts } => {
                self.declare(client, revision, assigned_id.as_ref(), facts);
            }
            ChangeEffect::Withdrawal { client, declaration_id, withdrawal } => {
                let reference = place(self.withdrawals.len());
                self.withdrawals.push((WithdrawnId::of(declaration_id), withdrawal, revision));
                self.push(client, [(reference, WITHDRAWAL)]);
            }
            ChangeEffect::Link { client: _, link } => {
                for code in &link.linked.codes {
                    self.push(code.clone(), [(0, LINKED)]);
                }
                self.links.push(LinkChange::Link(revision, link));
            }
            ChangeEffect::LinkEnd { client, link } => self.links.push(LinkChange::End(client, link)),
            ChangeEffect::Nothing | ChangeEffect::Import(_) => {}
            ChangeEffect::Directory(directory) => {
                self.directory = Some((revision, recorded_at, Arc::new(directory)));
            }
        }
    }

    fn declare(
        &mut self,
        client: ClientId,
        revision: Revision,
        assigned_id: Option<&OpaqueId<'_>>,
        facts: OwnedFacts,
    ) {
        let borrowed = facts.as_facts(0);
        let (content, reference) = self.contents.intern(borrowed.content).split();
        let id = match assigned_id {
            None => DeclarationId::Derived(revision),
            Some(id) => DeclarationId::Assigned(revision, id.as_str()),
        };
        let id_place = self.contents.push_id(id);
        match PackedEntry::pack(&borrowed, revision, content, id_place) {
            Some((first, None)) => self.push(client, [(reference, first)]),
            Some((first, Some(second))) => self.push(client, [(reference, first), (0, second)]),
            None => {
                let unpacked = OverlayEntry::new(revision, assigned_id, facts);
                let reference = self.contents.push_unpacked(unpacked);
                if let Some(entry) = PackedEntry::unpacked(0, revision) {
                    self.push(client, [(reference, entry)]);
                }
            }
        }
    }

    fn push<const N: usize>(&mut self, client: ClientId, entries: [(u32, PackedEntry); N]) {
        let hash = self.seed.hash(HashedClient::from(&client));
        let client = match HashedClient::from(&client) {
            HashedClient::National(number) => number,
            HashedClient::Other(_) => self.other(client),
        };
        let Some(group) = self.groups.get_mut(hash.slice() / (SLICES / GROUPS)) else { return };
        for (reference, entry) in entries {
            if group.last().is_none_or(Piece::is_full) {
                match Piece::new() {
                    Ok(piece) => group.push(piece),
                    Err(error) => self.failure = Some(error),
                }
            }
            if let Some(piece) = group.last_mut() {
                piece.push(Staged { client, reference, entry });
            }
        }
    }

    fn other(&mut self, client: ClientId) -> u32 {
        let Self { places_of_others, contents, .. } = self;
        let at =
            places_of_others.entry(client).or_insert_with_key(|client| contents.push_other(client.clone()));
        *at | IS_OTHER
    }

    /// The hash of the client of an entry.
    pub(super) fn hash_of(&self, staged: &Staged) -> Option<ClientHash> {
        self.client_of(staged).map(|client| self.seed.hash(client))
    }

    /// The client of an entry.
    pub(super) fn client_of(&self, staged: &Staged) -> Option<HashedClient<'_>> {
        match staged.client.checked_sub(IS_OTHER) {
            None => Some(HashedClient::National(staged.client)),
            Some(at) => self.contents.others.get(at as usize).map(HashedClient::Other),
        }
    }
}

impl WithdrawnId {
    fn of(id: OpaqueId<'static>) -> Self {
        match Uuid::try_parse(id.as_str()) {
            // Only the canonical spelling of a UUID can be restored from its bytes.
            Ok(uuid) if OpaqueId::of_uuid(uuid.as_u128()) == id => Self::Uuid(uuid.into_bytes()),
            Ok(_) | Err(_) => Self::Other(id),
        }
    }

    /// The id as it was received.
    pub(super) fn id(&self) -> OpaqueId<'_> {
        match self {
            Self::Uuid(bytes) => OpaqueId::of_uuid(u128::from_be_bytes(*bytes)),
            Self::Other(id) => id.borrowed(),
        }
    }
}

fn place(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
