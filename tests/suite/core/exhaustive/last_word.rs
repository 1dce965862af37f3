//! The client's last word: two consents of one kind, each given and withdrawn on
//! each of a few days and recorded at each of a few instants, in every order.

use chrono::{DateTime, TimeDelta, Utc};
use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::{
    Cause, Channel, ClientId, ClientUnableToDecide, ConsentKind, RecordKind, RegisterKind, Role,
    StoredDeclaration,
};

use super::choices::Choices;
use super::world::{by, case, claim, consent, information};
use super::{exhaust, noon};
use crate::core::generator::timestamp;

const REQUESTER: (&str, RegisterKind) = ("county", RegisterKind::SocialWelfare);
const HOLDER: (&str, RegisterKind) = ("private", RegisterKind::PrivateHealthcare);

#[test]
fn of_consents() {
    exhaust("the last word", 2 * 2 * 3 * (3 * 2 * 7) * (3 * 2 * 7), |choices| {
        let mut case = case(REQUESTER, HOLDER, RecordKind::ServiceEventEntry, noon("2027-11-01"));
        case.request.channel = Channel::OutsideKanta.into();
        if choices.whether() {
            case.request.claims = vec![claim(Kind::ClientUnableToDecide(ClientUnableToDecide {
                cause: Cause::Disability.into(),
                has_legal_representative: Some(false),
                data_essential: true,
            }))];
        }
        // Eighteen on 1 November 2027, or long before: the first consent is a guardian's.
        let is_minors = choices.whether();
        let code = if is_minors { "011109A9062" } else { "010181-900C" };
        case.request.client = Some(ClientId { extension: code.to_owned(), root: String::new() });
        // Given before all of them, on the second day but recorded before, and on the last.
        let informed = choices.of(&["2027-01-01", "2027-09-02", "2027-09-03"]);
        case.declarations.push(information("2.0", noon(informed) - TimeDelta::hours(8)));
        let mut first = of_client(choices);
        if is_minors {
            first.declarer = by(Role::Guardian);
        }
        case.declarations.push(first);
        case.declarations.push(of_client(choices));
        case
    });
}

/// On this day, seven hours before noon: before everything recorded on it.
fn given(day: &str) -> DateTime<Utc> {
    noon(day) - TimeDelta::hours(7)
}

fn of_client(choices: &mut Choices) -> StoredDeclaration {
    let recorded_at = noon(choices.of(&["2027-09-03", "2027-09-04"]));
    let mut consent = consent(ConsentKind::PatientDataToSocialWelfare, recorded_at);
    let given_on = choices.of(&["2027-09-01", "2027-09-02", "2027-09-03"]);
    consent.given_at = Some(timestamp(given(given_on)));
    // Recorded with the other one, or after both; given before it, with it, or when recorded.
    let withdrawn = choices.of(&[
        None,
        Some(("2027-09-04", "")),
        Some(("2027-09-04", "2027-09-01")),
        Some(("2027-09-04", "2027-09-03")),
        Some(("2027-09-05", "")),
        Some(("2027-09-05", "2027-09-02")),
        Some(("2027-09-05", "2027-09-03")),
    ]);
    if let Some((recorded_on, given_on)) = withdrawn {
        consent.withdrawn_at = Some(timestamp(noon(recorded_on)));
        consent.withdrawn_by = by(Role::AuthorisedPerson);
        consent.withdrawal_given_at = (!given_on.is_empty()).then(|| timestamp(given(given_on)));
    }
    consent
}
