//! Domain §7: who may declare and withdraw what.

use chrono::NaiveDate;
use lupa::wire::v1::{ClientId, ConsentKind, Denial, Role, Sector};

use super::calendar::{is_adult, is_minor};
use super::world::Recorded;

/// As whom someone acts on a day.
#[derive(Clone, Copy)]
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

/// For a minor every kind but `WELLBEING_DATA`.
pub(super) fn may_give_consent(client: &ClientId, kind: ConsentKind, role: Role, on: NaiveDate) -> bool {
    match standing(client, role, on) {
        Standing::Client | Standing::ForAdult => true,
        Standing::ForMinor => kind != ConsentKind::WellbeingData,
        Standing::Authorised | Standing::Nobody => false,
    }
}

/// For a minor, those "that a guardian or representative gave", of the kinds that
/// they may give: the others are the client's alone.
pub(super) fn may_withdraw_consent(
    client: &ClientId,
    recorded: &Recorded,
    role: Role,
    on: NaiveDate,
) -> bool {
    match standing(client, role, on) {
        Standing::Client | Standing::ForAdult => true,
        Standing::ForMinor => {
            recorded.consent().is_some_and(|consent| consent.kind() != ConsentKind::WellbeingData)
                && was_declared_for_client(recorded)
        }
        Standing::Authorised | Standing::Nobody => false,
    }
}

/// For a minor the denials of healthcare, "through a professional of healthcare".
pub(super) fn may_set_denial(
    client: &ClientId,
    denial: &Denial,
    role: Role,
    in_my_kanta: bool,
    on: NaiveDate,
) -> bool {
    match standing(client, role, on) {
        Standing::Client | Standing::ForAdult => true,
        Standing::ForMinor => denial.sector() == Sector::Healthcare && !in_my_kanta,
        Standing::Authorised | Standing::Nobody => false,
    }
}

/// For a minor, the healthcare denials that a guardian or representative set; the
/// way is judged at recording alone. "Until the client withdraws it" does not keep
/// an adult's representative from it.
pub(super) fn may_withdraw_denial(client: &ClientId, recorded: &Recorded, role: Role, on: NaiveDate) -> bool {
    match standing(client, role, on) {
        Standing::Client | Standing::ForAdult => true,
        Standing::ForMinor => {
            recorded.denial().is_some_and(|denial| denial.sector() == Sector::Healthcare)
                && was_declared_for_client(recorded)
        }
        Standing::Authorised | Standing::Nobody => false,
    }
}

fn was_declared_for_client(recorded: &Recorded) -> bool {
    matches!(recorded.declarer(), Role::Guardian | Role::LegalRepresentative)
}
