//! The state of the store at one revision, which never changes.

use std::sync::Arc;

use rpds::HashTrieMapSync;

use super::base::Base;
use super::declaration_id::DeclarationId;
use super::delta::Delta;
use super::digest::{DigestKey, MinuteDigest, StateDigest};
use super::entry::PackedEntry;
use super::key::{ClientHash, HashedClient};
use super::linked::LinkedDeclarations;
use super::links::Links;
use super::load::LoadedIndex;
use super::slice::{self, Slice};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::directory::Directory;
use crate::policy::facts::Facts;
use crate::policy::link::Person;
use crate::policy::request::Situation;
use crate::policy::{Question, World};
use crate::store::{DeclarationIds, Lineage, Point, Revision};

/// The state at one revision: the packed base and the overlay, which holds the
/// changes since the last merge. Immutable; it shares unchanged parts with its
/// predecessor.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) lineage: Arc<Lineage>,
    pub(super) revision: Revision,
    pub(super) recorded_at: Option<Instant>,
    pub(super) base: Arc<Base>,
    pub(super) overlay: HashTrieMapSync<ClientId, Arc<Delta>>,
    pub(super) directory: Arc<Directory>,
    pub(super) directory_revision: Revision,
    pub(super) directory_recorded_at: Option<Instant>,
    pub(super) links: Arc<Links>,
    /// Its last change is one of an import whose end is not applied yet. Such a
    /// snapshot is never published.
    pub(super) is_within_import: bool,
    pub(super) ids: DeclarationIds,
    pub(super) clients: usize,
    pub(super) declaration_count: u64,
    pub(super) digest_key: DigestKey,
    pub(super) digest: StateDigest,
    /// None until a minute has ended since the load.
    pub(super) minute_digest: Option<MinuteDigest>,
}

/// The declarations under one code at one revision.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotDeclarations<'s> {
    slice: Option<&'s Slice>,
    packed: &'s [PackedEntry],
    delta: Option<&'s Delta>,
    ids: DeclarationIds,
    /// Whether a link has ever named the code.
    is_linked: bool,
}

/// The declarations of a client at one revision.
#[derive(Clone, Debug)]
pub enum PersonDeclarations<'s> {
    /// Of a client who is known under one code.
    Alone(SnapshotDeclarations<'s>),
    /// Of a person under several codes.
    Linked(Box<LinkedDeclarations<'s>>),
}

/// The id of a declaration, as text.
#[derive(Clone, Copy, Debug)]
pub enum DeclarationIdText<'s> {
    /// Derived from the time and the revision of the change.
    Derived([u8; 36]),
    /// Assigned by another system, before the declaration was imported.
    Assigned(&'s str),
}

impl Snapshot {
    pub(super) fn of(
        loaded: LoadedIndex,
        lineage: Arc<Lineage>,
        ids: DeclarationIds,
        digest_key: DigestKey,
    ) -> Self {
        let LoadedIndex {
            base,
            directory,
            directory_revision,
            directory_recorded_at,
            revision,
            recorded_at,
            digest,
            links,
        } = loaded;
        let (clients, declaration_count) = (base.clients(), base.declarations() as u64);
        Self {
            lineage,
            revision,
            recorded_at,
            base: Arc::new(base),
            overlay: HashTrieMapSync::new_sync(),
            directory,
            directory_revision,
            directory_recorded_at,
            links: Arc::new(links),
            is_within_import: false,
            ids,
            clients,
            declaration_count,
            digest_key,
            digest,
            minute_digest: None,
        }
    }

    /// Its epoch and revision.
    #[must_use]
    pub fn point(&self) -> Point {
        Point { epoch: self.lineage.epoch(), revision: self.revision }
    }

    /// Its epoch, and the earlier ones that it continues.
    #[must_use]
    pub fn lineage(&self) -> &Arc<Lineage> {
        &self.lineage
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

    /// When what decides about a client was recorded last: the client's declarations, their
    /// withdrawals and links, or the directory. None if there is nothing.
    #[must_use]
    pub fn recorded_of(&self, client: &ClientId) -> Option<Instant> {
        let declarations = self.declarations(client);
        let acts = declarations.facts().map(|facts| {
            facts
                .withdrawal
                .map_or(facts.recorded_at, |withdrawal| withdrawal.recorded_at.max(facts.recorded_at))
        });
        let linked = self.links.recorded_of(client);
        acts.chain(linked).chain(self.directory_recorded_at).max()
    }

    /// A client's declarations, under every code of the person; empty if there are none.
    #[inline]
    #[must_use]
    pub fn declarations(&self, client: &ClientId) -> PersonDeclarations<'_> {
        let alone = self.of_code(client);
        let person = if alone.is_linked { self.person(client) } else { None };
        match person {
            None => PersonDeclarations::Alone(alone),
            Some(person) => PersonDeclarations::Linked(Box::new(LinkedDeclarations::of(self, person))),
        }
    }

    /// The person of a client; none if the client is known under one code.
    #[must_use]
    pub fn person(&self, client: &ClientId) -> Option<&Person> {
        self.links.person(client).map(|linked| &linked.person)
    }

    /// The declarations under one code; empty if there are none.
    #[inline]
    pub(super) fn of_code(&self, client: &ClientId) -> SnapshotDeclarations<'_> {
        let hashed = HashedClient::from(client);
        let (slice, packed, is_marked) = self.base.find(self.base.seed.hash(hashed), hashed);
        let delta =
            if self.overlay.is_empty() { None } else { self.overlay.get(client).map(|delta| &**delta) };
        let is_linked = is_marked || delta.is_some_and(|delta| delta.is_linked);
        SnapshotDeclarations { slice, packed, delta, ids: self.ids, is_linked }
    }

    /// The links, to change them.
    pub(super) fn links_mut(&mut self) -> &mut Links {
        Arc::make_mut(&mut self.links)
    }

    /// The directory; empty until one is stored.
    #[must_use]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// When the directory was replaced last; none if it never was.
    #[must_use]
    pub fn directory_recorded_at(&self) -> Option<Instant> {
        self.directory_recorded_at
    }

    /// Number of clients with declarations.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// Number of declarations, withdrawn ones included.
    #[must_use]
    pub fn declaration_count(&self) -> u64 {
        self.declaration_count
    }

    /// Digest of the state.
    #[must_use]
    pub fn digest(&self) -> StateDigest {
        self.digest
    }

    /// The last digest at the end of a minute; none until a minute has ended since the load.
    #[must_use]
    pub fn minute_digest(&self) -> Option<MinuteDigest> {
        self.minute_digest
    }

    /// The hash of a client in the base.
    pub(super) fn hash(&self, client: &ClientId) -> ClientHash {
        self.base.seed.hash(HashedClient::from(client))
    }
}

