//! Denials found by hash are those that a scan finds, and a record meets few of
//! them.

use smallvec::SmallVec;

use super::super::{extensively, in_any_sector, in_sector};
use super::*;
use crate::calendar::Calendar;
use crate::day::Day;
use crate::declaration::{Against, DataKind, Declaration, Denial, DenialSector, Scope};
use crate::declared::Declared;
use crate::directory::{Directory, Organisation, OrganisationKind, Register, RegisterKind};
use crate::facts::Facts;
use crate::oid::{Oid, OpaqueId};
use crate::request::{Record, RecordKind, Situation};
use crate::rules::{Finding, Sharing};
use crate::samples::{ADULT, client, denial, noon, situation};

const TODAY: &str = "2026-02-01";

/// Cases of the comparison; each has a client with its denials and a record.
const CASES: u32 = 30_000;

/// The numbers of the organisations, each with the number of its successor.
const ORGANISATIONS: [(u32, OrganisationKind, Option<u32>); 9] = [
    (1, OrganisationKind::WellbeingServicesCounty, None),
    (2, OrganisationKind::WellbeingServicesCounty, None),
    (3, OrganisationKind::Private, None),
    (4, OrganisationKind::FormerPublic, Some(1)),
    (5, OrganisationKind::FormerPublic, Some(6)),
    (6, OrganisationKind::FormerPublic, Some(1)),
    (7, OrganisationKind::FormerPublic, Some(2)),
    // Its successor has not started yet.
    (8, OrganisationKind::FormerPublic, Some(9)),
    (9, OrganisationKind::WellbeingServicesCounty, None),
];

const KINDS: [RegisterKind; 4] = [
    RegisterKind::PublicHealthcare,
    RegisterKind::PublicOccupational,
    RegisterKind::PublicHealthcare,
    RegisterKind::SocialWelfare,
];

/// A generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u32) as usize]
    }
}

fn organisation_oid(number: u32) -> Oid<'static> {
    Oid::parse(format!("1.2.246.10.99999999.{number}.0")).expect("an OID")
}

fn register_oid(controller: u32, place: u32) -> Oid<'static> {
    Oid::parse(format!("1.2.246.10.99999999.{controller}.{}", place + 1)).expect("an OID")
}

fn id(name: &str, number: u32) -> OpaqueId<'static> {
    OpaqueId::parse(format!("{name}-{number}")).expect("an id")
}

fn directory() -> Directory {
    let organisations = ORGANISATIONS.map(|(number, kind, successor)| Organisation {
        oid: organisation_oid(number),
        name: "".into(),
        kind,
        uusimaa: number == 2,
        operates_from: (number == 9).then(|| Day::of(noon("2027-01-01"))),
        successor: successor.map(organisation_oid),
        main_responsibility: Vec::new(),
        carries_former_denials: matches!(number, 1 | 6 | 9),
    });
    let registers = ORGANISATIONS.iter().flat_map(|(controller, _, _)| {
        // Not every organisation has registers of every kind.
        let held = (0..).zip(KINDS).take(if controller % 3 == 0 { 2 } else { 4 });
        held.map(|(place, kind)| Register {
            oid: register_oid(*controller, place),
            name: "".into(),
            controller: organisation_oid(*controller),
            kind,
            joined_kanta_on: None,
            shares_within_sector_from: None,
            retrieves_across_sectors_from: None,
            retrieves_prescriptions_from: None,
            stores_declarations_from: None,
        })
    });
    let registers = registers.collect();
    Directory::build(organisations.into(), registers, Vec::new()).expect("a directory")
}

fn scope(numbers: &mut Numbers) -> Scope {
    // Most scopes are of single things, or all data is denied in nearly every case.
    match numbers.below(24) {
        0 => Scope::AllPatientData,
        1 => Scope::Extensive,
        2..6 => Scope::Register(register_oid(numbers.below(10) + 1, numbers.below(4))),
        6..10 => Scope::FormerProvider(organisation_oid(numbers.below(11) + 1)),
        10..14 => Scope::ServiceTask(id("task", numbers.below(6))),
        14..16 => Scope::ServiceEvent(id("id", numbers.below(6))),
        16..18 => Scope::ServiceTransaction(id("id", numbers.below(6))),
        18..21 => Scope::Document(id("id", numbers.below(6))),
        _ => Scope::Prescription(id("id", numbers.below(6))),
    }
}

