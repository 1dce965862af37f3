//! Changes of a range of revisions, packed and grouped by client.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use uuid::Uuid;

use super::super::entry::{Entry, First, More, Says};
use super::super::kept::{Id, Kept};
use super::super::key::{Client, Hash, SLICES, Seed};
use super::super::slice::Contents;
use super::piece::{Piece, Staged};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::policy::facts::{ContentRef, WithdrawalFacts};
use crate::policy::oid::OpaqueId;
use crate::store::{ChangeEffect, IndexChange, Revision};

/// The slices are built in so many groups.
pub(super) const GROUPS: usize = 64;

/// Set in a staged client where the rest is a place among `others`.
const IS_OTHER: u32 = 1 << 31;

/// Changes of a range of revisions.
pub(super) struct Stage {
    seed: Seed,
    pub(super) groups: Vec<Vec<Piece>>,
    pub(super) contents: Contents,
    pub(super) withdrawals: Vec<(Withdrawn, WithdrawalFacts)>,
    places_of_others: HashMap<ClientId, u32>,
    pub(super) directory: Option<(Revision, Arc<Directory>)>,
    pub(super) recorded_at: Option<Instant>,
    /// The system gave no more memory.
    pub(super) failure: Option<io::Error>,
}

/// The id of a declaration that was withdrawn. Nearly all are UUIDs.
pub(super) enum Withdrawn {
    Uuid([u8; 16]),
    Other(OpaqueId<'static>),
}

/// In the place of a withdrawal's entry. No declaration has it: there are no
/// days and revisions as late as that.
pub(super) const WITHDRAWAL: Entry = Entry([u64::MAX; 2]);

impl Stage {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            seed,
            groups: std::iter::repeat_with(Vec::new).take(GROUPS).collect(),
            contents: Contents::default(),
            withdrawals: Vec::new(),
            places_of_others: HashMap::new(),
            directory: None,
            recorded_at: None,
            failure: None,
        }
    }

    /// Stages the change that follows.
    pub(super) fn apply(&mut self, loaded: IndexChange) {
        let IndexChange { revision, recorded_at, effect } = loaded;
        self.recorded_at = Some(recorded_at);
        match effect {
            ChangeEffect::Declaration { client, assigned_id: told_id, facts } => {
                self.declare(client, Kept::loaded(facts, told_id, revision));
            }
            ChangeEffect::Withdrawal { client, declaration_id, withdrawal } => {
                let reference = place(self.withdrawals.len());
                self.withdrawals.push((Withdrawn::of(declaration_id), withdrawal));
                self.push(client, [(reference, WITHDRAWAL)]);
            }
            ChangeEffect::Nothing => {}
            ChangeEffect::Directory(directory) => self.directory = Some((revision, Arc::new(directory))),
        }
    }

    fn declare(&mut self, client: ClientId, kept: Kept) {
        let says = self.contents.says(ContentRef::of(&kept.content));
        let told_id = match kept.id() {
            Id::Derived(_) => None,
            Id::Told(_, id) => Some(self.contents.tell(id)),
        };
        let more = More { withdrawal: kept.withdrawal, role: kept.role, told_id };
        let has_more = more != More::NOTHING;
        let (says, reference) = match says {
            Says::Information(at) => (Says::Information(0), at),
            Says::Consent(at) => (Says::Consent(0), at),
            Says::Denial(at) => (Says::Denial(0), at),
            Says::Unreadable(_) | Says::Kept(_) => (says, 0),
        };
        let (recorded_at, given_on, revision) = (kept.recorded_at, kept.given_on, kept.id().revision());
        let first = Entry::first(&First { recorded_at, given_on, revision, says, has_more });
        match (first, has_more.then(|| Entry::more(&more))) {
            (Some(first), None) => self.push(client, [(reference, first)]),
            (Some(first), Some(Some(more))) => self.push(client, [(reference, first), (0, more)]),
            (None, _) | (_, Some(None)) => {
                let reference = self.contents.keep(kept);
                if let Some(entry) = Entry::kept(0, revision) {
                    self.push(client, [(reference, entry)]);
                }
            }
        }
    }

    fn push<const N: usize>(&mut self, client: ClientId, entries: [(u32, Entry); N]) {
        let hash = self.seed.hash(Client::from(&client));
        let client = match Client::from(&client) {
            Client::National(number) => number,
            Client::Other(_) => self.other(client),
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
        let at = places_of_others.entry(client).or_insert_with_key(|client| contents.other(client.clone()));
        *at | IS_OTHER
    }

    /// The hash of the client of an entry.
    pub(super) fn hash_of(&self, staged: &Staged) -> Option<Hash> {
        self.client_of(staged).map(|client| self.seed.hash(client))
    }

    /// The client of an entry.
    pub(super) fn client_of(&self, staged: &Staged) -> Option<Client<'_>> {
        match staged.client.checked_sub(IS_OTHER) {
            None => Some(Client::National(staged.client)),
            Some(at) => self.contents.others.get(at as usize).map(Client::Other),
        }
    }
}

impl Withdrawn {
    fn of(id: OpaqueId<'static>) -> Self {
        match Uuid::try_parse(id.as_str()) {
            // Of the ways to write a UUID only one is taken for the id.
            Ok(uuid) if OpaqueId::of_uuid(uuid.as_u128()) == id => Self::Uuid(uuid.into_bytes()),
            Ok(_) | Err(_) => Self::Other(id),
        }
    }

    /// The id as it was written.
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
