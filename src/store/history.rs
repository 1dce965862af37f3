//! What is recorded under codes, rebuilt by applying changes in revision order, and what it amounts to for
//! the person whose codes they are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::change::{Change, Revision};
use crate::policy::admit::PersonRecords;
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::declaration::{ClientDeclarations, Declaration, Withdrawal};
use crate::policy::link::{LinkEnd, Person, RecordedLink};
use crate::policy::oid::OpaqueId;

/// Up to this many declarations, a withdrawn one is searched for linearly.
const SCANNED_MAX: usize = 64;

/// What is recorded under some codes at a point, as that of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonHistory {
    /// The declarations under all of the codes, in revision order.
    pub declarations: Vec<Declaration>,
    /// The links that name any of the codes, in the order in which they were recorded.
    pub links: Vec<RecordedLink>,
}

/// What is recorded under one code at a revision.
#[derive(Debug, Default)]
pub(super) struct ClientHistory {
    declarations: Vec<Declaration>,
    /// The revision of each declaration.
    revisions: Vec<Revision>,
    /// Index of each declaration by id; built for the first withdrawal once there are many.
    places: Option<HashMap<OpaqueId<'static>, usize>>,
    /// Withdrawals that were made under this code of declarations under other codes.
    withdrawals_elsewhere: Vec<(Revision, OpaqueId<'static>, Withdrawal)>,
    /// Withdrawals in whose place there is a later one.
    withdrawals_replaced: Vec<(OpaqueId<'static>, Withdrawal)>,
    /// The links that name this code, each with its revision.
    links: Vec<(Revision, RecordedLink)>,
}

/// Histories of codes. With a code, those of every code linked to it are here.
#[derive(Debug, Default)]
pub(super) struct Histories(HashMap<ClientId, ClientHistory>);

/// The owner of [`PersonRecords`].
pub(super) struct OwnedPersonRecords<'h> {
    current: ClientId,
    declarations: Cow<'h, ClientDeclarations>,
    links: Vec<RecordedLink>,
}

impl ClientHistory {
    /// Applies the code's next change.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Declaration { revision, recorded_at: _, client: _, declaration } => {
                self.declare(revision, declaration);
            }
            Change::Withdrawal { revision, declaration_id, withdrawal, .. } => {
                self.withdraw(revision, declaration_id, withdrawal);
            }
            // A link is stored once for each of its codes.
            Change::Link { revision, recorded_at: _, client: _, link } => self.links.push((revision, link)),
            Change::LinkEnd { revision: _, recorded_at: _, client: _, link, end } => self.unlink(&link, &end),
            Change::UnreadableWithdrawal { .. } | Change::Directory { .. } | Change::Import { .. } => {}
        }
    }

    fn declare(&mut self, revision: Revision, declaration: Declaration) {
        if let Some(places) = &mut self.places {
            places.insert(declaration.id.clone(), self.declarations.len());
        }
        self.declarations.push(declaration);
        self.revisions.push(revision);
    }

    /// Records the withdrawal of a declaration; a later withdrawal replaces an earlier one. It is kept if
    /// the code has no such declaration: while codes are linked, it may be of one under another code.
    fn withdraw(&mut self, revision: Revision, id: OpaqueId<'static>, withdrawal: Withdrawal) {
        let place = if self.declarations.len() <= SCANNED_MAX {
            self.declarations.iter().rposition(|declaration| declaration.id == id)
        } else {
            self.places.get_or_insert_with(|| places(&self.declarations)).get(&id).copied()
        };
        match place.and_then(|place| self.declarations.get_mut(place)) {
            Some(declaration) => {
                let replaced = declaration.withdrawal.replace(withdrawal);
                self.withdrawals_replaced.extend(replaced.map(|replaced| (id, replaced)));
            }
            None => self.withdrawals_elsewhere.push((revision, id, withdrawal)),
        }
    }

    /// Whether a withdrawal was made under this code, of a declaration under any.
    pub(super) fn has_withdrawal(&self, id: &OpaqueId<'_>, withdrawal: &Withdrawal) -> bool {
        let elsewhere = self.withdrawals_elsewhere.iter().map(|(_, of, one)| (of, one));
        let replaced = self.withdrawals_replaced.iter().map(|(of, one)| (of, one));
        let of_own = self.declarations.iter().filter_map(|one| Some((&one.id, one.withdrawal.as_ref()?)));
        elsewhere.chain(replaced).chain(of_own).any(|(of, one)| of == id && one == withdrawal)
    }

    fn unlink(&mut self, id: &OpaqueId<'_>, end: &LinkEnd) {
        if let Some((_, link)) = self.links.iter_mut().rfind(|(_, link)| link.link.id == *id) {
            link.end.get_or_insert_with(|| end.clone());
        }
    }

    /// The codes to which links in force lead from this one.
    fn linked(&self) -> impl Iterator<Item = &ClientId> {
        let in_force = self.links.iter().filter(|(_, link)| link.is_in_force());
        in_force.flat_map(|(_, link)| &link.link.linked.codes)
    }
}

