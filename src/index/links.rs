//! The links in force and the persons that they make, and the withdrawals that
//! were made under one code of a declaration under another.
//!
//! Few clients are linked. The table of a slice and the overlay mark the clients
//! that a link has ever named, so that nothing is looked up here for the others.

use std::sync::Arc;

use rpds::HashTrieMapSync;

use super::checkpoint::{ByteReader, ByteWriter};
use super::digest::{DigestKey, StateDigest};
use super::entry::{number_of, role_of};
use super::key::{ClientKey, HashedClient};
use crate::policy::client_id::{ClientId, IdentityCode, NATIONAL_ROOT};
use crate::policy::day::{Day, Instant};
use crate::policy::facts::WithdrawalFacts;
use crate::policy::link::{Link, LinkedCodes, Person};
use crate::policy::oid::{Oid, OpaqueId};
use crate::store::Revision;

/// Links and withdrawals across codes. Immutable parts are shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// The person of each linked code.
    persons: HashTrieMapSync<ClientId, Arc<LinkedPerson>>,
    /// By the client under which a withdrawal was made.
    withdrawals: HashTrieMapSync<ClientKey, Arc<Vec<WithdrawalElsewhere>>>,
}

/// A person with several codes.
#[derive(Debug)]
pub(super) struct LinkedPerson {
    pub(super) person: Person,
    /// The links in force between the codes, in the order in which they were recorded.
    links: Vec<(Revision, Link)>,
}

/// A withdrawal of a declaration that is not under the client's own code.
#[derive(Clone, Debug)]
pub(super) struct WithdrawalElsewhere {
    pub(super) declaration: OpaqueId<'static>,
    pub(super) withdrawal: WithdrawalFacts,
    /// The revision of the change that stored it.
    pub(super) revision: Revision,
}

impl Links {
    /// The person of a code; none if no link in force names it.
    pub(super) fn person(&self, code: &ClientId) -> Option<&LinkedPerson> {
        self.persons.get(code).map(|person| &**person)
    }

    /// Puts a link in force; false if it is already, as at the further changes of
    /// one link.
    pub(super) fn link(&mut self, revision: Revision, link: Link) -> bool {
        let mut links: Vec<(Revision, Link)> = Vec::new();
        for code in &link.linked.codes {
            let known = self.persons.get(code).map(|person| person.links.as_slice()).unwrap_or_default();
            let new = known.iter().filter(|(at, _)| links.iter().all(|(other, _)| other != at));
            let new: Vec<(Revision, Link)> = new.cloned().collect();
            links.extend(new);
        }
        if links.iter().any(|(_, known)| known.id == link.id) {
            return false;
        }
        links.push((revision, link));
        self.join(links);
        true
    }

    /// Ends the link with an id that names a code. Returns it; none if it is not in
    /// force, as at the further changes of one end.
    pub(super) fn unlink(&mut self, code: &ClientId, id: &OpaqueId<'_>) -> Option<(Revision, Link)> {
        let person = Arc::clone(self.persons.get(code)?);
        let ended = person.links.iter().find(|(_, link)| link.id == *id)?.clone();
        for code in &person.person.codes {
            self.persons.remove_mut(code);
        }
        self.join(person.links.iter().filter(|(_, link)| link.id != *id).cloned().collect());
        Some(ended)
    }

    /// Makes the persons of some links, which are all those of their codes.
    fn join(&mut self, mut links: Vec<(Revision, Link)>) {
        links.sort_by_key(|(revision, link)| (link.recorded_at, *revision));
        let mut open: Vec<&ClientId> = links.iter().flat_map(|(_, link)| &link.linked.codes).collect();
        while let Some(code) = open.pop() {
            let linked = links.iter().map(|(_, link)| &link.linked);
            let Some(person) = Person::of(code, linked) else { continue };
            open.retain(|code| !person.codes.contains(code));
            let is_of_person = |(_, link): &&(Revision, Link)| {
                link.linked.codes.iter().any(|code| person.codes.contains(code))
            };
            let links = links.iter().filter(is_of_person).cloned().collect();
            let person = Arc::new(LinkedPerson { person, links });
            for code in &person.person.codes {
                self.persons.insert_mut(code.clone(), Arc::clone(&person));
            }
        }
    }

    /// When the links of a client's person were recorded.
    pub(super) fn recorded_of(&self, client: &ClientId) -> impl Iterator<Item = Instant> {
        let links = self.person(client).into_iter().flat_map(|linked| &linked.links);
        links.map(|(_, link)| link.recorded_at)
    }

    /// Adds a withdrawal of a declaration that is not under the client's code.
    pub(super) fn withdraw_elsewhere(&mut self, client: ClientKey, withdrawal: WithdrawalElsewhere) {
        let mut withdrawals = self.withdrawals.get(&client).map(|of| Vec::clone(of)).unwrap_or_default();
        withdrawals.push(withdrawal);
        self.withdrawals.insert_mut(client, Arc::new(withdrawals));
    }

