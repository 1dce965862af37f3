//! Domain §7: who may declare and withdraw what.

use chrono::NaiveDate;
use lupa::wire::v1::ClientId;
use lupa::wire::v1::Denial;
use lupa::wire::v1::Role;
use lupa::wire::v1::Sector;

use super::calendar::is_adult;
use super::calendar::is_minor;
use super::denials::is_extensive;
use super::world::Recorded;

/// As whom someone acts on a day.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Client,
    ForMinor,
    ForAdult,
    Authorised,
    Nobody,
}

/// Who has no identity code is neither an adult nor a minor, and nobody acts for them.
pub(super) fn standing(client: &ClientId, role: Role, on: NaiveDate) -> Standing {
    match role {
        Role::Client => Standing::Client,
        Role::Guardian | Role::LegalRepresentative if is_minor(client, on) => Standing::ForMinor,
        Role::LegalRepresentative if is_adult(client, on) => Standing::ForAdult,
        Role::AuthorisedPerson => Standing::Authorised,
        Role::Guardian | Role::LegalRepresentative | Role::Unspecified => Standing::Nobody,
    }
}

pub(super) fn may_give_consent(client: &ClientId, role: Role, on: NaiveDate) -> bool {
    matches!(standing(client, role, on), Standing::Client | Standing::ForAdult)
}

pub(super) fn may_set_denial(client: &ClientId, denial: &Denial, role: Role, on: NaiveDate) -> bool {
    match standing(client, role, on) {
        Standing::Client | Standing::ForAdult => true,
        Standing::ForMinor => is_of_healthcare_alone(denial),
        Standing::Authorised | Standing::Nobody => false,
    }
}

/// For a minor, the healthcare denials that a guardian or representative set.
/// "Until the client withdraws it" does not keep an adult's representative from it.
pub(super) fn may_withdraw_denial(client: &ClientId, recorded: &Recorded, role: Role, on: NaiveDate) -> bool {
    match standing(client, role, on) {
        Standing::Client | Standing::ForAdult => true,
        Standing::ForMinor => {
            recorded.denial().is_some_and(is_of_healthcare_alone)
                && matches!(recorded.declarer(), Role::Guardian | Role::LegalRepresentative)
        }
        Standing::Authorised | Standing::Nobody => false,
    }
}

/// An extensive denial counts in social welfare too, whatever sector is stored on it.
fn is_of_healthcare_alone(denial: &Denial) -> bool {
    denial.sector() == Sector::Healthcare && !is_extensive(denial)
}
