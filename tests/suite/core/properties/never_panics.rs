//! `policy` does not panic on any input.

use chrono::{DateTime, TimeDelta, Utc};
use lupa::policy::World;
use lupa::policy::admit::{PersonRecords, admit, admit_withdrawal};
use lupa::policy::facts::Facts;
use lupa::policy::information::information_status;
use lupa::policy::verdict::Effect;
use lupa::wire::v1::{Record, StoredDeclaration};
use lupa::wire::verdict::{Disclosure, id_among, to_verdict};
use lupa::wire::{decision, declaration, directory};

use super::CASES;
use crate::core::evaluate::{cases, terms, to_core};
use crate::core::generator::rng::Rng;
use crate::core::generator::{Case, RecordingCase, RecordingRequest, case, recording_case, timestamp};

/// A panic in a decision is an outage, and one in the writer stops recording
/// for everyone: instants of any year, records of any text.
#[test]
fn policy_never_panics() {
    let mut strange = 0;
    for seed in 0..cases(CASES) {
        let mut rng = Rng::new(seed);
        let Case { directory: given, calendar, mut declarations, mut request, at } = case(seed);
        let at = strange_instant(&mut rng, at);
        declarations.iter_mut().for_each(|stored| make_strange(&mut rng, stored));
        request.records.extend((0..3).map(|_| strange_record(&mut rng)));
        let directory = directory::directory(&given).expect("a directory");
        let calendar = to_core(&calendar);
        let situation = decision::situation(&request).expect("a situation");
        // An instant that no store can hold is refused before.
        let Ok(stored) = declaration::stored_declarations("declarations", &declarations) else { continue };
        let question = World { directory: &directory, calendar: &calendar, now: at }
            .question(&situation, Facts::all(&stored));
        for record in &request.records {
            let read = decision::record(record);
            if let Ok(record) = &read {
                let told = |verdict| to_verdict(&verdict, Disclosure::Detailed, id_among(&stored));
                let explained = question.explain(record).verdict;
                assert_eq!(told(explained), told(question.decide(record)), "seed {seed}");
            } else {
                assert_eq!(question.decide_read(read).effect(), Effect::Deny, "seed {seed}");
            }
        }
        let status = information_status(&stored, &calendar, None, at);
        assert!(status.received.len() <= stored.len(), "seed {seed}");
        strange += 1;
    }
    assert!(strange > cases(CASES) / 2, "most cases were refused before policy saw them: {strange}");
}

/// The same for admission.
#[test]
fn admission_never_panics() {
    for seed in 0..cases(CASES) {
        let mut rng = Rng::new(seed);
        let RecordingCase { directory: given, calendar, mut declarations, request, at } =
            recording_case(seed);
        let at = strange_instant(&mut rng, at);
        declarations.iter_mut().for_each(|stored| make_strange(&mut rng, stored));
        let directory = directory::directory(&given).expect("a directory");
        let calendar = to_core(&calendar);
        let Ok(stored) = declaration::stored_declarations("declarations", &declarations) else { continue };
        let terms = terms(&directory, &calendar);
        let admitted = match request {
            RecordingRequest::Record(message) => {
                let (submission, _) = declaration::submission(&message).expect("a submission");
                admit(&submission, PersonRecords::of_one(&submission.client, &stored), terms, at)
            }
            RecordingRequest::Withdraw(message) => {
                let (submission, _) = declaration::withdrawal(&message).expect("a withdrawal");
                admit_withdrawal(&submission, PersonRecords::of_one(&submission.client, &stored), terms, at)
            }
        };
        if let Err(refusal) = admitted {
            assert!(!refusal.code().is_empty(), "seed {seed}");
        }
    }
}

/// An instant of any year, mostly unchanged.
fn strange_instant(rng: &mut Rng, at: DateTime<Utc>) -> DateTime<Utc> {
    rng.weighted(&[
        (60, at),
        (8, DateTime::<Utc>::MIN_UTC),
        (8, DateTime::<Utc>::MAX_UTC),
        (6, DateTime::UNIX_EPOCH),
        (6, "0001-01-01T00:00:00Z".parse().unwrap()),
        (6, "9999-12-31T23:59:59.999999999Z".parse().unwrap()),
        (6, at - TimeDelta::days(365 * 1_000)),
    ])
}

fn make_strange(rng: &mut Rng, stored: &mut StoredDeclaration) {
    let years = [-2_000_i64, -500, -1, 0, 1, 500, 7_000];
    let instants = [
        &mut stored.recorded_at,
        &mut stored.given_at,
        &mut stored.withdrawn_at,
        &mut stored.withdrawal_given_at,
    ];
    for instant in instants {
        if let Some(instant) = instant.as_mut().filter(|_| rng.chance(10)) {
            instant.seconds += rng.pick(&years) * 365 * 86_400;
        }
    }
    if rng.chance(3) {
        stored.given_at = Some(timestamp("9999-12-31T23:59:59Z".parse().unwrap()));
    }
}

fn strange_record(rng: &mut Rng) -> Record {
    let texts =
        ["", "x", "1.2", "0.0", "9999-12-31", "0000-01-01", "2024-02-29", "\u{0}", "ä", " ", "1.2.246.10.1"];
    let mut text = || {
        let text = rng.pick(&texts);
        if rng.chance(10) { text.repeat(200) } else { text.to_owned() }
    };
    Record {
        id: text(),
        register: text(),
        service_event: text(),
        recorded_on: text(),
        original_controller: text(),
        service_tasks: vec![text(), text()],
        kind: i32::try_from(rng.between(-1, 9)).unwrap(),
        outsourcing: None,
    }
}
