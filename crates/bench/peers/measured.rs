//! Measures all contenders in turn and reports the results.

use std::path::Path;

use bytes::Bytes;
use lupa_bench::measure::caller::{Call, Caller};
use lupa_bench::measure::load::Load;
use lupa_bench::measure::repeats::{Repeats, interleaved};
use lupa_bench::measure::report::Section;
use lupa_bench::measure::{machine, repository};

use crate::facts::{is_permitted, records};
use crate::process::Server;
use crate::{Arguments, cerbos, libraries, lupa_server, spicedb};

/// Records per request. Cerbos accepts fewer than a thousand and is measured with
/// its maximum.
const BATCHES: [usize; 2] = [50, 1_000];

/// One request at a time, and saturated.
const SINGLE_LOADS: [(&str, usize, usize); 2] = [
    ("One record per request, one request at a time", 1, 1),
    ("One record per request, 4 × 32 concurrent", 4, 32),
];
const BATCH_LOAD: (usize, usize) = (4, 2);

/// A server and the request to it.
struct Contender<'s> {
    name: &'static str,
    server: &'s Server,
    call: Call,
    question: Bytes,
    records: usize,
}

struct Servers {
    lupa: Server,
    cerbos: Server,
    spicedb: Server,
}

pub(crate) fn run(arguments: &Arguments) {
    let folder = tempfile::tempdir().expect("a folder");
    let servers = Servers {
        lupa: lupa_server::start(&arguments.lupa, folder.path()),
        cerbos: cerbos::start(&arguments.cerbos, folder.path()),
        spicedb: spicedb::start(&arguments.spicedb),
    };
    let mut section = Section::default();
    section.text(introduction(arguments));
    for (title, connections, in_flight) in SINGLE_LOADS {
        measure(arguments, &servers, folder.path(), &mut section, title, 1, (connections, in_flight));
    }
    for count in BATCHES {
        let title = format!("{count} records per request, {} × {} concurrent", BATCH_LOAD.0, BATCH_LOAD.1);
        measure(arguments, &servers, folder.path(), &mut section, &title, count, BATCH_LOAD);
    }
    let in_process = libraries::measure(arguments);
    let least = in_process.first().map_or(f64::NAN, |(_, spread)| spread.median);
    let rows: Vec<_> = in_process
        .iter()
        .map(|(name, spread)| {
            [(*name).to_owned(), spread.format(1.0, 0), format!("{:.1} ×", spread.median / least)]
        })
        .collect();
    section.text("In process, per decision, one thread:");
    section.table(["", "ns", "relative to Lupa"], &rows);
    let report = format!(
        "## Comparison with other policy servers and libraries\n\n{}\n\nMeasured {} at {}: `benches/peers/run`.\n",
        section.as_markdown(),
        machine::date(),
        machine::commit()
    );
    println!("{report}");
    if !arguments.is_quick {
        let path = repository().join("benches/peers/results.md");
        std::fs::write(path, report).expect("written");
    }
}

fn introduction(arguments: &Arguments) -> String {
    format!(
        "{}, cedar-policy and regorus, installed from their registries, and an empty tonic service (tokio's default \
         runtime, the system's allocator, bytes in, a constant answer as long as Lupa's out), measured in turn with \
         Lupa in one run. All of them make the same decisions on the same records, which is checked: permitted if there \
         is a relationship, and either the record is in the requester's own register, or the client is informed and \
         consents and has denied neither register nor service event. Differences: Lupa evaluates all its rules, stores \
         the declarations durably and returns reason, rule and declarations; Cerbos and SpiceDB evaluate any policy, \
         here this one, and return only whether it permits. Cerbos stores no facts, so each request carries the \
         client's, once, and at most {} records. SpiceDB is its library behind tonic with the datastore in memory, \
         the relationships of one client written in advance, and `minimize_latency`, so that its caches are warm. \
         Audit logs and traces are off.",
        arguments.versions,
        cerbos::RESOURCES_MAX
    )
}

