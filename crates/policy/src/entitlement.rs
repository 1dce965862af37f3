//! The entitlement of a role to declare, withdraw and print for a client
//! (domain rules §7; 000, 001; kanta: alaikaisen-puolesta-asiointi).

use super::client_id::ClientId;
use super::day::Day;
use super::declaration::{ConsentKind, Denial, DenialSector, Kind, RecordedBy, Role};
use super::facts::ContentRef;

/// Whether a person in a role may declare this for a client on a day. Nobody may
/// without a role.
#[inline]
pub(crate) fn may_declare(role: Option<Role>, content: ContentRef<'_>, client: &ClientId, on: Day) -> bool {
    match Standing::of(role, client, on) {
        Standing::Full => true,
        Standing::ForMinor => match content {
            ContentRef::Information(_) => true,
            ContentRef::Consent(consent) => is_for_guardians(&consent.kind),
            ContentRef::Denial(denial) => is_healthcare_denial(denial),
            ContentRef::Unreadable(_) => false,
        },
        Standing::Acknowledging => content.kind() == Kind::Information,
        Standing::None => false,
    }
}

/// Whether a person in a role may withdraw, on a day, a declaration that was made
/// in the role `declared_by`. That information cannot be withdrawn is a refusal
/// of its own.
#[inline]
pub(crate) fn may_withdraw(
    role: Option<Role>,
    content: ContentRef<'_>,
    declared_by: Option<Role>,
    client: &ClientId,
    on: Day,
) -> bool {
    match Standing::of(role, client, on) {
        Standing::Full => content.kind() != Kind::Information || role == Some(Role::Client),
        Standing::ForMinor => {
            let is_of_guardians = match content {
                ContentRef::Consent(consent) => is_for_guardians(&consent.kind),
                ContentRef::Denial(denial) => is_healthcare_denial(denial),
                ContentRef::Information(_) | ContentRef::Unreadable(_) => false,
            };
            is_of_guardians && matches!(declared_by, Some(Role::Guardian | Role::LegalRepresentative))
        }
        Standing::Acknowledging | Standing::None => false,
    }
}

/// Whether a person in a role may act for a client through this system: a
/// guardian sets and withdraws a minor's denials through a professional of
/// healthcare (000: "in the healthcare service"), another authorised person acts
/// in MyKanta (001).
pub(crate) fn is_way_open(
    role: Role,
    kind: Kind,
    client: &ClientId,
    on: Day,
    recorded_by: &RecordedBy,
) -> bool {
    let is_in_my_kanta = *recorded_by == RecordedBy::MyKanta;
    match Standing::of(Some(role), client, on) {
        Standing::ForMinor => kind != Kind::Denial || !is_in_my_kanta,
        Standing::Acknowledging => role != Role::AuthorisedPerson || is_in_my_kanta,
        Standing::Full | Standing::None => true,
    }
}

/// The consents of a client that a person in a role may have printed on a day.
pub(crate) enum PrintedConsents {
    /// All consents.
    All,
    /// The consents that a guardian may give.
    OfGuardians,
    /// No consents.
    None,
}

impl PrintedConsents {
    pub(crate) fn of(role: Role, client: &ClientId, on: Day) -> Self {
        match Standing::of(Some(role), client, on) {
            Standing::Full => Self::All,
            Standing::ForMinor => Self::OfGuardians,
            Standing::Acknowledging | Standing::None => Self::None,
        }
    }

    pub(crate) fn include(&self, kind: &ConsentKind<'_>) -> bool {
        match self {
            Self::All => true,
            Self::OfGuardians => is_for_guardians(kind),
            Self::None => false,
        }
    }
}

/// Whether a person in a role may have a summary of a client's denials printed on
/// a day: a person who may give all of them. A guardian of a minor gets the
/// denials of healthcare, from a professional (domain rules §8).
pub(crate) fn may_have_denials_printed(
    role: Role,
    is_of_healthcare_alone: bool,
    client: &ClientId,
    on: Day,
    printed_by: &RecordedBy,
) -> bool {
    match Standing::of(Some(role), client, on) {
        Standing::Full => true,
        Standing::ForMinor => {
            is_of_healthcare_alone && is_way_open(role, Kind::Denial, client, on, printed_by)
        }
        Standing::Acknowledging | Standing::None => false,
    }
}

/// A guardian gives consents of every kind but that to the citizen's own data.
fn is_for_guardians(kind: &ConsentKind<'_>) -> bool {
    *kind != ConsentKind::WellbeingData
}

fn is_healthcare_denial(denial: &Denial) -> bool {
    denial.sector == DenialSector::Healthcare
}

/// The rights of a role for a client on a day.
enum Standing {
    /// The client, or an adult's legal representative: everything.
    Full,
    /// A minor's guardian or legal representative.
    ForMinor,
    /// May acknowledge information only.
    Acknowledging,
    /// No rights.
    None,
}

impl Standing {
    fn of(role: Option<Role>, client: &ClientId, on: Day) -> Self {
        match (role, client.is_minor_on(on)) {
            (Some(Role::Client), _) | (Some(Role::LegalRepresentative), Some(false)) => Self::Full,
            (Some(Role::Guardian | Role::LegalRepresentative), Some(true)) => Self::ForMinor,
            // If the age is not known: at any age a legal representative has this right.
            (Some(Role::LegalRepresentative), None) | (Some(Role::AuthorisedPerson), _) => {
                Self::Acknowledging
            }
            (Some(Role::Guardian), Some(false) | None) | (None, _) => Self::None,
        }
    }
}
