//! The part of a declaration that affects decisions.
//!
//! Decisions are made by facts and not by declarations, so that an index can
//! keep millions of declarations without names and ids, in a form of its own.

use std::hash::{Hash, Hasher};

use super::day::{Day, Instant};
use super::declaration::{
    ClientDeclarations, Consent, Content, Declaration, Denial, Information, Kind, Role, Withdrawal,
};

/// The part of a declaration that affects decisions: everything except its id
/// and the names of persons.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The position of the declaration among those of the client, as the caller
    /// numbers them; it rises with the revision.
    pub place: u32,
    /// The content.
    pub content: ContentRef<'a>,
    /// The day on which the client gave it.
    pub given_on: Day,
    /// When it was stored; it is in force from this instant.
    pub recorded_at: Instant,
    /// The role in which it was declared; none = no role is known.
    pub role: Option<Role>,
    /// Its withdrawal; none = it was not withdrawn.
    pub withdrawal: Option<WithdrawalFacts>,
}

/// [`Facts`] that own their content, without a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFacts {
    /// See [`Facts::content`].
    pub content: Content,
    /// See [`Facts::given_on`].
    pub given_on: Day,
    /// See [`Facts::recorded_at`].
    pub recorded_at: Instant,
    /// See [`Facts::role`].
    pub role: Option<Role>,
    /// See [`Facts::withdrawal`].
    pub withdrawal: Option<WithdrawalFacts>,
}

/// The content of a declaration, borrowed.
#[derive(Clone, Copy, Debug, Hash)]
pub enum ContentRef<'a> {
    /// See [`Content::Information`].
    Information(&'a Information),
    /// See [`Content::Consent`].
    Consent(&'a Consent),
    /// See [`Content::Denial`].
    Denial(&'a Denial),
    /// See [`Content::Unreadable`].
    Unreadable(Kind),
}

/// The part of a withdrawal that affects decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WithdrawalFacts {
    /// When it was stored; the declaration is in force until this instant.
    pub recorded_at: Instant,
    /// The day on which the client gave it.
    pub given_on: Day,
    /// The role in which it was made; none = no role is known.
    pub role: Option<Role>,
}

impl<'a> Facts<'a> {
    /// The facts of the declaration at a place.
    #[inline]
    #[must_use]
    pub fn of(place: u32, declaration: &'a Declaration) -> Self {
        let Declaration {
            id: _,
            content,
            given_at: _,
            recorded_at,
            withdrawal,
            declarer: _,
            recorded_by: _,
            label: _,
        } = declaration;
        Self {
            place,
            content: ContentRef::of(content),
            given_on: declaration.given_on(),
            recorded_at: *recorded_at,
            role: declaration.role(),
            withdrawal: withdrawal.as_ref().map(WithdrawalFacts::of),
        }
    }

    /// The facts of a declaration that cannot be read: it applies from when it was stored.
    #[must_use]
    pub fn unreadable(place: u32, kind: Kind, recorded_at: Instant) -> Self {
        let (content, given_on) = (ContentRef::Unreadable(kind), Day::of(recorded_at));
        Self { place, content, given_on, recorded_at, role: None, withdrawal: None }
    }

    /// The owned form, which has no place.
    #[must_use]
    pub fn to_owned_facts(self) -> OwnedFacts {
        let Self { place: _, content, given_on, recorded_at, role, withdrawal } = self;
        OwnedFacts { content: content.to_content(), given_on, recorded_at, role, withdrawal }
    }

    /// The facts of declarations, each with its index as its place.
    #[inline]
    pub fn all(declarations: &'a ClientDeclarations) -> impl Iterator<Item = Self> + Clone {
        (0..).zip(declarations).map(|(place, declaration)| Self::of(place, declaration))
    }
}

/// Everything but the place: it depends on how an index is packed, and replicas
/// that hold the same declarations must compute the same digest of them.
impl Hash for Facts<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { place: _, content, given_on, recorded_at, role, withdrawal } = self;
        content.hash(state);
        given_on.hash(state);
        recorded_at.hash(state);
        role.hash(state);
        withdrawal.hash(state);
    }
}

impl OwnedFacts {
    /// The facts of a declaration that cannot be read: it applies from when it was stored.
    #[must_use]
    pub fn unreadable(kind: Kind, recorded_at: Instant) -> Self {
        Facts::unreadable(0, kind, recorded_at).to_owned_facts()
    }

    /// The borrowed form, at a place.
    #[must_use]
    #[inline]
    pub fn as_facts(&self, place: u32) -> Facts<'_> {
        let Self { content, given_on, recorded_at, role, withdrawal } = self;
        Facts {
            place,
            content: ContentRef::of(content),
            given_on: *given_on,
            recorded_at: *recorded_at,
            role: *role,
            withdrawal: *withdrawal,
        }
    }
}

impl<'a> ContentRef<'a> {
    /// The content of a declaration, borrowed.
    #[inline]
    #[must_use]
    pub fn of(content: &'a Content) -> Self {
        match content {
            Content::Information(information) => Self::Information(information),
            Content::Consent(consent) => Self::Consent(consent),
            Content::Denial(denial) => Self::Denial(denial),
            Content::Unreadable(kind) => Self::Unreadable(*kind),
        }
    }

    /// The same content, owned.
    #[must_use]
    pub fn to_content(self) -> Content {
        match self {
            Self::Information(information) => Content::Information(information.clone()),
            Self::Consent(consent) => Content::Consent(consent.clone()),
            Self::Denial(denial) => Content::Denial(denial.clone()),
            Self::Unreadable(kind) => Content::Unreadable(kind),
        }
    }

    /// The kind of declaration.
    #[inline]
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Information(_) => Kind::Information,
            Self::Consent(_) => Kind::Consent,
            Self::Denial(_) => Kind::Denial,
            Self::Unreadable(kind) => kind,
        }
    }
}

impl WithdrawalFacts {
    /// The facts of a withdrawal.
    #[must_use]
    pub fn of(withdrawal: &Withdrawal) -> Self {
        Self { recorded_at: withdrawal.recorded_at, given_on: withdrawal.given_on(), role: withdrawal.role() }
    }
}
