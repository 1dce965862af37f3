//! Small requests beside the largest that are allowed, on one worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use lupa::wire::v1;
use lupa_bench::measure::caller::{Call, Caller, framed};
use lupa_bench::measure::load::Load;
use lupa_bench::measure::repeats::interleaved;
use lupa_bench::measure::report::Section;

use crate::arguments::Arguments;
use crate::server::{block_on, demo_directory, with_demo_directory_and};
use crate::{questions, targets};

const RECORDS: usize = 10_000;
const TASKS: usize = 100;

/// A neighbour: its name, what it asks over and over, and how many requests of it
/// are in flight.
type Neighbour = (&'static str, Option<(Call, Bytes)>, usize);

pub(crate) fn measure(arguments: &Arguments) -> Section {
    // On one worker they cannot avoid each other.
    let lupa = with_demo_directory_and(&[("LUPA_SERVER__WORKERS", "1")]);
    let address = lupa.server.address;
    let one = framed(&questions::decide(1));
    let mut with_tasks = questions::decide(RECORDS);
    for record in &mut with_tasks.records {
        // Short names: the message must fit into 8 MiB.
        record.service_tasks = (0..TASKS).map(|task| format!("t{task}")).collect();
    }
    let simulation = v1::SimulateRequest {
        decide: Some(questions::decide(RECORDS)),
        directory: Some(demo_directory()),
        ..v1::SimulateRequest::default()
    };
    let explanation = v1::ExplainRequest { decide: Some(questions::decide(1)) };
    let large = framed(&questions::decide(RECORDS));
    let mut neighbours: [Neighbour; 6] = [
        ("nobody", None, 0),
        ("10,000 records", Some((Call::DECIDE, large.clone())), 1),
        ("10,000 records, 8 at a time", Some((Call::DECIDE, large)), 8),
        ("10,000 records with 100 tasks", Some((Call::DECIDE, framed(&with_tasks))), 1),
        ("a simulation of 10,000 records", Some((Call::SIMULATE, framed(&simulation))), 2),
        ("explanations", Some((Call::EXPLAIN, framed(&explanation))), 8),
    ];
    let measured = interleaved(arguments.repeats, &mut neighbours, |(_, asks, in_flight)| {
        let is_over = Arc::new(AtomicBool::new(false));
        let beside = asks.clone().map(|(call, question)| {
            let (is_over, in_flight) = (Arc::clone(&is_over), *in_flight);
            thread::spawn(move || ask_on(address, call, &question, in_flight, &is_over))
        });
        let load = Load { connections: 1, in_flight: 1, lasting: arguments.repeat, may_be_refused: false };
        let question = one.clone();
        let loaded = load.run(address, Call::DECIDE, move |_| question.clone());
        is_over.store(true, Ordering::Relaxed);
        let answered = beside.map(|beside| beside.join().expect("a neighbour"));
        assert_ne!(answered, Some(0), "the neighbour was not answered");
        [loaded.micros(50.0), loaded.micros(99.0), answered.unwrap_or(0) as f64]
    });
    let mut section = Section::default();
    section.text(
        "One record per request, one request at a time, on one worker, while another caller on another connection \
         of the same worker asks as much as it may.",
    );
    let alone = measured.first().map_or(f64::NAN, |alone| alone.spread(1).median);
    let worst = measured.iter().skip(1).map(|repeats| repeats.spread(1).median).fold(0.0, f64::max);
    let rows: Vec<_> = neighbours
        .iter()
        .zip(&measured)
        .map(|((name, ..), repeats)| {
            [
                (*name).to_owned(),
                repeats.spread(0).format(1e-3, 3),
                repeats.spread(1).format(1e-3, 3),
                repeats.spread(2).format(1.0, 0),
                repeats.noise(),
            ]
        })
        .collect();
    section.table(["beside", "p50 ms", "p99 ms", "its answers", "noisy repeats"], &rows);
    section.check(targets::NEIGHBOUR.beside(Some((worst - 2.0 * alone) * 1e-3)));
    section
}

/// Asks over and over, and returns how often it was answered.
fn ask_on(
    address: std::net::SocketAddr,
    call: Call,
    question: &Bytes,
    in_flight: usize,
    is_over: &Arc<AtomicBool>,
) -> u64 {
    block_on(async {
        let caller = Caller::connect(address).await;
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..in_flight {
            let (mut caller, question, is_over) = (caller.clone(), question.clone(), Arc::clone(is_over));
            asking.spawn(async move {
                let mut answered = 0;
                while !is_over.load(Ordering::Relaxed) {
                    answered += u64::from(caller.send(call, question.clone()).await.is_ok());
                }
                answered
            });
        }
        asking.join_all().await.iter().sum()
    })
}