    /// The withdrawals made under any of some codes, in the order of recording, each
    /// with the position of its code.
    pub(super) fn withdrawals_of(&self, codes: &[ClientId]) -> Vec<(usize, &WithdrawalElsewhere)> {
        let of_code = |code: &ClientId| self.withdrawals.get(&ClientKey::from(HashedClient::from(code)));
        let each = codes.iter().enumerate().filter_map(|(place, code)| Some((place, of_code(code)?)));
        let mut withdrawals: Vec<_> =
            each.flat_map(|(place, of)| of.iter().map(move |one| (place, one))).collect();
        withdrawals.sort_by_key(|(_, one)| (one.withdrawal.recorded_at, one.revision));
        withdrawals
    }

    /// The digest of everything here.
    pub(super) fn digest(&self, key: &DigestKey) -> StateDigest {
        let links: StateDigest = self.links().iter().map(|(revision, link)| key.link(*revision, link)).sum();
        let elsewhere = self.withdrawals.iter().flat_map(|(client, of)| {
            of.iter().map(move |one| key.withdrawal_elsewhere(client.borrowed(), one))
        });
        links.plus(elsewhere.sum())
    }

    /// Every link in force, in revision order.
    fn links(&self) -> Vec<(Revision, Link)> {
        let mut links: Vec<(Revision, Link)> =
            self.persons.values().flat_map(|person| person.links.iter().cloned()).collect();
        links.sort_by_key(|(revision, _)| *revision);
        links.dedup_by_key(|(revision, _)| *revision);
        links
    }

    /// Writes everything here, for a checkpoint.
    pub(super) fn write(&self, to: &mut ByteWriter) {
        let links = self.links();
        to.number(links.len() as u64);
        for (revision, Link { id, linked: LinkedCodes { codes, current }, recorded_at }) in &links {
            to.number(revision.0);
            to.number(recorded_at.timestamp_micros().cast_unsigned());
            to.text(id.as_str());
            to.number(codes.len() as u64);
            codes.iter().chain([current]).for_each(|code| write_client(code, to));
        }
        to.number(self.withdrawals.size() as u64);
        for (client, of) in &self.withdrawals {
            match client {
                ClientKey::National(number) => to.number(u64::from(*number)),
                ClientKey::Other(client) => {
                    to.number(u64::MAX);
                    write_client(client, to);
                }
            }
            to.number(of.len() as u64);
            for WithdrawalElsewhere { declaration, withdrawal, revision } in of.iter() {
                to.number(revision.0);
                let WithdrawalFacts { recorded_at, given_on, role } = withdrawal;
                to.text(declaration.as_str());
                to.number(recorded_at.timestamp_micros().cast_unsigned());
                to.text(&given_on.to_string());
                to.number(number_of(*role));
            }
        }
    }

    /// Reads what [`Self::write`] wrote; none if it is damaged.
    pub(super) fn read(from: &mut ByteReader<'_>) -> Option<Self> {
        let mut read = Self::default();
        for _ in 0..from.count()? {
            let revision = Revision(from.number()?);
            let recorded_at = Instant::from_timestamp_micros(from.number()?.cast_signed())?;
            let id = OpaqueId::parse(from.text()?).ok()?.into_owned();
            let codes = (0..from.count()?).map(|_| read_client(from)).collect::<Option<Box<[_]>>>()?;
            let current = read_client(from)?;
            read.link(revision, Link { id, linked: LinkedCodes { codes, current }, recorded_at });
        }
        for _ in 0..from.count()? {
            let client = match from.number()? {
                u64::MAX => ClientKey::Other(read_client(from)?),
                number => ClientKey::National(u32::try_from(number).ok()?),
            };
            for _ in 0..from.count()? {
                let revision = Revision(from.number()?);
                let declaration = OpaqueId::parse(from.text()?).ok()?.into_owned();
                let recorded_at = Instant::from_timestamp_micros(from.number()?.cast_signed())?;
                let given_on = Day::parse(from.text()?).ok()?;
                let withdrawal = WithdrawalFacts { recorded_at, given_on, role: role_of(from.number()?) };
                read.withdraw_elsewhere(
                    client.clone(),
                    WithdrawalElsewhere { declaration, withdrawal, revision },
                );
            }
        }
        from.is_at_end().then_some(read)
    }
}

fn write_client(client: &ClientId, to: &mut ByteWriter) {
    to.text(client.root());
    to.text(client.extension());
}

fn read_client(from: &mut ByteReader<'_>) -> Option<ClientId> {
    let (root, extension) = (from.text()?, from.text()?);
    if root == NATIONAL_ROOT {
        return IdentityCode::parse(extension).ok().map(ClientId::National);
    }
    let root = Oid::parse(root).ok()?.into_owned();
    Some(ClientId::Other { root, extension: OpaqueId::parse(extension).ok()?.into_owned() })
}
