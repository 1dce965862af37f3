//! Within healthcare: every condition of the list beside every other. Which
//! denials cover what is in [`super::denials`].

use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    AllPatientData, Channel, ConsentKind, Emergency, OutsourcedService, RecordKind, RegisterKind, Role,
    Sector,
};

use super::world::{
    Named, case, claim, consent, denial, find, information, organisation, outsourcing, withdrawn,
};
use super::{exhaust, noon};

/// Both in Uusimaa, one of them, the same controller, and private ones.
const ENDS: [(Named, Named); 4] = [
    (("uusimaa", RegisterKind::PublicHealthcare), ("hus", RegisterKind::PublicHealthcare)),
    (("county", RegisterKind::PublicHealthcare), ("helsinki", RegisterKind::PublicHealthcare)),
    (("uusimaa", RegisterKind::PublicHealthcare), ("uusimaa", RegisterKind::PublicOccupational)),
    (("private", RegisterKind::PrivateHealthcare), ("elsewhere", RegisterKind::PrivateHealthcare)),
];

/// Before and on each day on which a rule of the list changes.
const DAYS: [&str; 7] =
    ["2021-10-31", "2021-11-01", "2022-12-31", "2023-01-01", "2023-12-31", "2024-01-01", "2026-06-01"];

#[test]
fn within_healthcare() {
    exhaust("within healthcare", 453_600, |choices| {
        let (requester, holder) = choices.of(&ENDS);
        let who_has_joined = choices.of(&[(true, true), (false, true), (true, false)]);
        let is_outsourced = choices.of(&[None, Some(false), Some(true)]);
        let day = choices.of(&DAYS);
        let at = noon(day);
        let kind = choices.of(&[RecordKind::ServiceEventEntry, RecordKind::Prescription]);
        let mut case = case(requester, holder, kind, at);
        if !who_has_joined.0 {
            find(&mut case.directory, requester).joined_kanta_on.clear();
        }
        if !who_has_joined.1 {
            find(&mut case.directory, holder).joined_kanta_on.clear();
        }
        if let Some(is_known) = is_outsourced {
            let producer = organisation(holder.0);
            case.request.records[0].outsourcing = Some(OutsourcedService {
                organiser: organisation(requester.0),
                producer: if is_known { producer } else { organisation("connected") },
            });
            case.directory.outsourcing.push(outsourcing(requester, holder.0));
        }
        let channels = [Channel::Kanta, Channel::UusimaaLocalDatabase, Channel::OutsideKanta];
        case.request.channel = choices.of(&channels).into();
        // Not informed, by the earlier law, and by each version.
        let version = choices.of(&["", "earlier-law", "1.0", "1.1", "2.0"]);
        if !version.is_empty() {
            case.declarations.push(information(version, noon("2021-10-01").min(at)));
            case.declarations.push(information(version, noon("2022-12-01").min(at)));
        }
        let consented = match kind {
            RecordKind::Prescription => ConsentKind::VerbalPrescription,
            _ => ConsentKind::Healthcare,
        };
        let given = choices.of(&["", "2021-09-30", "2021-10-30", "2023-12-31", "2024-01-01"]);
        if !given.is_empty() {
            let consent = consent(consented, noon(given));
            let is_withdrawn = given == "2021-10-30";
            case.declarations.push(if is_withdrawn { withdrawn(consent, at, Role::Client) } else { consent });
        }
        let emergency = choices.of(&[None, Some(false), Some(true)]);
        case.request.claims = emergency
            .map(|client_cannot_be_asked| claim(Kind::Emergency(Emergency { client_cannot_be_asked })))
            .into_iter()
            .collect();
        let everything = || match kind {
            RecordKind::Prescription => Scope::Prescription(super::world::DOCUMENT.to_owned()),
            _ => Scope::AllPatientData(AllPatientData {}),
        };
        let denials: &[bool] = choices.of(&[&[][..], &[true], &[false], &[true, false]]);
        for allows_emergency in denials {
            let denial = denial(Sector::Healthcare, everything(), &[], *allows_emergency, noon("2021-10-02"));
            case.declarations.push(denial);
        }
        case
    });
}
