//! What the declarations of a slice say, each thing once.

use super::super::entry::Says;
use super::super::kept::Kept;
use crate::policy::client_id::ClientId;
use crate::policy::declaration::{Allocation, Consent, Denial, Information, Recipient};
use crate::policy::facts::ContentRef;

/// So many are compared before something is taken for new: what is said again
/// and again is said early.
const COMPARED_MAX: usize = 64;

/// What the declarations of a slice say. Entries refer to places in it, so
/// that it only grows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::index) struct Contents {
    pub(in crate::index) informations: Vec<Information>,
    pub(in crate::index) consents: Vec<Consent>,
    pub(in crate::index) denials: Vec<Denial>,
    /// Declarations that do not fit into entries.
    pub(in crate::index) kept: Vec<Kept>,
    /// Ids that were told, each with a newline after it, which is in none of them.
    pub(in crate::index) ids: String,
    /// Clients of other systems than the national one.
    pub(in crate::index) others: Vec<ClientId>,
}

impl Contents {
    /// Where to find what a declaration says.
    pub(in crate::index) fn says(&mut self, content: ContentRef<'_>) -> Says {
        match content {
            ContentRef::Information(information) => {
                Says::Information(place_of(&mut self.informations, information))
            }
            ContentRef::Consent(consent) => Says::Consent(place_of(&mut self.consents, consent)),
            ContentRef::Denial(denial) => Says::Denial(place_of(&mut self.denials, denial)),
            ContentRef::Unreadable(kind) => Says::Unreadable(kind),
        }
    }

    /// What is said at a place; none if nothing is, or a whole declaration.
    pub(in crate::index) fn said(&self, says: Says) -> Option<ContentRef<'_>> {
        match says {
            Says::Information(at) => self.informations.get(at as usize).map(ContentRef::Information),
            Says::Consent(at) => self.consents.get(at as usize).map(ContentRef::Consent),
            Says::Denial(at) => self.denials.get(at as usize).map(ContentRef::Denial),
            Says::Unreadable(kind) => Some(ContentRef::Unreadable(kind)),
            Says::Kept(_) => None,
        }
    }

    /// Keeps a whole declaration.
    pub(in crate::index) fn keep(&mut self, kept: Kept) -> u32 {
        self.kept.push(kept);
        last_place(self.kept.len())
    }

    /// Keeps an id.
    pub(in crate::index) fn tell(&mut self, id: &str) -> u32 {
        let place = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.push_str(id);
        self.ids.push('\n');
        place
    }

    /// Keeps a client of another system.
    pub(in crate::index) fn other(&mut self, client: ClientId) -> u32 {
        self.others.push(client);
        last_place(self.others.len())
    }

    /// The id at a place.
    pub(in crate::index) fn id_at(&self, place: u32) -> Option<&str> {
        self.ids.get(place as usize..)?.split('\n').next()
    }

    /// Gives back what was reserved for more.
    pub(super) fn shrink(&mut self) {
        let Self { informations, consents, denials, kept, ids, others } = self;
        informations.shrink_to_fit();
        consents.shrink_to_fit();
        denials.shrink_to_fit();
        kept.shrink_to_fit();
        ids.shrink_to_fit();
        others.shrink_to_fit();
    }

    /// How many bytes it takes, clients apart.
    pub(super) fn bytes(&self) -> usize {
        let Self { informations, consents, denials, kept, ids, others: _ } = self;
        let information = |one: &Information| one.version.len();
        let denial = |one: &Denial| one.scope.id_bytes();
        size_of_val(&**informations)
            + informations.iter().map(information).sum::<usize>()
            + size_of_val(&**consents)
            + consents.iter().filter_map(|one| one.allocation.as_ref()).map(bytes_of).sum::<usize>()
            + size_of_val(&**denials)
            + denials.iter().map(denial).sum::<usize>()
            + size_of_val(&**kept)
            + ids.len()
    }

    /// How many bytes the clients of other systems take.
    pub(super) fn bytes_of_others(&self) -> usize {
        let texts = self.others.iter().map(|other| other.root().len() + other.extension().len());
        size_of_val(&*self.others) + texts.sum::<usize>()
    }
}

/// The place of a value; it is added if it is not among the first ones.
fn place_of<T: PartialEq + Clone>(values: &mut Vec<T>, value: &T) -> u32 {
    match values.iter().take(COMPARED_MAX).position(|one| one == value) {
        Some(place) => last_place(place + 1),
        None => {
            values.push(value.clone());
            last_place(values.len())
        }
    }
}

/// The last of so many places. One too large for an entry does not fit there.
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