fn denials(numbers: &mut Numbers, wanted: u32) -> Vec<Declaration> {
    // Few kinds of scopes a client, so that the narrow ones decide too.
    let only: Vec<Scope> = (0..=numbers.below(5)).map(|_| scope(numbers)).collect();
    let of = |_| {
        let sector = numbers.one_of(&[
            DenialSector::Healthcare,
            DenialSector::Healthcare,
            DenialSector::SocialWelfare,
            DenialSector::Both,
        ]);
        let of_only = numbers.below(only.len() as u32) as usize;
        let scope = if numbers.below(3) == 0 { scope(numbers) } else { only[of_only].clone() };
        let scope = if numbers.below(4) > 0 && scope == Scope::Extensive { only[0].clone() } else { scope };
        let all = [Against::OtherProviders, Against::OwnOtherRegisters, Against::UusimaaPublicHealthcare];
        let against: SmallVec<_> = (0..numbers.below(3)).map(|_| numbers.one_of(&all)).collect();
        let allows_emergency = numbers.below(3) > 0;
        let mut declaration = denial("denial", "2024-01-02", sector, scope.clone());
        declaration.content =
            crate::declaration::Content::Denial(Denial { sector, scope, against, allows_emergency });
        declaration
    };
    (0..wanted).map(of).collect()
}

fn record(numbers: &mut Numbers) -> Record<'static> {
    let original = numbers.below(15);
    Record {
        id: id("id", numbers.below(6)),
        register: register_oid(numbers.below(9) + 1, numbers.below(2)),
        service_event: (numbers.below(4) > 0).then(|| id("id", numbers.below(6))),
        recorded_on: Day::of(noon(numbers.one_of(&["2020-01-01", "2024-05-05"]))),
        kind: numbers.one_of(&[RecordKind::ClientDocument, RecordKind::Patient(DataKind::Prescription)]),
        service_tasks: (0..numbers.below(3)).map(|_| id("task", numbers.below(8))).collect(),
        original_controller: (1..12).contains(&original).then(|| organisation_oid(original)),
        outsourcing: None,
    }
}

/// The world of a comparison.
struct Scene {
    directory: Directory,
    calendar: Calendar,
}

impl Scene {
    fn new() -> Self {
        Self { directory: directory(), calendar: Calendar::published() }
    }

    fn declared<'a>(&self, declarations: &'a [Declaration]) -> Declared<'a> {
        Declared::at(noon(TODAY), Facts::all(declarations), &client(ADULT), &self.calendar)
    }

    fn with_case<T>(
        &self,
        requester: &Oid<'_>,
        declared: &Declared<'_>,
        record: &Record<'_>,
        run: impl FnOnce(&Case<'_, '_>) -> T,
    ) -> T {
        let today = Day::of(noon(TODAY));
        let holder = self.directory.holder(&record.register, &self.calendar, today).expect("a register");
        let situation: Situation<'_> = situation("1.2.246.10.99999999.1.1");
        let sharing = Sharing {
            situation: &situation,
            client: &situation.client,
            requester: self.directory.party(requester).expect("a register"),
            holder: &holder,
            has_holder_succeeded: false,
            declared,
            directory: &self.directory,
            calendar: &self.calendar,
            today,
        };
        run(&Case { sharing: &sharing, record })
    }
}

/// What the denials find in each way: in a sector, in an emergency, across sectors
/// and for wellbeing data.
fn findings(case: &Case<'_, '_>) -> Vec<String> {
    let shown = |finding: Option<Finding>| format!("{finding:?}");
    vec![
        shown(in_sector(case, Sector::Healthcare, |_| false)),
        shown(in_sector(case, Sector::Healthcare, |denial| denial.allows_emergency)),
        shown(in_sector(case, Sector::SocialWelfare, |_| false)),
        shown(in_any_sector(case)),
        shown(extensively(case.sharing.declared)),
    ]
}

