//! Allocations of a consent: each set of recipients, data and tasks, and each period,
//! before, on and after its days.

use lupa::wire::v1::recipient::Kind as To;
use lupa::wire::v1::{AllPublic, Allocation, ConsentKind, DataKind, Recipient, RecordKind, RegisterKind};

use super::choices::Choices;
use super::world::{Named, RECORDED_ON, allocated, case, information, organisation};
use super::{exhaust, noon};

const TO_SOCIAL_WELFARE: [Named; 8] = [
    ("county", RegisterKind::SocialWelfare),
    ("helsinki", RegisterKind::SocialWelfare),
    ("hus", RegisterKind::SocialWelfare),
    ("state-social", RegisterKind::SocialWelfare),
    ("private", RegisterKind::SocialWelfare),
    ("connected", RegisterKind::SocialWelfare),
    ("elsewhere", RegisterKind::SocialWelfare),
    ("former", RegisterKind::SocialWelfare),
];

const TO_HEALTHCARE: [Named; 8] = [
    ("county", RegisterKind::PublicOccupational),
    ("helsinki", RegisterKind::PublicHealthcare),
    ("hus", RegisterKind::PublicHealthcare),
    ("state", RegisterKind::PublicHealthcare),
    ("defence", RegisterKind::PublicHealthcare),
    ("private", RegisterKind::PrivateOccupational),
    ("connected", RegisterKind::PrivateHealthcare),
    ("elsewhere", RegisterKind::PrivateHealthcare),
];

/// The day before the recording, that day, the day after.
const DAYS: [&str; 4] = ["", "2020-05-04", RECORDED_ON, "2020-05-06"];

#[test]
fn of_patient_data() {
    exhaust("allocation of patient data", 393_216, |choices| {
        let requester = choices.of(&TO_SOCIAL_WELFARE);
        let holder = ("hus", RegisterKind::PublicHealthcare);
        let kinds = [
            RecordKind::PatientSummary,
            RecordKind::ServiceEventEntry,
            RecordKind::StatementOrCertificate,
            RecordKind::Prescription,
        ];
        let mut case = case(requester, holder, choices.of(&kinds), noon("2028-01-10"));
        let data = [
            DataKind::PatientSummary,
            DataKind::ServiceEventEntry,
            DataKind::StatementOrCertificate,
            DataKind::Prescription,
        ];
        let allocation = Allocation {
            recipients: recipients(choices, &["state-social", "private"]),
            data: some_of(choices, &data).into_iter().map(i32::from).collect(),
            service_tasks: choices.of(&[Vec::new(), vec!["0101".to_owned()]]),
            recorded_from: String::new(),
            recorded_to: String::new(),
        };
        let allocation = with_period(choices, allocation);
        let consent =
            allocated(ConsentKind::PatientDataToSocialWelfare, Some(allocation), noon("2026-02-01"));
        case.declarations = vec![information("2.0", noon("2026-01-01")), consent];
        case
    });
}

#[test]
fn of_client_data() {
    exhaust("allocation of client data", 98_304, |choices| {
        let requester = choices.of(&TO_HEALTHCARE);
        let holder = ("state-social", RegisterKind::SocialWelfare);
        let mut case = case(requester, holder, RecordKind::ClientDocument, noon("2028-01-10"));
        case.request.records[0].service_tasks = texts(&some_of(choices, &["0101", "0202"]));
        let allocation = Allocation {
            recipients: recipients(choices, &["state", "private"]),
            data: choices.of(&[Vec::new(), vec![DataKind::PatientSummary.into()]]),
            service_tasks: texts(&some_of(choices, &["0101", "0303"])),
            recorded_from: String::new(),
            recorded_to: String::new(),
        };
        let allocation = with_period(choices, allocation);
        let consent = allocated(ConsentKind::ClientDataToHealthcare, Some(allocation), noon("2026-02-01"));
        case.declarations = vec![information("2.0", noon("2026-01-01")), consent];
        case
    });
}

/// A consent within a sector is not allocated: any allocation voids it.
#[test]
fn of_what_is_not_allocated() {
    exhaust("allocation that is not offered", 768, |choices| {
        let (kind, requester, holder, record) = choices.of(&[
            (
                ConsentKind::Healthcare,
                ("county", RegisterKind::PublicHealthcare),
                ("private", RegisterKind::PrivateHealthcare),
                RecordKind::PatientSummary,
            ),
            (
                ConsentKind::SocialWelfare,
                ("county", RegisterKind::SocialWelfare),
                ("private", RegisterKind::SocialWelfare),
                RecordKind::ClientDocument,
            ),
            (
                ConsentKind::WellbeingData,
                ("county", RegisterKind::PublicHealthcare),
                ("kanta", RegisterKind::WellbeingData),
                RecordKind::WellbeingData,
            ),
        ]);
        let mut case = case(requester, holder, record, noon("2028-01-10"));
        let all = To::AllPublic(AllPublic {});
        let allocation = Allocation {
            recipients: choices.of(&[Vec::new(), vec![Recipient { kind: Some(all) }]]),
            data: choices.of(&[Vec::new(), vec![DataKind::PatientSummary.into()]]),
            service_tasks: choices.of(&[Vec::new(), vec!["0101".to_owned()]]),
            recorded_from: String::new(),
            recorded_to: String::new(),
        };
        let allocation = with_period(choices, allocation);
        let allocation = choices.of(&[None, Some(allocation)]);
        let consent = allocated(kind, allocation, noon("2026-02-01"));
        case.declarations = vec![information("2.0", noon("2026-01-01")), consent];
        case
    });
}

/// Each set of everyone public and two who may be named; with none, with a
/// county, which may not, and with someone whom the directory does not know.
fn recipients(choices: &mut Choices, named: &[&str; 2]) -> Vec<Recipient> {
    let of = |name| To::Organisation(organisation(name));
    let each = [To::AllPublic(AllPublic {}), of(named[0]), of(named[1]), of("county"), of("nobody")];
    let each = each.map(|recipient| Recipient { kind: Some(recipient) });
    let offered = some_of(choices, &each[..3]);
    let others = choices.of(&[&[][..], &each[3..4], &each[4..]]);
    offered.iter().chain(others).cloned().collect()
}

fn with_period(choices: &mut Choices, allocation: Allocation) -> Allocation {
    let (recorded_from, recorded_to) = (choices.of(&DAYS).to_owned(), choices.of(&DAYS).to_owned());
    // A first day after the last is refused.
    let is_backwards = !recorded_to.is_empty() && recorded_to < recorded_from;
    let recorded_to = if is_backwards { String::new() } else { recorded_to };
    Allocation { recorded_from, recorded_to, ..allocation }
}

/// Each set of these.
fn some_of<T: Clone>(choices: &mut Choices, options: &[T]) -> Vec<T> {
    options.iter().filter(|_| choices.whether()).cloned().collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
