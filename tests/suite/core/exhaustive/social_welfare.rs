//! Within social welfare.

use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    AllPatientData, Channel, ConsentKind, OutsourcedService, RecordKind, RegisterKind, Role, Sector,
    StatutoryRight,
};

use super::world::{
    Named, case, claim, consent, denial, find, information, organisation, outsourcing, withdrawn,
};
use super::{exhaust, noon};

const REQUESTER: Named = ("county", RegisterKind::SocialWelfare);
const HOLDER: Named = ("private", RegisterKind::SocialWelfare);

/// Before and on the start, and on the day on which a system is ready.
const DAYS: [&str; 4] = ["2023-12-31", "2024-01-01", "2024-02-29", "2024-03-01"];

#[test]
fn within_social_welfare() {
    exhaust("within social welfare", 233_280, |choices| {
        let ready = [("", ""), ("2024-03-01", ""), ("", "2024-03-01"), ("never", ""), ("", "never")];
        let (requester_ready, holder_ready) = choices.of(&ready);
        let is_outsourced = choices.of(&[None, Some(false), Some(true)]);
        let turned = choices.whether();
        let (requester, holder) = if turned { (HOLDER, REQUESTER) } else { (REQUESTER, HOLDER) };
        let at = noon(choices.of(&DAYS));
        let mut case = case(requester, holder, RecordKind::ClientDocument, at);
        for (named, ready) in [(requester, requester_ready), (holder, holder_ready)] {
            let register = find(&mut case.directory, named);
            match ready {
                "" => {}
                "never" => register.shares_within_sector_from.clear(),
                day => day.clone_into(&mut register.shares_within_sector_from),
            }
        }
        if let Some(is_known) = is_outsourced {
            case.request.records[0].outsourcing = Some(OutsourcedService {
                organiser: organisation(REQUESTER.0),
                producer: organisation(if is_known { HOLDER.0 } else { "connected" }),
            });
            case.directory.outsourcing.push(outsourcing(REQUESTER, HOLDER.0));
        }
        let channels = [Channel::Kanta, Channel::UusimaaLocalDatabase, Channel::OutsideKanta];
        case.request.channel = choices.of(&channels).into();
        let provision = choices.of(&[None, Some(""), Some("703/2023 64 §")]);
        case.request.claims = provision
            .map(|provision| StatutoryRight { provision: provision.to_owned() })
            .map(|right| claim(Kind::StatutoryRight(right)))
            .into_iter()
            .collect();
        // Never informed; before the consents; after the first of them.
        let informed = choices.of(&["", "2023-01-01", "2023-06-15"]);
        if !informed.is_empty() {
            case.declarations.push(information("1.1", noon(informed)));
        }
        let first = choices.of(&["none", "given", "withdrawn", "by a guardian"]);
        let second = choices.of(&["none", "given", "withdrawn"]);
        for (state, day) in [(first, "2023-06-01"), (second, "2023-07-01")] {
            let consent = consent(ConsentKind::SocialWelfare, noon(day));
            match state {
                "given" => case.declarations.push(consent),
                "withdrawn" => {
                    case.declarations.push(withdrawn(consent, noon("2023-08-01"), Role::AuthorisedPerson));
                }
                "by a guardian" => {
                    let declarer = super::world::by(Role::Guardian);
                    case.declarations.push(lupa::wire::v1::StoredDeclaration { declarer, ..consent });
                }
                _ => {}
            }
        }
        let denied = choices.of(&[None, Some(Sector::SocialWelfare), Some(Sector::Healthcare)]);
        if let Some(sector) = denied {
            let everything = Scope::AllPatientData(AllPatientData {});
            case.declarations.push(denial(sector, everything, &[], false, noon("2023-09-01")));
        }
        // In force from the instant it is recorded.
        let is_late = choices.whether();
        if is_late {
            let scope = Scope::Document(super::world::DOCUMENT.to_owned());
            case.declarations.push(denial(Sector::SocialWelfare, scope, &[], false, at));
        }
        case
    });
}
