//! What of a declaration decides.

use std::hash::{Hash, Hasher};

use super::day::{Day, Instant};
use super::declaration::{
    ClientDeclarations, Consent, Content, Declaration, Denial, Information, Kind, Role, Withdrawal,
};

/// What of a declaration decides: all but whom it names and what it is called.
///
/// Decisions are made by facts, so that an index need keep no more of millions
/// of declarations, in whatever form it likes.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Where its declaration is found again among the client's; it rises with the revision.
    pub place: u32,
    /// What it says.
    pub content: ContentRef<'a>,
    /// The day the client said it.
    pub given_on: Day,
    /// When it was stored; it counts from here.
    pub recorded_at: Instant,
    /// The role in which it was declared; none = no role was told.
    pub role: Option<Role>,
    /// How it was ended.
    pub withdrawal: Option<WithdrawalFacts>,
}

/// A facts that is kept itself, without a place.
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

/// What a declaration says, kept elsewhere.
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

/// What of a withdrawal decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WithdrawalFacts {
    /// When it was stored; the declaration counts until here.
    pub recorded_at: Instant,
    /// The day the client said it.
    pub given_on: Day,
    /// The role in which it was made; none = no role was told.
    pub role: Option<Role>,
}

impl<'a> Facts<'a> {
    /// The facts of the declaration at a place.
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

    /// The facts of declarations, each placed by its index.
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
    /// What a declaration says.
    #[must_use]
    pub fn of(content: &'a Content) -> Self {
        match content {
            Content::Information(information) => Self::Information(information),
            Content::Consent(consent) => Self::Consent(consent),
            Content::Denial(denial) => Self::Denial(denial),
            Content::Unreadable(kind) => Self::Unreadable(*kind),
        }
    }

    /// The same, kept.
    #[must_use]
    pub fn to_content(self) -> Content {
        match self {
            Self::Information(information) => Content::Information(information.clone()),
            Self::Consent(consent) => Content::Consent(consent.clone()),
            Self::Denial(denial) => Content::Denial(denial.clone()),
            Self::Unreadable(kind) => Content::Unreadable(kind),
        }
    }

    /// What kind of declaration it is.
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
    /// What of a withdrawal decides.
    #[must_use]
    pub fn of(withdrawal: &Withdrawal) -> Self {
        Self { recorded_at: withdrawal.recorded_at, given_on: withdrawal.given_on(), role: withdrawal.role() }
    }
}