#[test]
fn denials_found_by_hash_are_those_of_a_scan() {
    let scene = Scene::new();
    let mut numbers = Numbers(7);
    let mut details = std::collections::HashMap::new();
    for number in 0..CASES {
        let wanted = 9 + numbers.below(20);
        let declarations = denials(&mut numbers, wanted);
        let record = record(&mut numbers);
        let requester = register_oid(numbers.one_of(&[1, 2, 3, 7]), 0);
        let scanned = scene.declared(&declarations);
        let mut found = scanned.clone();
        found.denials.index(&scene.directory);
        assert!(scanned.denials.lookup().is_none() && found.denials.lookup().is_some());
        let expected = scene.with_case(&requester, &scanned, &record, findings);
        let by_hash = scene.with_case(&requester, &found, &record, findings);
        assert_eq!(by_hash, expected, "case {number}: {record:?} {declarations:#?}");
        for finding in &expected {
            let detail = finding.split("detail: ").nth(1).and_then(|rest| rest.split(',').next());
            *details.entry(detail.unwrap_or("none").to_owned()).or_insert(0) += 1;
        }
    }
    for detail in [
        "DenialAllPatientData",
        "DenialServiceEvent",
        "DenialRegister",
        "DenialPrescription",
        "DenialFormerProvider",
        "DenialServiceTransaction",
        "DenialServiceTask",
        "DenialDocument",
        "DenialExtensive",
    ] {
        let found = details.get(&format!("Some({detail})")).copied().unwrap_or(0);
        assert!(found >= 100, "{detail} decided {found} times only: {details:?}");
    }
}

/// A record meets as many groups of a hundred times as many denials of each scope.
#[test]
fn the_number_of_candidates_does_not_grow_with_the_denials() {
    let scene = Scene::new();
    let requester = register_oid(3, 0);
    let former = register_oid(5, 0);
    let record = Record {
        id: id("id", 1),
        register: former.clone(),
        service_event: Some(id("event", 1)),
        recorded_on: Day::of(noon("2020-01-01")),
        kind: RecordKind::ClientDocument,
        service_tasks: (0..100).map(|task| id("other-task", task)).collect(),
        original_controller: None,
        outsourcing: None,
    };
    let without_task = Record { service_tasks: Vec::new(), ..record.clone() };
    let scopes: [fn(u32) -> Scope; 9] = [
        |_| Scope::AllPatientData,
        |_| Scope::Extensive,
        |number| Scope::ServiceEvent(id("event", number)),
        |number| Scope::ServiceTransaction(id("event", number)),
        |number| Scope::Document(id("id", number)),
        |number| Scope::Prescription(id("id", number)),
        |number| Scope::ServiceTask(id("task", number)),
        |number| Scope::Register(register_oid(number % 9 + 1, number)),
        |number| Scope::FormerProvider(organisation_oid(number + 1)),
    ];
    for (at, scope) in scopes.iter().enumerate() {
        let met = |many: u32| {
            let of = |number| denial("denial", "2024-01-02", DenialSector::Healthcare, scope(number));
            let declarations: Vec<_> = (0..many).map(of).collect();
            let mut declared = scene.declared(&declarations);
            declared.denials.index(&scene.directory);
            let of_record = |record: &Record<'_>| {
                scene.with_case(&requester, &declared, record, |case| {
                    let mut met = 0;
                    let lookup = case.sharing.declared.denials.lookup().expect("a lookup");
                    candidates(case, lookup, Sector::Healthcare, |_, _| met += 1);
                    met
                })
            };
            of_record(&record).max(of_record(&without_task))
        };
        let (few, many) = (met(100), met(10_000));
        assert_eq!(few, many, "scope {at}");
        assert!((1..=4).contains(&many), "scope {at}: {many}");
    }
}
