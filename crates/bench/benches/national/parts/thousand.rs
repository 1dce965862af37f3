//! A thousand records per request over gRPC.

use lupa_bench::measure::caller::{Call, Caller, framed};
use lupa_bench::measure::load::Load;
use lupa_bench::measure::repeats::interleaved;
use lupa_bench::measure::report::Section;
use prost::Message;

use crate::arguments::Arguments;
use crate::child::Server;
use crate::empties::{Reads, Runs};
use crate::server::{answer_file, block_on, with_demo_directory};
use crate::{questions, targets};

const RECORDS: usize = 1_000;
const LOAD: (usize, usize) = (4, 4);

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let lupa = with_demo_directory();
    let request = questions::decide(RECORDS);
    let record_bytes = request.encoded_len() / RECORDS;
    let question = framed(&request);
    let answer = block_on(async {
        let mut caller = Caller::connect(lupa.server.address).await;
        caller.send(Call::DECIDE, question.clone()).await.expect("an answer")
    });
    let file = answer_file(lupa.store.parent().expect("a folder"), &answer);
    let contenders = [
        ("Lupa", &lupa.server),
        ("empty tonic that decodes with prost", &Server::empty(Reads::WithProst, Runs::PerCore, &file)),
        ("empty tonic that decodes nothing", &Server::empty(Reads::Nothing, Runs::PerCore, &file)),
    ];
    let (connections, in_flight) = LOAD;
    let load = Load { connections, in_flight, lasting: arguments.repeat, may_be_refused: false };
    let measured = interleaved(arguments.repeats, &mut contenders.to_vec(), |(_, server)| {
        let question = question.clone();
        let before = server.processor_seconds();
        let loaded = load.run(server.address, Call::DECIDE, move |_| question.clone());
        let nanos = (server.processor_seconds() - before) * 1e9;
        let records = loaded.rate() * RECORDS as f64;
        let decided = records * loaded.lasted_with_warm_up().as_secs_f64();
        [records, loaded.micros(50.0), loaded.micros(99.0), nanos / decided]
    });
    let mut section = Section::default();
    section.text(format!(
        "{RECORDS} records of one client per request, {record_bytes} bytes each in the request and {} in the answer; \
         {connections} connections with {in_flight} concurrent requests on each. The empty services answer with the \
         same bytes.",
        answer.len() / RECORDS
    ));
    let rows: Vec<_> = contenders
        .iter()
        .zip(&measured)
        .map(|((name, _), repeats)| {
            [
                (*name).to_owned(),
                repeats.spread(0).format(1e-6, 2),
                repeats.spread(1).format(1e-3, 2),
                repeats.spread(2).format(1e-3, 2),
                repeats.spread(3).format(1.0, 0),
                repeats.noise(),
            ]
        })
        .collect();
    let header = ["", "million records/s", "p50 ms", "p99 ms", "processor ns per record", "noisy repeats"];
    section.table(header, &rows);
    if let [lupa, prost, ..] = &measured[..] {
        let share = 100.0 * lupa.spread(0).median / prost.spread(0).median;
        section.check(targets::THOUSAND_RATE.beside(Some(share)));
    }
    section
}
