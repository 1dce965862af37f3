//! Who may declare what (domain rules §7; 000, 001).

use super::client_id::ClientId;
use super::day::Day;
use super::declaration::{Denial, DenialSector, Kind, Role, Scope};
use super::gist::ContentRef;

/// Whether someone in a role may declare this for a client on a day.
///
/// No role told may nothing.
pub(crate) fn may_declare(role: Option<Role>, content: ContentRef<'_>, client: &ClientId, on: Day) -> bool {
    match Standing::of(role, client, on) {
        Standing::Full => true,
        Standing::ForMinor => match content {
            ContentRef::Information(_) => true,
            ContentRef::Denial(denial) => is_healthcare_denial(denial),
            ContentRef::Consent(_) | ContentRef::Unreadable(_) => false,
        },
        Standing::Acknowledging => content.kind() == Kind::Information,
        Standing::None => false,
    }
}

/// Whether someone in a role may withdraw, on a day, what was declared for a
/// client in a role. That information cannot be withdrawn is told elsewhere.
pub(crate) fn may_withdraw(
    role: Option<Role>,
    content: ContentRef<'_>,
    declared_by: Option<Role>,
    client: &ClientId,
    on: Day,
) -> bool {
    match Standing::of(role, client, on) {
        Standing::Full => content.kind() != Kind::Information || role == Some(Role::Client),
        Standing::ForMinor => match content {
            ContentRef::Denial(denial) => {
                is_healthcare_denial(denial)
                    && matches!(declared_by, Some(Role::Guardian | Role::LegalRepresentative))
            }
            ContentRef::Information(_) | ContentRef::Consent(_) | ContentRef::Unreadable(_) => false,
        },
        Standing::Acknowledging | Standing::None => false,
    }
}

/// Whether someone in a role may have a client's declarations of a kind
/// printed on a day: who may give them, and for a minor the healthcare
/// denials and nothing else (domain rules §8).
pub(crate) fn may_have_printed(
    role: Role,
    kind: Kind,
    sector: DenialSector,
    client: &ClientId,
    on: Day,
) -> bool {
    match Standing::of(Some(role), client, on) {
        Standing::Full => true,
        Standing::ForMinor => kind == Kind::Denial && sector == DenialSector::Healthcare,
        Standing::Acknowledging | Standing::None => false,
    }
}

/// An extensive denial is of both sectors, whatever is stored.
fn is_healthcare_denial(denial: &Denial) -> bool {
    denial.sector == DenialSector::Healthcare && denial.scope != Scope::Extensive
}

/// What a role amounts to for a client on a day.
enum Standing {
    /// The client, or an adult's legal representative: everything.
    Full,
    /// A minor's guardian or legal representative.
    ForMinor,
    /// May acknowledge information only.
    Acknowledging,
    /// May nothing.
    None,
}

impl Standing {
    fn of(role: Option<Role>, client: &ClientId, on: Day) -> Self {
        match (role, client.is_minor_on(on)) {
            (Some(Role::Client), _) | (Some(Role::LegalRepresentative), Some(false)) => Self::Full,
            (Some(Role::Guardian | Role::LegalRepresentative), Some(true)) => Self::ForMinor,
            // Of an unknown age: whichever it is, this much a legal representative may.
            (Some(Role::LegalRepresentative), None) | (Some(Role::AuthorisedPerson), _) => {
                Self::Acknowledging
            }
            (Some(Role::Guardian), Some(false) | None) | (None, _) => Self::None,
        }
    }
}
