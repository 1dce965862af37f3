//! Directories: fixed organisations and registers, with varying dates, connections and
//! outsourcing.

use lupa::wire::v1::{
    Directory, MainResponsibility, Organisation, OrganisationKind, Outsourcing, Register, RegisterKind,
};

use super::rng::Rng;

/// By number: the kind, whether in Uusimaa, and the numbers of the successors that
/// it may have. 0: nobody. A chain has up to three links, 14, 15 and a county.
const ORGANISATIONS: [(u32, OrganisationKind, bool, &[u32]); 16] = [
    (1, OrganisationKind::WellbeingServicesCounty, false, &[0]),
    (2, OrganisationKind::WellbeingServicesCounty, true, &[0]),
    (3, OrganisationKind::WellbeingServicesCounty, true, &[0]),
    (4, OrganisationKind::CityOfHelsinki, true, &[0]),
    (5, OrganisationKind::HusGroup, true, &[0]),
    (6, OrganisationKind::StateHealthcare, false, &[0]),
    (7, OrganisationKind::DefenceForcesHealthcare, false, &[0]),
    (8, OrganisationKind::StateSocialWelfare, false, &[0]),
    (9, OrganisationKind::Private, false, &[0]),
    (10, OrganisationKind::Private, false, &[0]),
    (11, OrganisationKind::Private, true, &[0]),
    (12, OrganisationKind::FormerPublic, false, &[1, 1, 2]),
    (13, OrganisationKind::FormerPublic, true, &[14, 14, 14, 12, 2]),
    (14, OrganisationKind::FormerPublic, true, &[2, 2, 15, 15, 3]),
    (15, OrganisationKind::FormerPublic, false, &[0, 1, 2, 4]),
    (16, OrganisationKind::KantaServices, false, &[0]),
];

/// The number of the controller, and the kind.
const REGISTERS: [(u32, RegisterKind); 41] = [
    (1, RegisterKind::PublicHealthcare),
    (1, RegisterKind::PublicOccupational),
    (1, RegisterKind::SocialWelfare),
    (2, RegisterKind::PublicHealthcare),
    (2, RegisterKind::PublicOccupational),
    (2, RegisterKind::SocialWelfare),
    (3, RegisterKind::PublicHealthcare),
    (3, RegisterKind::SocialWelfare),
    (4, RegisterKind::PublicHealthcare),
    (4, RegisterKind::PublicOccupational),
    (4, RegisterKind::SocialWelfare),
    (5, RegisterKind::PublicHealthcare),
    (5, RegisterKind::PublicOccupational),
    (5, RegisterKind::SocialWelfare),
    (6, RegisterKind::PublicHealthcare),
    (6, RegisterKind::SocialWelfare),
    (7, RegisterKind::PublicHealthcare),
    (8, RegisterKind::SocialWelfare),
    (9, RegisterKind::PrivateHealthcare),
    (9, RegisterKind::PrivateOccupational),
    (9, RegisterKind::PrivateOccupational),
    (9, RegisterKind::SocialWelfare),
    (10, RegisterKind::PrivateHealthcare),
    (10, RegisterKind::SocialWelfare),
    (11, RegisterKind::PrivateHealthcare),
    (11, RegisterKind::PrivateOccupational),
    (11, RegisterKind::SocialWelfare),
    (12, RegisterKind::PublicHealthcare),
    (12, RegisterKind::PublicOccupational),
    (12, RegisterKind::SocialWelfare),
    (13, RegisterKind::PublicHealthcare),
    (13, RegisterKind::SocialWelfare),
    (14, RegisterKind::PublicHealthcare),
    (14, RegisterKind::PublicOccupational),
    (14, RegisterKind::SocialWelfare),
    (15, RegisterKind::PublicHealthcare),
    (15, RegisterKind::PublicOccupational),
    (1, RegisterKind::SocialWelfare),
    (2, RegisterKind::PublicHealthcare),
    (8, RegisterKind::SocialWelfare),
    (16, RegisterKind::WellbeingData),
];

/// A register and an organisation that are in no directory.
pub(super) const UNKNOWN: &str = "1.2.246.10.9999.1";

pub(super) fn organisation_oid(number: u32) -> String {
    format!("1.2.246.10.9000.{number}.10.0")
}

/// First day of a former provider's successor: long past, around the start of the counties, or in the future.
const FIRST_DAYS: [&str; 6] =
    ["2010-01-01", "2023-01-01", "2024-05-01", "2024-05-01", "2027-06-01", "2028-06-01"];

