//! One person under several codes (domain rules §7): a link says that codes are
//! one person's. While it is in force, the declarations of all of them count
//! together, and the person's age goes by the code that the latest link calls
//! the current one.
//!
//! Links are an undirected graph over codes, and a person is what is connected
//! in it: chains and cycles of links are one person.

use std::collections::BTreeSet;

use super::client_id::ClientId;
use super::day::Instant;
use super::declaration::Professional;
use super::oid::OpaqueId;

/// Maximum number of codes of one person, and of one link.
pub const CODES_MAX: usize = 16;

/// Maximum number of links in force between the codes of one person.
pub const LINKS_MAX: usize = 64;

/// Maximum number of links recorded between the codes of one person, ended ones
/// included: each recording reads them all.
pub const RECORDED_LINKS_MAX: usize = 1_000;

/// Codes that are one person's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkedCodes {
    /// Two to [`CODES_MAX`] codes, each once.
    pub codes: Box<[ClientId]>,
    /// The code that is in use now, one of `codes`.
    pub current: ClientId,
}

/// The part of a link that affects decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// Its id, by which it is ended.
    pub id: OpaqueId<'static>,
    /// The codes that it links.
    pub linked: LinkedCodes,
    /// When it was stored; it is in force from this instant, and the link stored last
    /// says which code is in use.
    pub recorded_at: Instant,
}

/// A link as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedLink {
    /// The part that affects decisions.
    pub link: Link,
    /// Why the codes are linked.
    pub reason: LinkReason,
    /// When it was said that the codes are one person's.
    pub given_at: Instant,
    /// Who recorded it.
    pub recorded_by: LinkRecorder,
    /// Its end; none = it is in force.
    pub end: Option<LinkEnd>,
}

/// The end of a link that was a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkEnd {
    /// When it was said that the link is a mistake.
    pub given_at: Instant,
    /// When the end was stored; the link is in force until this instant.
    pub recorded_at: Instant,
    /// Who recorded it.
    pub recorded_by: LinkRecorder,
}

/// Why a person has several codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkReason {
    /// The identity code changed.
    IdentityCodeChanged,
    /// A temporary code was replaced by a national one.
    TemporaryCodeReplaced,
    /// The person had been entered twice.
    DuplicateMerged,
}

/// Who records a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkRecorder {
    /// A feed of the population register.
    PopulationRegister,
    /// A professional.
    Professional(Professional),
}

/// A link submitted for recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSubmission {
    /// The codes to link.
    pub linked: LinkedCodes,
    /// Why the codes are linked.
    pub reason: LinkReason,
    /// When it was said; none = at the instant of recording.
    pub given_at: Option<Instant>,
    /// Who records it.
    pub recorded_by: LinkRecorder,
}

/// The end of a link, submitted for recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnlinkSubmission {
    /// One of the codes of the link.
    pub client: ClientId,
    /// The link.
    pub link: OpaqueId<'static>,
    /// When it was said; none = at the instant of recording.
    pub given_at: Option<Instant>,
    /// Who records it.
    pub recorded_by: LinkRecorder,
}

/// The codes of one person, and the one in use now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The codes in the order of [`ClientId`].
    pub codes: Vec<ClientId>,
    /// The current code of the latest link.
    pub current: ClientId,
}

impl Person {
    /// The person of a code, by links in force in the order of recording; none if
    /// no link names the code.
    #[must_use]
    pub fn of<'l>(code: &ClientId, links: impl Iterator<Item = &'l LinkedCodes> + Clone) -> Option<Self> {
        let mut codes = BTreeSet::from([code.clone()]);
        let mut latest = None;
        loop {
            let (known, before) = (codes.len(), latest);
            for (order, link) in links.clone().enumerate() {
                if link.codes.iter().any(|code| codes.contains(code)) {
                    codes.extend(link.codes.iter().cloned());
                    latest = latest.max(Some(order));
                }
            }
            if (known, before) == (codes.len(), latest) {
                break;
            }
        }
        let current = links.clone().nth(latest?)?.current.clone();
        Some(Self { codes: codes.into_iter().collect(), current })
    }
}

impl RecordedLink {
    /// Whether it is in force.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.end.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::other_client;

    fn linked(codes: &[&str]) -> LinkedCodes {
        let codes: Box<[ClientId]> = codes.iter().map(|code| other_client(code)).collect();
        let current = codes.last().expect("a code").clone();
        LinkedCodes { codes, current }
    }

    fn codes(person: Option<Person>) -> (String, String) {
        let person = person.expect("a person");
        let codes: Vec<&str> = person.codes.iter().map(ClientId::extension).collect();
        (codes.join(" "), person.current.extension().to_owned())
    }

    #[test]
    fn a_chain_and_a_cycle_are_one_person_whatever_the_order_of_linking() {
        let links = [linked(&["a", "b"]), linked(&["c", "d"]), linked(&["b", "c"])];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let ordered = order.map(|place: usize| &links[place]);
            for code in ["a", "b", "c", "d"] {
                let (codes, current) = codes(Person::of(&other_client(code), ordered.into_iter()));
                assert_eq!(codes, "a b c d");
                assert_eq!(current, links[order[2]].current.extension());
            }
        }
        let cycle = [linked(&["a", "b"]), linked(&["b", "c"]), linked(&["c", "a"])];
        assert_eq!(codes(Person::of(&other_client("b"), cycle.iter())), ("a b c".into(), "a".into()));
    }

    #[test]
    fn a_code_that_no_link_names_is_nobody_elses() {
        let links = [linked(&["a", "b"])];
        assert_eq!(Person::of(&other_client("c"), links.iter()), None);
        assert_eq!(Person::of(&other_client("a"), [].iter()), None);
    }
}
