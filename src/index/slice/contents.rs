//! The tables that packed entries refer to, each distinct value stored once.

use super::super::declaration_id::DeclarationId;
use super::super::entry::{ContentKind, Continuation, EntryHeader};
use super::super::overlay_entry::OverlayEntry;
use crate::policy::client_id::ClientId;
use crate::policy::declaration::{Allocation, Consent, Denial, Information, Recipient};
use crate::policy::facts::{ContentRef, Facts};

/// Number of existing values with which a new one is compared before it is
/// added: frequent values are met early.
const COMPARED_MAX: usize = 64;

/// The tables of a slice or a stage. Entries refer to positions in them, so
/// that tables only grow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::index) struct Contents {
    pub(in crate::index) informations: Vec<Information>,
    pub(in crate::index) consents: Vec<Consent>,
    pub(in crate::index) denials: Vec<Denial>,
    /// Declarations that do not fit into entries.
    pub(in crate::index) unpacked: Vec<OverlayEntry>,
    /// Assigned ids, each followed by a newline, which no id contains.
    pub(in crate::index) ids: String,
    /// Clients with another identifier than an identity code.
    pub(in crate::index) others: Vec<ClientId>,
}

impl Contents {
    /// The position of a declaration's content, which is added if it is new.
    pub(in crate::index) fn intern(&mut self, content: ContentRef<'_>) -> ContentKind {
        match content {
            ContentRef::Information(information) => {
                ContentKind::Information(place_of(&mut self.informations, information))
            }
            ContentRef::Consent(consent) => ContentKind::Consent(place_of(&mut self.consents, consent)),
            ContentRef::Denial(denial) => ContentKind::Denial(place_of(&mut self.denials, denial)),
            ContentRef::Unreadable(kind) => ContentKind::Unreadable(kind),
        }
    }

    /// The content at a position; none if there is none or the declaration is unpacked.
    #[inline]
    fn content(&self, at: ContentKind) -> Option<ContentRef<'_>> {
        match at {
            ContentKind::Information(at) => self.informations.get(at as usize).map(ContentRef::Information),
            ContentKind::Consent(at) => self.consents.get(at as usize).map(ContentRef::Consent),
            ContentKind::Denial(at) => self.denials.get(at as usize).map(ContentRef::Denial),
            ContentKind::Unreadable(kind) => Some(ContentRef::Unreadable(kind)),
            ContentKind::Unpacked(_) => None,
        }
    }

    /// The facts of a declaration, by its entries; none if a reference leads nowhere.
    #[inline]
    pub(in crate::index) fn facts(
        &self,
        place: u32,
        header: EntryHeader,
        continuation: Continuation,
    ) -> Option<Facts<'_>> {
        if let ContentKind::Unpacked(at) = header.content {
            return self.unpacked.get(at as usize).map(|entry| entry.facts.as_facts(place));
        }
        Some(header.facts(place, self.content(header.content)?, continuation))
    }

    /// The id of a declaration, by its entries; none if a reference leads nowhere.
    pub(in crate::index) fn id(
        &self,
        header: EntryHeader,
        continuation: Continuation,
    ) -> Option<DeclarationId<'_>> {
        if let ContentKind::Unpacked(at) = header.content {
            return self.unpacked.get(at as usize).map(|entry| entry.id.borrowed());
        }
        Some(match continuation.assigned_id {
            Some(at) => DeclarationId::Assigned(header.revision, self.id_at(at)?),
            None => DeclarationId::Derived(header.revision),
        })
    }

    /// Adds a declaration that does not fit into entries.
    pub(in crate::index) fn push_unpacked(&mut self, entry: OverlayEntry) -> u32 {
        self.unpacked.push(entry);
        last_place(self.unpacked.len())
    }

    /// Adds the text of an id, if it is not derived.
    pub(in crate::index) fn push_id(&mut self, id: DeclarationId<'_>) -> Option<u32> {
        let DeclarationId::Assigned(_, text) = id else { return None };
        let place = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.push_str(text);
        self.ids.push('\n');
        Some(place)
    }

    /// Adds a client with another identifier.
    pub(in crate::index) fn push_other(&mut self, client: ClientId) -> u32 {
        self.others.push(client);
        last_place(self.others.len())
    }

    fn id_at(&self, place: u32) -> Option<&str> {
        self.ids.get(place as usize..)?.split('\n').next()
    }

    /// Frees spare capacity.
    pub(super) fn shrink(&mut self) {
        let Self { informations, consents, denials, unpacked, ids, others } = self;
        informations.shrink_to_fit();
        consents.shrink_to_fit();
        denials.shrink_to_fit();
        unpacked.shrink_to_fit();
        ids.shrink_to_fit();
        others.shrink_to_fit();
    }

    /// Size in bytes, without the clients.
    pub(super) fn bytes(&self) -> usize {
        let Self { informations, consents, denials, unpacked, ids, others: _ } = self;
        let information = |one: &Information| one.version.len();
        let denial = |one: &Denial| one.scope.id_bytes();
        size_of_val(&**informations)
            + informations.iter().map(information).sum::<usize>()
            + size_of_val(&**consents)
            + consents.iter().filter_map(|one| one.allocation.as_ref()).map(bytes_of).sum::<usize>()
            + size_of_val(&**denials)
            + denials.iter().map(denial).sum::<usize>()
            + size_of_val(&**unpacked)
            + ids.len()
    }

    /// Size in bytes of the clients with another identifier.
    pub(super) fn bytes_of_others(&self) -> usize {
        let texts = self.others.iter().map(|other| other.root().len() + other.extension().len());
        size_of_val(&*self.others) + texts.sum::<usize>()
    }
}

/// The position of a value, which is added if it is not among the first ones.
fn place_of<T: PartialEq + Clone>(values: &mut Vec<T>, value: &T) -> u32 {
    match values.iter().take(COMPARED_MAX).position(|one| one == value) {
        Some(place) => last_place(place + 1),
        None => {
            values.push(value.clone());
            last_place(values.len())
        }
    }
}

/// The last position of a table of this length. Packing fails if it is too large for an entry.
fn last_place(places: usize) -> u32 {
    u32::try_from(places - 1).unwrap_or(u32::MAX)
}

fn bytes_of(allocation: &Allocation) -> usize {
    let Allocation { recipients, data, service_tasks, recorded_from: _, recorded_to: _ } = allocation;
    let named = |recipient: &Recipient| match recipient {
        Recipient::AllPublic => 0,
        Recipient::Organisation(oid) => oid.as_str().len(),
    };
    size_of_val(&**recipients)
        + recipients.iter().map(named).sum::<usize>()
        + size_of_val(&**data)
        + size_of_val(&**service_tasks)
        + service_tasks.iter().map(|task| task.as_str().len()).sum::<usize>()
}