impl Histories {
    /// An empty history of each code.
    pub(super) fn of<'c>(clients: impl IntoIterator<Item = &'c ClientId>) -> Self {
        Self(clients.into_iter().map(|client| (client.clone(), ClientHistory::default())).collect())
    }

    /// Adds the history of a code.
    pub(super) fn insert(&mut self, client: ClientId, history: ClientHistory) {
        self.0.insert(client, history);
    }

    /// Applies the next change of a code, if its history is here.
    pub(super) fn apply(&mut self, client: &ClientId, change: Change) {
        if let Some(history) = self.0.get_mut(client) {
            history.apply(change);
        }
    }

    /// Whether a withdrawal was made under a code whose history is here.
    pub(super) fn has_withdrawal(
        &self,
        client: &ClientId,
        id: &OpaqueId<'_>,
        withdrawal: &Withdrawal,
    ) -> bool {
        self.0.get(client).is_some_and(|history| history.has_withdrawal(id, withdrawal))
    }

    /// The codes that are linked to others here and whose histories are still missing.
    pub(super) fn missing(&self) -> Vec<ClientId> {
        let linked: HashSet<&ClientId> = self.0.values().flat_map(ClientHistory::linked).collect();
        linked.into_iter().filter(|code| !self.0.contains_key(*code)).cloned().collect()
    }

    /// What is recorded of the person of a code.
    pub(super) fn records_of(&self, client: &ClientId) -> OwnedPersonRecords<'_> {
        self.records_of_all(std::slice::from_ref(client), client)
    }

    /// What is recorded of the persons of some codes, as if they were one; `current` if they are not linked.
    pub(super) fn records_of_all(&self, clients: &[ClientId], current: &ClientId) -> OwnedPersonRecords<'_> {
        let histories = self.linked(clients);
        if let [alone] = histories.as_slice()
            && alone.links.is_empty()
        {
            let declarations = Cow::Borrowed(alone.declarations.as_slice());
            return OwnedPersonRecords { current: current.clone(), declarations, links: Vec::new() };
        }
        let links = links_of(&histories);
        let in_force = links.iter().filter(|link| link.is_in_force()).map(|link| &link.link.linked);
        let current = Person::of(current, in_force).map_or_else(|| current.clone(), |person| person.current);
        OwnedPersonRecords { current, declarations: Cow::Owned(declarations_of(&histories)), links }
    }

    /// The histories of codes and of every code that links in force lead to from them.
    fn linked(&self, clients: &[ClientId]) -> Vec<&ClientHistory> {
        let mut seen: HashSet<&ClientId> = HashSet::new();
        let mut open: Vec<&ClientId> = clients.iter().collect();
        let mut histories = Vec::new();
        while let Some(code) = open.pop() {
            if let Some(history) = self.0.get(code).filter(|_| seen.insert(code)) {
                histories.push(history);
                open.extend(history.linked());
            }
        }
        histories
    }

    /// What is recorded under all of the codes, as that of one person.
    pub(super) fn into_person(self) -> PersonHistory {
        let mut histories: Vec<ClientHistory> = self.0.into_values().collect();
        if let [alone] = histories.as_mut_slice() {
            let links = std::mem::take(&mut alone.links).into_iter().map(|(_, link)| link);
            return PersonHistory {
                declarations: std::mem::take(&mut alone.declarations),
                links: links.collect(),
            };
        }
        let histories: Vec<&ClientHistory> = histories.iter().collect();
        PersonHistory { declarations: declarations_of(&histories), links: links_of(&histories) }
    }
}

