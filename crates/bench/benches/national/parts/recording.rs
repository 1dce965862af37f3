//! Durable recording by many concurrent callers.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use lupa::clock;
use lupa::policy::admit::{Admitted, Submission};
use lupa::policy::client_id::ClientId;
use lupa::policy::declaration::{Content, Declarer, Information, RecordedBy, Role};
use lupa::policy::oid::OpaqueId;
use lupa::store::{Append, Entry, Store, StoreOptions};
use lupa_bench::measure::caller::{Call, framed};
use lupa_bench::measure::load::{Load, Loaded, histogram};
use lupa_bench::measure::repeats::{Repeats, interleaved};
use lupa_bench::measure::report::Section;
use lupa_bench::population::{CODES_MAX, Population};
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::server::{Served, block_on, with_demo_directory};
use crate::{data, questions, targets};

pub(super) const CALLERS: usize = 64;
const CONNECTIONS: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    Grpc,
    Store,
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let lupa = with_demo_directory();
    let folder = tempfile::tempdir_in(data::folder()).expect("a folder");
    let store = open(&folder.path().join("store.sqlite"));
    let people = data::population(CODES_MAX);
    let mut turn = 0;
    let measured = interleaved(arguments.repeats, &mut [Through::Grpc, Through::Store], |through| {
        turn += 1;
        match through {
            Through::Grpc => record((std::slice::from_ref(&lupa), CALLERS), &people, turn, arguments.repeat),
            Through::Store => block_on(append(&store, &people, turn, arguments.repeat)),
        }
    });
    let mut section = Section::default();
    section.text(format!(
        "{CALLERS} callers. Each records for another client and waits until the declaration is durable: over \
         gRPC ({CONNECTIONS} connections; with admission, the store, and in force before the answer), and directly by \
         `Store::append` in this process. The stores are on the disk of the working copy."
    ));
    table(&mut section, ["over gRPC", "Store::append"], &measured);
    section.check(targets::RECORD.beside(measured.first().map(|grpc| grpc.spread(0).median)));
    section
}

/// Callers record over gRPC, distributed evenly among replicas. Returns the
/// declarations per second, and p50 and p99 in µs.
pub(super) fn record(
    (replicas, callers): (&[Served], usize),
    people: &Population,
    turn: u64,
    lasting: Duration,
) -> [f64; 3] {
    let connections = callers.min(CONNECTIONS);
    let among = replicas.len();
    let load = Load {
        connections: connections / among,
        in_flight: callers / connections,
        lasting,
        may_be_refused: false,
    };
    let mut latencies = histogram();
    thread::scope(|scope| {
        let recording: Vec<_> = (0..)
            .zip(replicas)
            .map(|(place, replica)| {
                let people = people.clone();
                let request = move |number| {
                    let number = number * among as u64 + place;
                    framed(&questions::informed(&person(&people, turn, number), &key(turn, number)))
                };
                scope.spawn(move || load.run(replica.server.address, Call::RECORD, request))
            })
            .collect();
        for recorded in recording {
            let Loaded { latencies: of_one, .. } = recorded.join().expect("callers");
            latencies.add(of_one).expect("histograms of one kind");
        }
    });
    let recorded = Loaded { latencies, refusals: histogram(), lasted: lasting };
    [recorded.rate(), recorded.micros(50.0), recorded.micros(99.0)]
}

/// A table of the results of [`record`] for each contender.
pub(super) fn table<const CONTENDERS: usize>(
    section: &mut Section,
    names: [&str; CONTENDERS],
    measured: &[Repeats<3>],
) {
    let rows: Vec<_> = names
        .into_iter()
        .zip(measured)
        .map(|(name, repeats)| {
            [
                name.to_owned(),
                repeats.spread(0).format(1.0, 0),
                repeats.spread(1).format(0.001, 2),
                repeats.spread(2).format(0.001, 2),
                repeats.noise(),
            ]
        })
        .collect();
    section.table(["", "declarations/s", "p50 ms", "p99 ms", "noisy repeats"], &rows);
}

fn open(path: &std::path::Path) -> Store {
    let path = ("LUPA_STORE__PATH".into(), path.as_os_str().to_owned());
    let config = lupa::config::load(None, [path]).expect("a configuration").config.store;
    let options = StoreOptions {
        clock: clock::now,
        clock_difference_max: Duration::from_secs(3_600),
        queue_length_max: config.append_queue_length_max,
        group_commit_max: config.group_commit_declarations_max,
        check_whole_bytes_max: config.check_whole_bytes_max,
        max_staleness: Duration::from_secs(2),
        read_connections_max: config.read_connections_max,
        allow_writable_by_others: config.allow_writable_by_others,
    };
    Store::open(&config.path, options).expect("a store")
}

/// Closed-loop callers in one thread.
async fn append(store: &Store, people: &Population, turn: u64, lasting: Duration) -> [f64; 3] {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for first in 0..CALLERS as u64 {
        let (store, people) = (store.clone(), people.clone());
        callers.spawn(async move {
            let mut took = Vec::new();
            let mut number = first;
            while start.elapsed() < lasting {
                let sent_at = Instant::now();
                let entry = informed(person(&people, turn, number), &key(turn, number));
                store.append(entry).await.expect("appended");
                took.push(sent_at.elapsed());
                number += CALLERS as u64;
            }
            took
        });
    }
    let mut latencies = histogram();
    for took in callers.join_all().await.into_iter().flatten() {
        latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
    let micros = |percentile| latencies.value_at_percentile(percentile) as f64 / 1_000.0;
    [latencies.len() as f64 / start.elapsed().as_secs_f64(), micros(50.0), micros(99.0)]
}

fn informed(client: ClientId, key: &str) -> Append {
    let mut payload_digest = [0; 32];
    for (digest, byte) in payload_digest.iter_mut().zip(key.bytes()) {
        *digest = byte;
    }
    Append {
        idempotency_key: OpaqueId::parse(key.to_owned()).expect("a key"),
        payload_digest,
        entry: Entry::Declaration(Submission {
            client,
            content: Content::Information(Information { version: "2.0".into(), way: None }),
            given_at: None,
            declarer: Declarer { role: Role::Client, name: "".into(), id: "".into() },
            recorded_by: RecordedBy::MyKanta,
            label: None,
        }),
        admit: Box::new(|_, _, _| Ok(Admitted::default())),
    }
}

/// Another client in each turn.
fn person(people: &Population, turn: u64, number: u64) -> ClientId {
    people.client((turn * 400_000 + number) % CODES_MAX).expect("a client")
}

fn key(turn: impl Display, number: impl Display) -> String {
    format!("recording-{turn}-{number}")
}
