//! The verbs: what a caller may be entitled to do.

use crate::policy::viewing::ViewingPurpose;

/// One thing that a caller may be entitled to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Verb {
    /// Request decisions.
    Decide,
    /// Request explanations of decisions.
    Explain,
    /// Request decisions as at another time or with other declarations.
    Simulate,
    /// Record declarations.
    Record,
    /// Withdraw declarations.
    Withdraw,
    /// List declarations without a viewing purpose, so without denials.
    List,
    /// List denials because the client wishes to change or see them.
    ListClientChangesDenials,
    /// List denials because data is disclosed outside Kanta.
    ListDisclosureOutsideKanta,
    /// List denials because a problem is investigated.
    ListInvestigation,
    /// Print a client's consents or denials.
    Print,
    /// Watch changes of declarations.
    Watch,
    /// Link and unlink the codes of a person.
    Link,
    /// Replace the directory.
    ImportDirectory,
    /// Use the operator's endpoints: metrics, log level, admin service.
    Operate,
}

impl Verb {
    /// Every verb, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::Decide,
        Self::Explain,
        Self::Simulate,
        Self::Record,
        Self::Withdraw,
        Self::List,
        Self::ListClientChangesDenials,
        Self::ListDisclosureOutsideKanta,
        Self::ListInvestigation,
        Self::Print,
        Self::Watch,
        Self::Link,
        Self::ImportDirectory,
        Self::Operate,
    ];

    /// The verbs of listings: without a purpose, and for each.
    pub const LISTINGS: [Self; 4] = [
        Self::List,
        Self::ListClientChangesDenials,
        Self::ListDisclosureOutsideKanta,
        Self::ListInvestigation,
    ];

    /// The word of the callers file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Explain => "explain",
            Self::Simulate => "simulate",
            Self::Record => "record",
            Self::Withdraw => "withdraw",
            Self::List => "list",
            Self::ListClientChangesDenials => "list-client-changes-denials",
            Self::ListDisclosureOutsideKanta => "list-disclosure-outside-kanta",
            Self::ListInvestigation => "list-investigation",
            Self::Print => "print",
            Self::Watch => "watch",
            Self::Link => "link",
            Self::ImportDirectory => "import-directory",
            Self::Operate => "operate",
        }
    }

    /// The verb of a word. None: there is no such verb.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// The verb that a listing for a purpose needs. None: the request names no purpose.
    #[must_use]
    pub const fn of_listing(purpose: Option<ViewingPurpose>) -> Self {
        match purpose {
            None => Self::List,
            Some(ViewingPurpose::ClientChangesDenials) => Self::ListClientChangesDenials,
            Some(ViewingPurpose::DisclosureOutsideKanta) => Self::ListDisclosureOutsideKanta,
            Some(ViewingPurpose::Investigation) => Self::ListInvestigation,
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// A set of verbs, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verbs(u16);

impl Verbs {
    /// Every verb.
    #[must_use]
    pub fn all() -> Self {
        Verb::ALL.into_iter().collect()
    }

    /// Whether a verb is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(self, verb: Verb) -> bool {
        self.0 & verb.bit() != 0
    }

    /// The verbs of the set, in the order of [`Verb::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Verb> {
        Verb::ALL.into_iter().filter(move |verb| self.contains(*verb))
    }
}

impl FromIterator<Verb> for Verbs {
    fn from_iter<I: IntoIterator<Item = Verb>>(verbs: I) -> Self {
        Self(verbs.into_iter().fold(0, |bits, verb| bits | verb.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_its_own_word_and_bit() {
        for verb in Verb::ALL {
            assert_eq!(Verb::of_word(verb.word()), Some(verb));
            let alone: Verbs = [verb].into_iter().collect();
            assert_eq!(alone.iter().collect::<Vec<_>>(), [verb]);
        }
        assert_eq!(Verbs::all().iter().count(), Verb::ALL.len());
        assert_eq!(Verb::of_word("Decide"), None);
        assert!(Verbs::default().iter().next().is_none());
    }

    #[test]
    fn a_listing_needs_the_verb_of_its_purpose() {
        assert_eq!(Verb::of_listing(None), Verb::List);
        assert_eq!(Verb::of_listing(Some(ViewingPurpose::Investigation)), Verb::ListInvestigation);
    }
}