impl<'s> PersonDeclarations<'s> {
    /// The question about the client in a situation.
    #[inline]
    #[must_use]
    pub fn question<'q>(&self, world: World<'q>, situation: &'q Situation<'q>) -> Question<'q, 's>
    where
        's: 'q,
    {
        match self {
            Self::Alone(alone) => world.question(situation, alone.facts()),
            Self::Linked(linked) => linked.question(world, situation),
        }
    }

    /// Their facts, in revision order.
    pub fn facts(&self) -> impl Iterator<Item = Facts<'s>> {
        let (alone, linked) = match self {
            Self::Alone(alone) => (Some(*alone), [].as_slice()),
            Self::Linked(linked) => (None, linked.facts()),
        };
        alone.into_iter().flat_map(SnapshotDeclarations::facts).chain(linked.iter().copied())
    }

    /// The id of the declaration at a place, which is that of its facts.
    #[inline]
    #[must_use]
    pub fn id(&self, place: u32) -> Option<DeclarationIdText<'s>> {
        match self {
            Self::Alone(alone) => alone.id(place),
            Self::Linked(linked) => linked.id(place),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Alone(alone) => alone.is_empty(),
            Self::Linked(linked) => linked.facts().is_empty(),
        }
    }
}

impl<'s> SnapshotDeclarations<'s> {
    /// Their facts, in revision order, each with its revision.
    pub(super) fn facts_by_revision(self) -> impl Iterator<Item = (Revision, Facts<'s>)> {
        self.facts().map(move |facts| (self.revision(facts.place).unwrap_or_default(), facts))
    }

    /// The revision of the declaration at a place.
    fn revision(self, place: u32) -> Option<Revision> {
        match place.checked_sub(self.added_from()) {
            Some(added) => Some(self.delta?.added.get(added as usize)?.id.borrowed().revision()),
            None => {
                let (_, entry, second) = slice::declarations(self.packed.get(place as usize..)?).next()?;
                Some(self.slice?.id(entry, second)?.revision())
            }
        }
    }

    /// Their facts, in revision order.
    pub fn facts(self) -> impl Iterator<Item = Facts<'s>> {
        let Self { slice, packed, delta, ids: _, is_linked: _ } = self;
        let packed = slice.into_iter().flat_map(move |slice| {
            slice::declarations(packed).map(move |(place, entry, second)| {
                let facts = slice.facts(place, entry, second);
                match delta.and_then(|delta| delta.withdrawal(place)) {
                    None => facts,
                    withdrawal @ Some(_) => Facts { withdrawal, ..facts },
                }
            })
        });
        let added = delta.map(|delta| delta.added.as_slice()).unwrap_or_default();
        packed.chain((self.added_from()..).zip(added).map(|(place, entry)| entry.facts.as_facts(place)))
    }

    /// The id of the declaration at a place, which is that of its facts.
    #[must_use]
    pub fn id(self, place: u32) -> Option<DeclarationIdText<'s>> {
        let (id, recorded_at) = match place.checked_sub(self.added_from()) {
            Some(added) => {
                let entry = self.delta?.added.get(added as usize)?;
                (entry.id.borrowed(), entry.facts.recorded_at)
            }
            None => {
                let (_, entry, second) = slice::declarations(self.packed.get(place as usize..)?).next()?;
                let slice = self.slice?;
                (slice.id(entry, second)?, slice.facts(place, entry, second).recorded_at)
            }
        };
        Some(match id {
            DeclarationId::Derived(revision) => {
                DeclarationIdText::Derived(self.ids.write(recorded_at, revision))
            }
            DeclarationId::Assigned(_, text) => DeclarationIdText::Assigned(text),
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.packed.is_empty() && self.delta.is_none_or(|delta| delta.added.is_empty())
    }

    /// The slice and the entries of the base.
    pub(super) fn packed(self) -> (Option<&'s Slice>, &'s [PackedEntry]) {
        (self.slice, self.packed)
    }

    /// The place of the first declaration that is not in the base.
    fn added_from(self) -> u32 {
        u32::try_from(self.packed.len()).unwrap_or(u32::MAX)
    }
}

impl AsRef<str> for DeclarationIdText<'_> {
    fn as_ref(&self) -> &str {
        match self {
            Self::Derived(text) => std::str::from_utf8(text).unwrap_or_default(),
            Self::Assigned(text) => text,
        }
    }
}