impl OwnedPersonRecords<'_> {
    pub(super) fn borrowed(&self) -> PersonRecords<'_> {
        let Self { current, declarations, links } = self;
        PersonRecords { current, declarations, links }
    }
}

/// The declarations of several codes in revision order, with the withdrawals across codes: of each declaration
/// the last that was recorded, unless the one under its own code is as late. One made under the declaration's
/// own code that did not find it was stored before it and has no effect.
fn declarations_of(histories: &[&ClientHistory]) -> Vec<Declaration> {
    let mut ordered: Vec<(Revision, usize, &Declaration)> = Vec::new();
    let mut elsewhere: Vec<(Instant, Revision, usize, &OpaqueId<'static>, &Withdrawal)> = Vec::new();
    for (code, history) in histories.iter().enumerate() {
        let own = history.revisions.iter().zip(&history.declarations);
        ordered.extend(own.map(|(revision, declaration)| (*revision, code, declaration)));
        let made = history.withdrawals_elsewhere.iter();
        elsewhere.extend(made.map(|(revision, id, one)| (one.recorded_at, *revision, code, id, one)));
    }
    ordered.sort_by_key(|(revision, _, _)| *revision);
    elsewhere.sort_by_key(|(recorded_at, revision, ..)| (*recorded_at, *revision));
    let mut declarations: Vec<Declaration> = ordered.iter().map(|(_, _, one)| (*one).clone()).collect();
    let mut withdrawn = HashSet::new();
    for (recorded_at, _, code, id, withdrawal) in elsewhere.into_iter().rev() {
        let is_it = |(_, of, one): &(Revision, usize, &Declaration)| *of != code && one.id == *id;
        let Some(place) = ordered.iter().rposition(is_it).filter(|place| withdrawn.insert(*place)) else {
            continue;
        };
        let Some(declaration) = declarations.get_mut(place) else { continue };
        if declaration.withdrawal.as_ref().is_none_or(|own| own.recorded_at < recorded_at) {
            declaration.withdrawal = Some(withdrawal.clone());
        }
    }
    declarations
}

/// The links of several codes in the order in which they were recorded, each once.
fn links_of(histories: &[&ClientHistory]) -> Vec<RecordedLink> {
    let mut ordered: Vec<&(Revision, RecordedLink)> =
        histories.iter().flat_map(|history| &history.links).collect();
    ordered.sort_by_key(|(revision, link)| (link.link.recorded_at, *revision));
    let mut places: HashMap<&OpaqueId<'_>, usize> = HashMap::new();
    let mut links: Vec<RecordedLink> = Vec::new();
    for (_, link) in ordered {
        let place = *places.entry(&link.link.id).or_insert(links.len());
        match links.get_mut(place) {
            None => links.push(link.clone()),
            Some(known) if known.end.is_none() => known.end.clone_from(&link.end),
            Some(_) => {}
        }
    }
    links
}

fn places(declarations: &ClientDeclarations) -> HashMap<OpaqueId<'static>, usize> {
    declarations.iter().enumerate().map(|(place, declaration)| (declaration.id.clone(), place)).collect()
}