fn measure(
    arguments: &Arguments,
    servers: &Servers,
    folder: &Path,
    section: &mut Section,
    title: &str,
    count: usize,
    (connections, in_flight): (usize, usize),
) {
    let asked_about = records(count);
    let of_cerbos = count.min(cerbos::RESOURCES_MAX);
    let bulk = if count == 1 { spicedb::CHECK } else { spicedb::CHECK_BULK };
    let contender =
        |name, server, call, question, records| Contender { name, server, call, question, records };
    let mut contenders = vec![
        contender("Lupa", &servers.lupa, lupa_server::DECIDE, lupa_server::question(&asked_about), count),
        contender(
            "Cerbos",
            &servers.cerbos,
            cerbos::CHECK,
            cerbos::question(&asked_about[..of_cerbos]),
            of_cerbos,
        ),
        contender("SpiceDB", &servers.spicedb, bulk, spicedb::question(&asked_about), count),
    ];
    let answers: Vec<Bytes> = contenders.iter().map(answer).collect();
    let read: [fn(Bytes, usize) -> Vec<bool>; 3] =
        [|answer, _| lupa_server::read(answer), |answer, _| cerbos::read(answer), spicedb::read];
    for ((contender, answer), read) in contenders.iter().zip(&answers).zip(read) {
        let right: Vec<bool> = asked_about.iter().take(contender.records).map(is_permitted).collect();
        assert_eq!(read(answer.clone(), contender.records), right, "{} decides differently", contender.name);
    }
    let file = folder.join(format!("answer-{count}"));
    std::fs::write(&file, answers.first().expect("Lupa's answer")).expect("a file");
    let empty = Server::of_this_program("--serve-empty", &file);
    let question = lupa_server::question(&asked_about);
    contenders.insert(0, contender("empty tonic", &empty, lupa_server::DECIDE, question, count));
    let load = Load { connections, in_flight, lasting: arguments.repeat, may_be_refused: false };
    let measured = interleaved(arguments.repeats, &mut contenders, |contender| {
        let question = contender.question.clone();
        let before = contender.server.processor_seconds();
        let loaded = load.run(contender.server.address, contender.call, move |_| question.clone());
        let micros = (contender.server.processor_seconds() - before) * 1e6;
        let answers = loaded.rate() * loaded.lasted_with_warm_up().as_secs_f64();
        let records = contender.records as f64;
        [loaded.rate() * records, loaded.micros(50.0), loaded.micros(99.0), micros / answers / records]
    });
    section.text(format!("{title}:"));
    section.table(
        [
            "",
            "records/s",
            "Lupa's relative to it",
            "p50 µs",
            "p99 µs",
            "processor µs per record",
            "noisy repeats",
        ],
        &rows(&contenders, &measured),
    );
}

fn rows(contenders: &[Contender<'_>], measured: &[Repeats<4>]) -> Vec<[String; 7]> {
    let lupa = measured.get(1).map_or(f64::NAN, |lupa| lupa.spread(0).median);
    let row = |(contender, repeats): (&Contender<'_>, &Repeats<4>)| {
        let ratio = lupa / repeats.spread(0).median;
        [
            contender.name.to_owned(),
            repeats.spread(0).format(1.0, 0),
            format!("{ratio:.*} ×", if ratio < 10.0 { 2 } else { 0 }),
            repeats.spread(1).format(1.0, 0),
            repeats.spread(2).format(1.0, 0),
            repeats.spread(3).format(1.0, 2),
            repeats.noise(),
        ]
    };
    contenders.iter().zip(measured).map(row).collect()
}

fn answer(contender: &Contender<'_>) -> Bytes {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut caller = Caller::connect(contender.server.address).await;
        let answer = caller.send(contender.call, contender.question.clone()).await;
        answer.unwrap_or_else(|error| panic!("{}: {error}", contender.name))
    })
}
