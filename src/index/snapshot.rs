//! Everything at one revision.

use std::sync::Arc;

use rpds::HashTrieMapSync;

use super::base::Base;
use super::delta::Delta;
use super::digest::{Key, Mark, StateDigest};
use super::entry::Entry;
use super::kept::{Id, Kept};
use super::key::{Client, Hash};
use super::load::Loaded;
use super::slice::{self, Slice};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::policy::facts::Facts;
use crate::store::{DeclarationIds, Epoch, Point, Revision};

/// Everything at one revision: the packed base, and for the clients with
/// changes since it was packed, those. Immutable; it shares with its
/// predecessor what did not change.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) epoch: Epoch,
    pub(super) revision: Revision,
    pub(super) recorded_at: Option<Instant>,
    pub(super) base: Arc<Base>,
    pub(super) overlay: HashTrieMapSync<ClientId, Arc<Delta>>,
    pub(super) directory: Arc<Directory>,
    pub(super) directory_revision: Revision,
    pub(super) ids: DeclarationIds,
    pub(super) clients: usize,
    pub(super) declaration_count: u64,
    pub(super) digest_key: Key,
    pub(super) digest: StateDigest,
    /// None until a minute has ended since it was loaded.
    pub(super) mark: Option<Mark>,
}

/// A client's declarations at one revision, as far as they decide.
#[derive(Clone, Copy, Debug)]
pub struct Declarations<'s> {
    slice: Option<&'s Slice>,
    packed: &'s [Entry],
    delta: Option<&'s Delta>,
    ids: DeclarationIds,
}

/// The id of a declaration, as text.
#[derive(Clone, Copy, Debug)]
pub enum DeclarationId<'s> {
    /// Derived from when and as which change the declaration was stored.
    Derived([u8; 36]),
    /// As it was told.
    Told(&'s str),
}

impl Snapshot {
    pub(super) fn of(loaded: Loaded, epoch: Epoch, ids: DeclarationIds, digest_key: Key) -> Self {
        let Loaded { base, directory, directory_revision, revision, recorded_at, digest } = loaded;
        let (clients, declaration_count) = (base.clients(), base.declarations() as u64);
        Self {
            epoch,
            revision,
            recorded_at,
            base: Arc::new(base),
            overlay: HashTrieMapSync::new_sync(),
            directory,
            directory_revision,
            ids,
            clients,
            declaration_count,
            digest_key,
            digest,
            mark: None,
        }
    }

    /// Where in the history of the store it is.
    #[must_use]
    pub fn point(&self) -> Point {
        Point { epoch: self.epoch, revision: self.revision }
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

    /// A client's declarations; empty if there are none.
    #[must_use]
    pub fn declarations(&self, client: &ClientId) -> Declarations<'_> {
        let looked_for = Client::from(client);
        let (slice, packed) = self.base.find(self.base.seed.hash(looked_for), looked_for);
        let delta =
            if self.overlay.is_empty() { None } else { self.overlay.get(client).map(|delta| &**delta) };
        Declarations { slice, packed, delta, ids: self.ids }
    }

    /// The directory; empty until one is stored.
    #[must_use]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// How many clients have declared something.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// How many declarations there are, ended ones too.
    #[must_use]
    pub fn declaration_count(&self) -> u64 {
        self.declaration_count
    }

    /// Of all that decides.
    #[must_use]
    pub fn digest(&self) -> StateDigest {
        self.digest
    }

    /// The last state at the end of a minute; none until one has ended since it was loaded.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// The hash of a client in the base.
    pub(super) fn hash(&self, client: &ClientId) -> Hash {
        self.base.seed.hash(Client::from(client))
    }
}

impl<'s> Declarations<'s> {
    /// What of them decides, in revision order.
    pub fn facts(self) -> impl Iterator<Item = Facts<'s>> {
        let Self { slice, packed, delta, ids: _ } = self;
        let packed = slice.into_iter().flat_map(move |slice| {
            slice::declarations(packed).map(move |(place, entry, more)| {
                let facts = slice.facts(place, entry, more);
                match delta.and_then(|delta| delta.withdrawal(place)) {
                    None => facts,
                    withdrawal @ Some(_) => Facts { withdrawal, ..facts },
                }
            })
        });
        let added = delta.map(|delta| delta.added.as_slice()).unwrap_or_default();
        packed.chain((self.added_from()..).zip(added).map(|(place, kept)| kept.facts(place)))
    }

    /// The id of the declaration at the place that its facts tells.
    #[must_use]
    pub fn id(self, place: u32) -> Option<DeclarationId<'s>> {
        let (id, recorded_at) = match place.checked_sub(self.added_from()) {
            Some(added) => {
                let kept: &Kept = self.delta?.added.get(added as usize)?;
                (kept.id(), kept.recorded_at)
            }
            None => {
                let (_, entry, more) = slice::declarations(self.packed.get(place as usize..)?).next()?;
                let slice = self.slice?;
                (slice.id(entry, more)?, slice.facts(place, entry, more).recorded_at)
            }
        };
        Some(match id {
            Id::Derived(revision) => DeclarationId::Derived(self.ids.write(recorded_at, revision)),
            Id::Told(_, told) => DeclarationId::Told(told),
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.packed.is_empty() && self.delta.is_none_or(|delta| delta.added.is_empty())
    }

    /// The slice and the entries of the base, for those who look on in it.
    pub(super) fn packed(self) -> (Option<&'s Slice>, &'s [Entry]) {
        (self.slice, self.packed)
    }

    /// The place of the first declaration that is not in the base.
    fn added_from(self) -> u32 {
        u32::try_from(self.packed.len()).unwrap_or(u32::MAX)
    }
}

impl AsRef<str> for DeclarationId<'_> {
    fn as_ref(&self) -> &str {
        match self {
            Self::Derived(text) => std::str::from_utf8(text).unwrap_or_default(),
            Self::Told(text) => text,
        }
    }
}
