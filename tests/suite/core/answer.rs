//! The answer writer compared with prost: both write the same bytes.

use lupa::policy::World;
use lupa::policy::calendar::Calendar;
use lupa::policy::day::Instant;
use lupa::policy::facts::Facts;
use lupa::wire::answer::{AnswerTail, AnswerWriter};
use lupa::wire::verdict::{Disclosure, to_verdict};
use lupa::wire::violation::to_timestamp;
use lupa::wire::{decision, declaration, directory, v1};
use prost::Message;

use crate::core::evaluate::cases;
use crate::core::generator::{Case, case};

const CASES: u64 = 20_000;

#[test]
fn answers_are_the_bytes_that_prost_encodes() {
    let mut lengths = Vec::new();
    for seed in 0..cases(CASES) {
        let Case { directory: given, calendar: _, declarations, mut request, at } = case(seed);
        // Invalid records, each with another invalid field.
        let faulty = |change: fn(&mut v1::Record)| {
            let mut record = request.records[0].clone();
            change(&mut record);
            record
        };
        let unreadable = [
            faulty(|record| record.id.clear()),
            faulty(|record| record.register = "x".to_owned()),
            faulty(|record| record.recorded_on = "2025-02-30".to_owned()),
            faulty(|record| record.kind = 99),
        ];
        request.records.extend(unreadable);
        let directory = directory::directory(&given).expect("a directory");
        let stored = declaration::stored_declarations("declarations", &declarations).expect("declarations");
        let situation = decision::situation(&request).expect("a situation");
        let calendar = Calendar::published();
        let question = World { directory: &directory, calendar: &calendar, now: at }
            .question(&situation, Facts::all(&stored));
        // Lengths that fit in one byte, and longer ones.
        let id = "x".repeat(usize::try_from(seed % 128).unwrap());
        let id_of = |place: u32| (place % 5 != 4).then_some(id.as_str());
        for disclosure in [Disclosure::Public, Disclosure::Detailed] {
            let verdicts: Vec<_> =
                request.records.iter().map(|record| question.decide_read(decision::record(record))).collect();
            let message = v1::DecideResponse {
                verdicts: verdicts.iter().map(|verdict| to_verdict(verdict, disclosure, id_of)).collect(),
                decision_id: "a decision".to_owned(),
                token: "x".repeat(usize::try_from(seed % 300).unwrap()),
                decided_at: Some(to_timestamp(at)),
                catalogue_version: "1".to_owned(),
                request_id: "ä".repeat(usize::try_from(seed % 70).unwrap()),
            };
            let mut writer = AnswerWriter::new(0, disclosure, id_of);
            for verdict in &verdicts {
                writer.verdict(verdict);
            }
            let written = writer.finish(&tail(&message, at));
            assert!(written.message() == message.encode_to_vec(), "seed {seed} {disclosure:?}: {message:#?}");
            lengths.extend(message.verdicts.iter().map(Message::encoded_len));
        }
    }
    assert!(lengths.iter().max() > Some(&128), "some verdicts are long");
}

#[test]
fn instants_are_the_bytes_that_prost_encodes() {
    for (seconds, nanos) in
        [(0, 0), (0, 1), (1, 0), (-1, 999_999_999), (253_402_300_799, 500), (-62_135_596_800, 0)]
    {
        let at = Instant::from_timestamp(seconds, nanos).expect("an instant");
        let message =
            v1::DecideResponse { decided_at: Some(to_timestamp(at)), ..v1::DecideResponse::default() };
        let written = AnswerWriter::new(0, Disclosure::Public, |_| None::<&str>).finish(&tail(&message, at));
        assert_eq!(written.message(), message.encode_to_vec(), "{at}");
    }
}

fn tail(message: &v1::DecideResponse, at: Instant) -> AnswerTail<'_> {
    AnswerTail {
        decision_id: &message.decision_id,
        token: &message.token,
        decided_at: at,
        catalogue_version: &message.catalogue_version,
        request_id: &message.request_id,
    }
}