pub(super) fn directory(rng: &mut Rng) -> Directory {
    let organisations = ORGANISATIONS
        .into_iter()
        .map(|(number, kind, uusimaa, successors)| Organisation {
            oid: organisation_oid(number),
            name: format!("Organisation {number}"),
            kind: kind.into(),
            uusimaa: uusimaa != rng.chance(4),
            operates_from: date(rng, 65, &FIRST_DAYS),
            successor: match rng.pick(successors) {
                0 => String::new(),
                successor => organisation_oid(successor),
            },
            main_responsibility: connections(rng, number),
            carries_former_denials: rng.chance(if (12..=15).contains(&number) { 92 } else { 38 }),
            name_sv: String::new(),
            name_en: String::new(),
        })
        .collect();
    let registers = (1..)
        .zip(REGISTERS)
        .map(|(number, (controller, kind))| register(rng, number, controller, kind))
        .collect::<Vec<_>>();
    let outsourcing = (0..8).map(|_| outsourcing(rng, &registers)).collect();
    Directory { organisations, registers, outsourcing }
}

/// One of the dates, or unset with this percentage.
fn date(rng: &mut Rng, unset: usize, dates: &[&str]) -> String {
    if rng.chance(unset) {
        return String::new();
    }
    rng.pick(dates).to_owned()
}

/// Private 10 operates in connection with 9 mostly, 11 with either at times.
fn connections(rng: &mut Rng, number: u32) -> Vec<MainResponsibility> {
    let mains: &[u32] = match number {
        10 => &[9, 9, 11],
        11 => &[9, 10],
        9 => &[10],
        2 => &[9],
        _ => return Vec::new(),
    };
    let mut connections = Vec::new();
    for _ in 0..rng.below(3) {
        connections.push(MainResponsibility {
            provider: organisation_oid(rng.pick(mains)),
            notified: rng.chance(80),
            valid_from: date(rng, 60, &["2024-01-01", "2027-03-01", "2027-04-01"]),
            valid_until: date(rng, 70, &["2027-05-01", "2027-09-01", "2028-06-01"]),
        });
    }
    connections
}

fn register(rng: &mut Rng, number: u32, controller: u32, kind: RegisterKind) -> Register {
    let joined = ["2014-09-01", "2014-09-01", "2020-05-01", "2023-01-01"];
    let late = ["2024-03-01", "2026-02-01", "2027-04-01"];
    // A merged register is often ready by its successor's alone, and that one by a second.
    let early = if (12..=15).contains(&controller) || [3, 4].contains(&number) { 25 } else { 88 };
    let joined_kanta_on = if rng.chance(early) { rng.pick(&joined).to_owned() } else { date(rng, 50, &late) };
    Register {
        oid: format!("1.2.246.10.9001.{number}"),
        name: format!("Register {number}"),
        controller: organisation_oid(controller),
        kind: kind.into(),
        joined_kanta_on,
        shares_within_sector_from: date(rng, 8, &["2023-06-01", "2023-06-01", "2024-01-01", "2024-06-01"]),
        retrieves_across_sectors_from: date(
            rng,
            8,
            &["2026-01-01", "2027-03-01", "2027-03-01", "2027-06-01"],
        ),
        retrieves_prescriptions_from: date(
            rng,
            15,
            &["2027-03-01", "2027-11-01", "2027-11-01", "2028-02-01"],
        ),
        stores_declarations_from: date(rng, 65, &["2021-11-01", "2024-06-01", "2026-06-01"]),
        name_sv: String::new(),
        name_en: String::new(),
    }
}

fn outsourcing(rng: &mut Rng, registers: &[Register]) -> Outsourcing {
    let organisers: Vec<&Register> =
        registers.iter().filter(|register| register.kind() != RegisterKind::WellbeingData).collect();
    let organiser = rng.pick(&organisers);
    let former: Vec<&Register> = organisers
        .iter()
        .copied()
        .filter(|register| [12, 13, 14, 15].map(organisation_oid).contains(&register.controller))
        .collect();
    let organiser = if rng.chance(30) { rng.pick(&former) } else { organiser };
    let producer = organisation_oid(rng.pick(&[9, 9, 10, 11, 1, 3, 5]));
    Outsourcing {
        organiser_register: organiser.oid.clone(),
        producer,
        valid_from: date(rng, 50, &["2019-01-01", "2022-01-01", "2023-01-01"]),
        valid_until: date(rng, 60, &["2024-01-01", "2025-01-01", "2027-01-01"]),
    }
}
