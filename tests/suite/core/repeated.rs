//! Equal records of one request are decided once, and get the answer that each
//! would get alone.

use lupa::decide::{ReadRecords, decide};
use lupa::policy::World;
use lupa::policy::calendar::Calendar;
use lupa::policy::facts::Facts;
use lupa::policy::verdict::Verdict;
use lupa::wire::decide_call::DecideCall;
use lupa::wire::{decision, declaration, directory, v1};
use prost::Message;

use crate::core::evaluate::cases;
use crate::core::generator::{Case, case};

const CASES: u64 = 5_000;

/// Records that differ from those of a case in one field each, so that the table of
/// decided records must distinguish them.
fn variants(record: &v1::Record) -> Vec<v1::Record> {
    let changes: [fn(&mut v1::Record); 7] = [
        |_| {},
        |record| record.id.push('x'),
        |record| record.id.insert(0, 'x'),
        |record| record.recorded_on = "2019-01-01".to_owned(),
        |record| record.service_tasks.push("another-task".to_owned()),
        |record| record.kind = 0,
        |record| record.original_controller = "1.2.246.10.1".to_owned(),
    ];
    changes
        .map(|change| {
            let mut record = record.clone();
            change(&mut record);
            record
        })
        .into()
}

#[test]
fn equal_records_get_the_answer_that_each_gets_alone() {
    let shown = |verdict: &Verdict| format!("{verdict:?}");
    let mut distinct = 0;
    for seed in 0..cases(CASES) {
        let Case { directory: given, calendar: _, declarations, mut request, at } = case(seed);
        let variants: Vec<_> = request.records.iter().flat_map(variants).collect();
        // Each of them several times, in another order each time.
        request.records = variants.iter().chain(variants.iter().rev()).chain(&variants).cloned().collect();
        let directory = directory::directory(&given).expect("a directory");
        let stored = declaration::stored_declarations("declarations", &declarations).expect("declarations");
        let situation = decision::situation(&request).expect("a situation");
        let calendar = Calendar::published();
        let question = World { directory: &directory, calendar: &calendar, now: at }
            .question(&situation, Facts::all(&stored));
        let alone: Vec<_> = request
            .records
            .iter()
            .map(|record| shown(&question.decide_read(decision::record(record))))
            .collect();
        distinct += alone.windows(2).filter(|pair| pair[0] != pair[1]).count();

        let mut of_message = Vec::new();
        let Ok(()) = decide(&question, ReadRecords::from(request.records.as_slice()), |verdict| {
            of_message.push(shown(verdict));
        });
        assert_eq!(of_message, alone, "seed {seed}");
        let call = DecideCall::read(request.encode_to_vec().into()).expect("a request");
        let mut of_bytes = Vec::new();
        let read = decide(&question, call.records.cursor(), |verdict| of_bytes.push(shown(verdict)));
        assert_eq!((read, &of_bytes), (Ok(()), &alone), "seed {seed}");
    }
    assert!(distinct as u64 > cases(CASES), "only {distinct} records differ from the one before");
}
