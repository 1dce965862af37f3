//! Records of all kinds, some of them deliberately invalid.

use chrono::NaiveDate;
use lupa::wire::v1::{OutsourcedService, Record, RecordKind, RegisterKind};

use super::Setting;
use super::directory::{UNKNOWN, organisation_oid};
use super::requests::Ends;
use super::rng::Rng;
use super::times::near_day;
use crate::core::reference::day;

pub(super) const DOCUMENTS: [&str; 4] = ["document-1", "document-2", "document-3", "document-4"];
pub(super) const EVENTS: [&str; 3] = ["1.2.246.10.77.1", "event-2", "event-3"];
pub(super) const TASKS: [&str; 3] = ["0101", "0102", "children, families"];

const PATIENT_DATA: [RecordKind; 5] = [
    RecordKind::PatientSummary,
    RecordKind::ServiceEventEntry,
    RecordKind::StatementOrCertificate,
    RecordKind::Prescription,
    RecordKind::ServiceEventEntry,
];

pub(super) fn record(rng: &mut Rng, setting: &Setting, ends: &Ends) -> Record {
    let kind = match setting.kind(&ends.holder) {
        Some(RegisterKind::SocialWelfare) => RecordKind::ClientDocument,
        Some(RegisterKind::WellbeingData) => RecordKind::WellbeingData,
        _ => rng.pick(&PATIENT_DATA),
    };
    let may_lack_event = matches!(kind, RecordKind::Prescription | RecordKind::WellbeingData);
    let service_event = if may_lack_event && rng.chance(60) { "" } else { rng.pick(&EVENTS) };
    let original_controller = rng.weighted(&[
        (55, String::new()),
        (8, organisation_oid(12)),
        (8, organisation_oid(13)),
        (8, organisation_oid(14)),
        (5, organisation_oid(15)),
        (8, setting.controller(&ends.holder)),
        (4, organisation_oid(1)),
        (4, UNKNOWN.to_owned()),
    ]);
    let mut record = Record {
        id: rng.pick(&DOCUMENTS).to_owned(),
        register: ends.holder.clone(),
        service_event: service_event.to_owned(),
        recorded_on: recorded_on(rng, setting).to_string(),
        kind: kind.into(),
        service_tasks: tasks(rng, kind),
        original_controller,
        outsourcing: outsourcing(rng, setting, ends),
    };
    if rng.chance(3) {
        spoil(rng, &mut record);
    }
    record
}

fn recorded_on(rng: &mut Rng, setting: &Setting) -> NaiveDate {
    let day = if rng.chance(40) { rng.pick(&setting.anchors.0) } else { day(setting.at) };
    near_day(rng, day)
}

fn tasks(rng: &mut Rng, kind: RecordKind) -> Vec<String> {
    if kind != RecordKind::ClientDocument && rng.chance(95) {
        return Vec::new();
    }
    let count = rng.weighted(&[(25, 0), (50, 1), (25, 2)]);
    (0..count).map(|_| rng.pick(&TASKS).to_owned()).collect()
}

/// Mostly of a relation between the two ends, if there is one.
fn outsourcing(rng: &mut Rng, setting: &Setting, ends: &Ends) -> Option<OutsourcedService> {
    let mut parties: Vec<(String, String)> = Vec::new();
    for relation in &setting.directory.outsourcing {
        let organiser = &relation.organiser_register;
        // A register that the organiser's merged into stands for it.
        let chain = setting.successors(organiser);
        let stands_for = |register: &String| {
            register == organiser
                || chain.contains(&setting.controller(register))
                    && setting.kind(register) == setting.kind(organiser)
        };
        let other = if stands_for(&ends.requester) {
            &ends.holder
        } else if stands_for(&ends.holder) {
            &ends.requester
        } else {
            continue;
        };
        if setting.controller(other) == relation.producer {
            parties.push((setting.controller(organiser), relation.producer.clone()));
        }
    }
    if !parties.is_empty() && rng.chance(70) {
        let (organiser, producer) = rng.pick(&parties);
        return Some(OutsourcedService { organiser, producer });
    }
    rng.chance(5).then(|| OutsourcedService {
        organiser: organisation_oid(rng.pick(&[1, 2, 3, 9])),
        producer: organisation_oid(rng.pick(&[1, 9, 10, 11])),
    })
}

/// Makes the record invalid, mostly.
fn spoil(rng: &mut Rng, record: &mut Record) {
    let long = "x".repeat(129);
    match rng.below(10) {
        0 => record.id = rng.pick(&["", "tab\there", "é", &long]).to_owned(),
        1 => rng.pick(&["", "1", "3.1", "1..2", "1.02", "1.2.", "register"]).clone_into(&mut record.register),
        2 => record.service_event = rng.pick(&["", "line\nbreak", &long]).to_owned(),
        3 => rng
            .pick(&["", "2024-02-30", "2024-1-1", "20240101", "2024-01-01T00:00:00Z"])
            .clone_into(&mut record.recorded_on),
        4 => record.kind = rng.pick(&[0, 7, 99, -1]),
        5 => record.kind = rng.pick(&[1, 2, 3, 4, 5, 6]),
        6 => record.service_tasks.push(String::new()),
        7 => rng.pick(&["city", "1.2.246.", "4.1"]).clone_into(&mut record.original_controller),
        8 => {
            record.outsourcing =
                Some(OutsourcedService { organiser: String::new(), producer: organisation_oid(9) });
        }
        _ => {
            record.outsourcing =
                Some(OutsourcedService { organiser: organisation_oid(1), producer: "9".to_owned() });
        }
    }
}
