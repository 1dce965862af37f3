//! Bytes of a `DecideRequest`, read, converted and decided.

use std::sync::LazyLock;

use lupa::decide::decide;
use lupa::policy::World;
use lupa::policy::calendar::Calendar;
use lupa::policy::day::{Day, Instant};
use lupa::policy::declaration::Declaration;
use lupa::policy::directory::Directory;
use lupa::policy::facts::Facts;
use lupa::policy::verdict::Effect;
use lupa::wire::decide_call::DecideCall;
use lupa::wire::decision::record as record_of;
use lupa::wire::v1::{self, RecordKind};
use lupa::wire::{declaration, directory};
use prost::Message;
use prost::bytes::Bytes;

/// The world of the requests: a client who is informed and has consented.
struct Fixture {
    directory: Directory,
    declarations: Vec<Declaration>,
    at: Instant,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let simulation = include_str!("../../../expected/golden/simulate-request.json");
    let simulation: v1::SimulateRequest = serde_json::from_str(simulation).expect("a simulation");
    let given = simulation.directory.expect("a directory");
    Fixture {
        directory: directory::directory(&given).expect("a directory"),
        declarations: declaration::stored_declarations("declarations", &simulation.declarations)
            .expect("declarations"),
        at: "2027-12-01T10:00:00Z".parse().expect("an instant"),
    }
});

/// Returns the number of permitted records. Nothing panics, and only complete and valid
/// records are permitted.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let Ok(call) = DecideCall::read(Bytes::copy_from_slice(bytes)) else { return 0 };
    let Ok(situation) = &call.situation else { return 0 };
    let Fixture { directory, declarations, at } = &*FIXTURE;
    let calendar = Calendar::published();
    let question =
        World { directory, calendar: &calendar, now: *at }.question(situation, Facts::all(declarations));
    let mut effects = Vec::new();
    if decide(&question, call.records.cursor(), |verdict| effects.push(verdict.effect())).is_err() {
        // The request is refused as a whole, also if records before were decided.
        assert!(v1::DecideRequest::decode(bytes).is_err(), "prost reads it");
        return 0;
    }
    let message = v1::DecideRequest::decode(bytes).expect("prost reads it too");
    let alone = message.records.iter().map(|record| question.decide_read(record_of(record)).effect());
    assert_eq!(alone.collect::<Vec<_>>(), effects, "equal records have one verdict");
    let permitted = message.records.iter().zip(effects).filter(|(_, effect)| *effect == Effect::Permit);
    let permitted: Vec<_> = permitted.map(|(record, _)| record).collect();
    for record in &permitted {
        assert!(message.access_right && message.ground() != v1::Ground::Unspecified, "{message:?}");
        assert!(is_whole(record), "{record:?}");
    }
    permitted.len()
}

/// A valid record: it has every part that denials are checked against.
fn is_whole(record: &v1::Record) -> bool {
    let needs_event = !matches!(record.kind(), RecordKind::Prescription | RecordKind::WellbeingData);
    record.kind() != RecordKind::Unspecified
        && !record.id.is_empty()
        && !record.register.is_empty()
        && Day::parse(&record.recorded_on).is_ok()
        && (!needs_event || !record.service_event.is_empty())
}
