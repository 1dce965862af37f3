//! Faults of a directory, and chains of successors.

use super::*;
use crate::directory::RegisterKind;

fn oid(number: u32) -> Oid<'static> {
    Oid::parse(format!("1.2.246.10.99999999.{number}")).expect("an OID")
}

fn organisation(number: u32, kind: OrganisationKind, successor: Option<u32>) -> Organisation {
    Organisation {
        oid: oid(number),
        name: "".into(),
        kind,
        uusimaa: false,
        operates_from: None,
        successor: successor.map(oid),
        main_responsibility: Vec::new(),
        carries_former_denials: false,
    }
}

fn county(number: u32) -> Organisation {
    organisation(number, OrganisationKind::WellbeingServicesCounty, None)
}

fn former(number: u32, successor: u32) -> Organisation {
    organisation(number, OrganisationKind::FormerPublic, Some(successor))
}

fn register(number: u32, controller: u32) -> Register {
    Register {
        oid: oid(number),
        name: "".into(),
        controller: oid(controller),
        kind: RegisterKind::PublicHealthcare,
        joined_kanta_on: None,
        shares_within_sector_from: None,
        retrieves_across_sectors_from: None,
        retrieves_prescriptions_from: None,
        stores_declarations_from: None,
    }
}

fn fault(place: DirectoryPlace, field: &'static str, what: WrongInDirectory) -> DirectoryFault {
    DirectoryFault { place, field, what }
}

#[test]
fn build_returns_every_fault_at_once() {
    let organisations = vec![county(1), county(1), former(2, 3), former(3, 2), former(4, 7)];
    let registers = vec![register(11, 1), register(11, 1), register(11, 9), register(2, 1)];
    let faults = Directory::build(organisations, registers, Vec::new()).expect_err("faults");
    assert_eq!(
        faults,
        [
            fault(DirectoryPlace::Organisation(1), "oid", WrongInDirectory::DuplicateOid(oid(1))),
            fault(DirectoryPlace::Register(1), "oid", WrongInDirectory::DuplicateOid(oid(11))),
            fault(DirectoryPlace::Register(2), "controller", WrongInDirectory::UnknownOrganisation(oid(9))),
            fault(DirectoryPlace::Register(2), "oid", WrongInDirectory::DuplicateOid(oid(11))),
            fault(DirectoryPlace::Register(3), "oid", WrongInDirectory::DuplicateOid(oid(2))),
            fault(
                DirectoryPlace::Organisation(4),
                "successor",
                WrongInDirectory::UnknownOrganisation(oid(7))
            ),
            fault(DirectoryPlace::Organisation(2), "successor", WrongInDirectory::SuccessorCycle(oid(2))),
            fault(DirectoryPlace::Organisation(3), "successor", WrongInDirectory::SuccessorCycle(oid(3))),
        ]
    );
}

#[test]
fn an_organisation_that_leads_into_a_cycle_is_not_part_of_it() {
    let organisations = vec![former(1, 2), former(2, 3), former(3, 2)];
    let faults = Directory::build(organisations, Vec::new(), Vec::new()).expect_err("faults");
    let places: Vec<_> = faults.iter().map(|fault| fault.place).collect();
    assert_eq!(places, [DirectoryPlace::Organisation(1), DirectoryPlace::Organisation(2)]);
}

#[test]
fn a_chain_of_successors_has_a_limit() {
    let last = SUCCESSORS_MAX as u32 + 2;
    let chain = |first| (first..last).map(|number| former(number, number + 1)).chain([county(last)]);
    assert!(Directory::build(chain(2).collect(), Vec::new(), Vec::new()).is_ok());
    let faults = Directory::build(chain(1).collect(), Vec::new(), Vec::new()).expect_err("faults");
    let too_many = WrongInDirectory::TooManySuccessors(oid(1));
    assert_eq!(faults, [fault(DirectoryPlace::Organisation(0), "successor", too_many)]);

    // A cycle that is longer than the limit is not followed to its start.
    let cycle: Vec<_> = (1..=last).map(|number| former(number, number % last + 1)).collect();
    let faults = Directory::build(cycle, Vec::new(), Vec::new()).expect_err("faults");
    assert_eq!(faults.len(), SUCCESSORS_MAX + 2);
}

#[test]
fn successors_are_followed_to_their_end() {
    let organisations = vec![former(1, 2), former(2, 3), county(3), county(4)];
    let directory = Directory::build(organisations, Vec::new(), Vec::new()).expect("a directory");
    let at = |number| directory.organisation(&oid(number)).expect("an organisation");
    let calendar = Calendar::published();
    let come = |number, day| {
        let successors = directory.successors_by(at(number), &calendar, Day::parse(day).expect("a day"));
        successors.map(|one| one.oid.clone()).collect::<Vec<_>>()
    };
    assert_eq!(come(1, "2023-01-01"), [oid(2), oid(3)]);
    assert_eq!(come(1, "2022-12-31"), []);
    assert_eq!(come(3, "2023-01-01"), []);
    assert!(directory.has_succeeded(at(2), &oid(1)) && directory.has_succeeded(at(3), &oid(1)));
    assert!(!directory.has_succeeded(at(4), &oid(1)) && !directory.has_succeeded(at(1), &oid(1)));
    assert!(directory.has_succeeded_any(at(2)) && directory.has_succeeded_any(at(3)));
    assert!(!directory.has_succeeded_any(at(1)) && !directory.has_succeeded_any(at(4)));
}

#[test]
fn loose_ends_are_reported_and_are_no_faults() {
    let organisations = vec![organisation(1, OrganisationKind::FormerPublic, None), former(2, 3), county(3)];
    let outsourcing =
        vec![Outsourcing { organiser_register: oid(21), producer: oid(8), from: None, until: None }];
    let directory = Directory::build(organisations, Vec::new(), outsourcing).expect("a directory");
    assert_eq!(
        directory.loose_ends(),
        [
            fault(DirectoryPlace::Organisation(0), "successor", WrongInDirectory::NoSuccessor(oid(1))),
            fault(
                DirectoryPlace::Outsourcing(0),
                "organiser_register",
                WrongInDirectory::UnknownRegister(oid(21))
            ),
            fault(DirectoryPlace::Outsourcing(0), "producer", WrongInDirectory::UnknownOrganisation(oid(8))),
        ]
    );
}
