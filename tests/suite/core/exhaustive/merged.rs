//! Registers of former providers: merged, not yet, further, or never, at each link
//! of a chain; under each denial of what they hold, and under each rule that reads
//! the holder.

use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{Against, Channel, ConsentKind, RecordKind, RegisterKind, Sector};

use super::choices::Choices;
use super::world::{
    Named, case, consent, denial, find, find_organisation, information, local_consent, organisation, register,
};
use super::{exhaust, noon};
use crate::core::generator::Case;

const PAST: &str = "2023-01-01";
const TO_COME: &str = "2030-01-01";

/// `older` merges into `former`, which merges into the county: each has, or not yet.
fn merge(choices: &mut Choices, case: &mut Case) {
    for name in ["former", "county"] {
        let first_day = choices.of(&[PAST, TO_COME]);
        first_day.clone_into(&mut find_organisation(&mut case.directory, name).operates_from);
    }
}

#[test]
fn of_denials() {
    exhaust("merged: denials", 2 * 2 * 3 * 7 * 5 * 7 * 3 * 2 * 3, |choices| {
        let holder: Named = choices.of(&[
            ("older", RegisterKind::PublicHealthcare),
            ("former", RegisterKind::PublicHealthcare),
            ("former", RegisterKind::PublicOccupational),
            ("county", RegisterKind::PublicHealthcare),
            ("county", RegisterKind::PublicOccupational),
            ("older", RegisterKind::SocialWelfare),
            ("county", RegisterKind::SocialWelfare),
        ]);
        let (kind, sector, consented) = match holder.1 {
            RegisterKind::SocialWelfare => {
                (RecordKind::ClientDocument, Sector::SocialWelfare, ConsentKind::SocialWelfare)
            }
            _ => (RecordKind::ServiceEventEntry, Sector::Healthcare, ConsentKind::Healthcare),
        };
        let of_sector = |named: Named| match holder.1 {
            RegisterKind::SocialWelfare => (named.0, RegisterKind::SocialWelfare),
            _ => named,
        };
        let requester = choices.of(&[
            ("helsinki", RegisterKind::PublicHealthcare),
            ("county", RegisterKind::PublicHealthcare),
            ("county", RegisterKind::PublicOccupational),
            ("former", RegisterKind::PublicHealthcare),
            ("private", RegisterKind::PrivateHealthcare),
        ]);
        let mut case = case(of_sector(requester), holder, kind, noon("2026-06-01"));
        merge(choices, &mut case);
        if let Some(name) = choices.of(&[None, Some("former"), Some("county")]) {
            find_organisation(&mut case.directory, name).carries_former_denials = true;
        }
        let scope = choices.of(&[
            Scope::Register(register(holder)),
            Scope::Register(register(of_sector(("older", RegisterKind::PublicHealthcare)))),
            Scope::Register(register(of_sector(("former", RegisterKind::PublicHealthcare)))),
            Scope::Register(register(of_sector(("county", RegisterKind::PublicHealthcare)))),
            Scope::Register(register(of_sector(("former", RegisterKind::PublicOccupational)))),
            Scope::FormerProvider(organisation("older")),
            Scope::FormerProvider(organisation("former")),
        ]);
        let against = choices.of(&[&[][..], &[Against::OtherProviders], &[Against::OwnOtherRegisters]]);
        case.request.records[0].recorded_on = choices.of(&["2022-12-31", "2023-01-01"]).to_owned();
        case.request.records[0].original_controller =
            choices.of(&[String::new(), organisation("older"), organisation("county")]);
        case.declarations = vec![
            information("1.1", noon("2022-11-29")),
            consent(consented, noon("2024-02-01")),
            denial(sector, scope, against, false, noon("2022-11-30")),
        ];
        case
    });
}

#[test]
fn of_every_rule() {
    exhaust("merged: rules", 3 * 2 * 2 * 5 * 7 * 3 * 3 * 2 * 6, |choices| {
        let holder: Named = choices.of(&[
            ("older", RegisterKind::PublicHealthcare),
            ("former", RegisterKind::PublicHealthcare),
            ("former", RegisterKind::PublicOccupational),
            ("older", RegisterKind::SocialWelfare),
            ("former", RegisterKind::SocialWelfare),
        ]);
        let requester: Named = choices.of(&[
            ("county", RegisterKind::PublicHealthcare),
            ("county", RegisterKind::PublicOccupational),
            ("county", RegisterKind::SocialWelfare),
            ("uusimaa", RegisterKind::PublicHealthcare),
            ("uusimaa", RegisterKind::SocialWelfare),
            ("former", RegisterKind::PublicHealthcare),
            ("former", RegisterKind::SocialWelfare),
        ]);
        let kind = match holder.1 {
            RegisterKind::SocialWelfare => RecordKind::ClientDocument,
            _ => RecordKind::ServiceEventEntry,
        };
        let at = noon(choices.of(&["2026-06-01", "2027-11-01"]));
        let mut case = case(requester, holder, kind, at);
        let successor = choices.of(&["", "county", "uusimaa"]);
        let oid = if successor.is_empty() { String::new() } else { organisation(successor) };
        find_organisation(&mut case.directory, "former").successor = oid;
        for name in ["former", "county"] {
            let first_day = choices.of(&[PAST, TO_COME]);
            let name = if name == "county" && !successor.is_empty() { successor } else { name };
            first_day.clone_into(&mut find_organisation(&mut case.directory, name).operates_from);
        }
        // Whether the holder itself, and the register that it may be part of, are in Kanta.
        match choices.of(&["both joined", "the successor's joined", "none joined"]) {
            "the successor's joined" => find(&mut case.directory, holder).joined_kanta_on.clear(),
            "none joined" => {
                let kind = i32::from(holder.1);
                let asking = register(requester);
                let same = case.directory.registers.iter_mut().filter(|one| one.kind == kind);
                same.filter(|one| one.oid != asking).for_each(|one| one.joined_kanta_on.clear());
            }
            _ => {}
        }
        let channels = [Channel::Kanta, Channel::UusimaaLocalDatabase, Channel::OutsideKanta];
        case.request.channel = choices.of(&channels).into();
        case.declarations.push(information("2.0", noon("2024-01-10")));
        let day = noon("2024-02-01");
        match choices.of(&["none", "healthcare", "social welfare", "direction", "county's", "former's"]) {
            "healthcare" => case.declarations.push(consent(ConsentKind::Healthcare, day)),
            "social welfare" => case.declarations.push(consent(ConsentKind::SocialWelfare, day)),
            "direction" => {
                case.declarations.push(consent(ConsentKind::PatientDataToSocialWelfare, day));
                case.declarations.push(consent(ConsentKind::ClientDataToHealthcare, day));
            }
            "county's" => case.declarations.push(local_consent("county", day)),
            "former's" => case.declarations.push(local_consent("former", day)),
            _ => {}
        }
        case
    });
}
