//! One record per request over gRPC, compared with empty services.

use bytes::Bytes;
use lupa_bench::measure::caller::{Call, Caller, framed};
use lupa_bench::measure::load::{Load, Loaded};
use lupa_bench::measure::repeats::{Repeats, interleaved};
use lupa_bench::measure::report::Section;

use crate::arguments::Arguments;
use crate::child::Server;
use crate::empties::{Reads, Runs};
use crate::server::{answer_file, block_on, with_demo_directory};
use crate::{questions, targets};

/// The metrics of a repeat: answers per second; p50, p99 and p99.9 in µs; and the
/// server's processor time per answer in µs.
type Measured = [f64; 5];

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let lupa = with_demo_directory();
    let question = framed(&questions::decide(1));
    let answer = block_on(async {
        let mut caller = Caller::connect(lupa.server.address).await;
        caller.send(Call::DECIDE, question.clone()).await.expect("an answer")
    });
    let file = answer_file(lupa.store.parent().expect("a folder"), &answer);
    let empty = |reads, runs| Server::empty(reads, runs, &file);
    let contenders = [
        ("Lupa", &lupa.server),
        ("empty tonic with Lupa's runtimes: one per core", &empty(Reads::Nothing, Runs::PerCore)),
        ("empty tonic, tokio's default runtime", &empty(Reads::Nothing, Runs::Shared)),
        ("empty tonic with prost, one runtime per core", &empty(Reads::WithProst, Runs::PerCore)),
    ];
    let mut section = Section::default();
    section.text(format!(
        "A question of {} bytes about a client with three declarations, an answer of {}. The empty services answer \
         with the same bytes; all are measured in turn. Processor time is the server's per answer, user and system.",
        question.len(),
        answer.len()
    ));
    let saturated = measured(arguments, &contenders, &question, (4, 32));
    section.text("Saturated: 4 connections with 32 concurrent requests on each.");
    table(&mut section, &contenders, &saturated);
    let alone = measured(arguments, &contenders, &question, (1, 1));
    section.text("One request at a time.");
    table(&mut section, &contenders, &alone);
    if let ([lupa, empty, shared, ..], [lupa_alone, empty_alone, ..]) = (&saturated[..], &alone[..]) {
        let of = |a: &Repeats<5>, b: &Repeats<5>, metric| {
            Some(100.0 * a.spread(metric).median / b.spread(metric).median)
        };
        section.check(targets::SINGLE_RATE.beside(of(lupa, empty, 0)));
        section.check(targets::SINGLE_DEFAULT_RATE.beside(of(lupa, shared, 0)));
        section.check(targets::SINGLE_P99.beside(of(lupa_alone, empty_alone, 2)));
    }
    section
}

fn measured(
    arguments: &Arguments,
    contenders: &[(&str, &Server)],
    question: &Bytes,
    (connections, in_flight): (usize, usize),
) -> Vec<Repeats<5>> {
    let load = Load { connections, in_flight, lasting: arguments.repeat, may_be_refused: false };
    interleaved(arguments.repeats, &mut contenders.to_vec(), |(_, server)| -> Measured {
        let Answered { loaded, answers: _, micros } = answered(load, server, question);
        let percentile = |percentile| loaded.micros(percentile);
        [loaded.rate(), percentile(50.0), percentile(99.0), percentile(99.9), micros]
    })
}

/// The result of one question repeated.
pub(super) struct Answered {
    pub(super) loaded: Loaded,
    /// Number of answers, with those of the warm-up, which the rate does not count.
    pub(super) answers: f64,
    /// Processor time of the server per answer.
    pub(super) micros: f64,
}

/// Repeats one question as a load.
pub(super) fn answered(load: Load, server: &Server, question: &Bytes) -> Answered {
    let question = question.clone();
    let before = server.processor_seconds();
    let loaded = load.run(server.address, Call::DECIDE, move |_| question.clone());
    let micros = (server.processor_seconds() - before) * 1e6;
    let answers = loaded.rate() * loaded.lasted_with_warm_up().as_secs_f64();
    Answered { loaded, answers, micros: micros / answers }
}

fn table(section: &mut Section, contenders: &[(&str, &Server)], measured: &[Repeats<5>]) {
    let lupa = measured.first().map_or(f64::NAN, |lupa| lupa.spread(0).median);
    let rows: Vec<_> = contenders
        .iter()
        .zip(measured)
        .map(|((name, _), repeats)| {
            let [rate, p50, p99, p999, micros] = [0, 1, 2, 3, 4].map(|metric| repeats.spread(metric));
            [
                (*name).to_owned(),
                rate.format(1.0, 0),
                format!("{:.0} %", 100.0 * lupa / rate.median),
                p50.format(1.0, 0),
                p99.format(1.0, 0),
                p999.format(1.0, 0),
                micros.format(1.0, 1),
                repeats.noise(),
            ]
        })
        .collect();
    let header = [
        "",
        "answers/s",
        "Lupa's rate relative to it",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "processor µs",
        "noisy repeats",
    ];
    section.table(header, &rows);
}
