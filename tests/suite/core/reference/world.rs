//! The inputs of a decision, and the order of stored declarations.

use chrono::{DateTime, NaiveDate, Utc};
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::{
    ClientId, Consent, DecideRequest, Denial, Directory, Information, Record, Register, Role,
    StoredDeclaration,
};

use super::calendar::{Calendar, day, instant};

/// The three kinds of facts but the caller's, at an instant.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) directory: &'a Directory,
    pub(super) calendar: &'a Calendar,
    pub(super) declarations: &'a [StoredDeclaration],
    pub(super) client: &'a ClientId,
    pub(super) at: DateTime<Utc>,
}

/// One record and one requester, both registers known.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) world: World<'a>,
    pub(super) request: &'a DecideRequest,
    pub(super) record: &'a Record,
    pub(super) requester: &'a Register,
    pub(super) holder: &'a Register,
}

/// "Two declarations recorded at the same instant count in revision order."
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) revision: usize,
}

/// A declaration recorded at or before the instant of the world.
#[derive(Clone, Copy)]
pub(super) struct Recorded<'a> {
    pub(super) place: Place,
    pub(super) stored: &'a StoredDeclaration,
}

impl<'a> World<'a> {
    pub(super) fn today(&self) -> NaiveDate {
        day(self.at)
    }

    pub(super) fn recorded(&self) -> Vec<Recorded<'a>> {
        self.declarations
            .iter()
            .enumerate()
            .map(|(revision, stored)| Recorded {
                place: Place { recorded_at: recorded_at(stored), revision },
                stored,
            })
            .filter(|recorded| recorded.place.recorded_at <= self.at)
            .collect()
    }
}

impl<'a> Recorded<'a> {
    pub(super) fn information(&self) -> Option<&'a Information> {
        match content(self.stored) {
            Content::Information(information) => Some(information),
            Content::Consent(_) | Content::Denial(_) => None,
        }
    }

    pub(super) fn consent(&self) -> Option<&'a Consent> {
        match content(self.stored) {
            Content::Consent(consent) => Some(consent),
            Content::Information(_) | Content::Denial(_) => None,
        }
    }

    pub(super) fn denial(&self) -> Option<&'a Denial> {
        match content(self.stored) {
            Content::Denial(denial) => Some(denial),
            Content::Information(_) | Content::Consent(_) => None,
        }
    }

    /// The day it was given; the day it was recorded where none is given, or one
    /// after that: "what is stored as given after it was recorded counts so too".
    pub(super) fn given_on(&self) -> NaiveDate {
        let given_at = self.stored.given_at.as_ref().map(instant);
        day(given_at.map_or(self.place.recorded_at, |given_at| given_at.min(self.place.recorded_at)))
    }

    /// When its withdrawal was stored, if that was at or before `at`.
    pub(super) fn withdrawn_at(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let withdrawn_at = self.stored.withdrawn_at.as_ref().map(instant)?;
        (withdrawn_at <= at).then_some(withdrawn_at)
    }

    /// The day its withdrawal was given, read as [`Recorded::given_on`] is.
    pub(super) fn withdrawal_given_on(&self, withdrawn_at: DateTime<Utc>) -> NaiveDate {
        let given_at = self.stored.withdrawal_given_at.as_ref().map(instant);
        day(given_at.map_or(withdrawn_at, |given_at| given_at.min(withdrawn_at)))
    }

    pub(super) fn declarer(&self) -> Role {
        let declarer = self.stored.declarer.as_ref();
        declarer.map_or(Role::Unspecified, |declarer| declarer.role())
    }

    pub(super) fn withdrawer(&self) -> Role {
        let withdrawer = self.stored.withdrawn_by.as_ref();
        withdrawer.map_or(Role::Unspecified, |withdrawer| withdrawer.role())
    }
}

fn recorded_at(stored: &StoredDeclaration) -> DateTime<Utc> {
    instant(stored.recorded_at.as_ref().unwrap())
}

pub(super) fn content(stored: &StoredDeclaration) -> &Content {
    stored.declaration.as_ref().unwrap().content.as_ref().unwrap()
}
