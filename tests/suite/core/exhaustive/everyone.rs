//! The rules for all requests: every pair of registers, on each channel, with and without
//! relationship and access right.

use lupa::wire::v1::{Channel, Ground, RecordKind, RegisterKind};

use super::world::{Named, case};
use super::{exhaust, noon};

/// Each kind of register of each kind of controller; of the last no directory knows.
const REGISTERS: [Named; 16] = [
    ("county", RegisterKind::PublicHealthcare),
    ("county", RegisterKind::PublicOccupational),
    ("county", RegisterKind::SocialWelfare),
    ("uusimaa", RegisterKind::PublicHealthcare),
    ("helsinki", RegisterKind::SocialWelfare),
    ("state", RegisterKind::PublicHealthcare),
    ("state-social", RegisterKind::SocialWelfare),
    ("private", RegisterKind::PrivateHealthcare),
    ("private", RegisterKind::PrivateOccupational),
    ("private", RegisterKind::SocialWelfare),
    ("former", RegisterKind::PublicHealthcare),
    ("former", RegisterKind::SocialWelfare),
    ("older", RegisterKind::PublicHealthcare),
    ("older", RegisterKind::SocialWelfare),
    ("kanta", RegisterKind::WellbeingData),
    ("nobody", RegisterKind::PublicHealthcare),
];

const GROUNDS: [Ground; 4] =
    [Ground::Unspecified, Ground::CareRelationship, Ground::ClientRelationship, Ground::OtherJustified];

const KINDS: [RecordKind; 6] = [
    RecordKind::PatientSummary,
    RecordKind::ServiceEventEntry,
    RecordKind::StatementOrCertificate,
    RecordKind::Prescription,
    RecordKind::ClientDocument,
    RecordKind::WellbeingData,
];

#[test]
fn of_everyone() {
    exhaust("everyone", 16 * 16 * 2 * 3 * 6 * 4 * 2 * 3, |choices| {
        // The first day of the successor: by the calendar, or its own.
        let operates_from = choices.of(&["", "2024-05-01"]);
        let requester = choices.of(&REGISTERS);
        let holder = choices.of(&REGISTERS);
        let at = noon(choices.of(&["2022-12-31", "2023-01-01", "2024-05-01"]));
        let mut case = case(requester, holder, choices.of(&KINDS), at);
        for organisation in &mut case.directory.organisations {
            if organisation.name == "county" {
                operates_from.clone_into(&mut organisation.operates_from);
            }
        }
        case.request.ground = choices.of(&GROUNDS).into();
        case.request.access_right = choices.whether();
        let channels = [Channel::Kanta, Channel::UusimaaLocalDatabase, Channel::OutsideKanta];
        case.request.channel = choices.of(&channels).into();
        case
    });
}
