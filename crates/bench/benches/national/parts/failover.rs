//! Moves of PostgreSQL at the size of a country: how long a replica decides nothing.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lupa_bench::measure::caller::{Call, Caller, framed};
use lupa_bench::measure::repeats::{Spread, format_number};
use lupa_bench::measure::report::Section;
use lupa_bench::population::{CODES_MAX, Population};

use super::is_postgres_ready;
use crate::arguments::Arguments;
use crate::child::{self, Server};
use crate::postgres::{self, Cluster};
use crate::server::block_on;
use crate::{data, questions, targets};

const REPEATS_MAX: usize = 3;

/// Time without a server that is longer than the staleness bound of the replica.
const ABSENCE: Duration = Duration::from_secs(5);

/// Pause between two questions, and between two attempts to record.
const PAUSE: Duration = Duration::from_millis(2);

/// Time for which questions are sent before the move, and when everything works again.
const MARGIN: Duration = Duration::from_secs(1);

/// Maximum time until the replica decides again.
const BACK_WITHIN: Duration = Duration::from_secs(900);

/// The copy of a country is not bound by PostgreSQL's checkpoints, and a standby reconnects at once: with PostgreSQL's
/// own 5 s, its wait would be measured.
const SETTINGS: [&str; 4] = [
    "shared_buffers = 256MB",
    "max_wal_size = 8GB",
    "checkpoint_timeout = 1h",
    "wal_retrieve_retry_interval = 200ms",
];

/// One move.
struct Moved {
    /// From its start until the server accepted writes.
    away: Duration,
    /// From then until a declaration was acknowledged.
    acknowledged_after: Duration,
    /// From then until each question was answered again; zero if each was all the time.
    decided_after: Duration,
    /// The longest time between two decisions.
    silence: Duration,
    /// Milliseconds of each load of the store.
    loads: Vec<f64>,
}

/// A question that was sent during a move.
#[derive(Clone, Copy)]
struct Asked {
    until: Instant,
    is_decided: bool,
}

/// What is measured, and the number of declarations that it has recorded.
struct Measuring {
    people: Population,
    recorded: u64,
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let mut section = Section::default();
    if !is_postgres_ready(&mut section) {
        return section;
    }
    let repeats = arguments.repeats.min(REPEATS_MAX);
    let (mut primary, database, filled_after) = fill(arguments.clients);
    let mut measuring = Measuring { people: data::population(CODES_MAX), recorded: 0 };
    let (mut at_once, mut absent, mut promoted, mut replaced) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repeats {
        // A synchronous standby, so that nothing can be lost.
        let standby = primary.standby();
        primary.require_standby();
        let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
        let url = format!("postgres://lupa@{hosts}/{database}");
        let lupa = Server::lupa(&data::folder().join("unused"), &[("LUPA_STORE__URL", &url)]);
        lupa.take_loads();
        at_once.push(measuring.during(&lupa, false, || {
            primary.stop();
            primary.run();
        }));
        absent.push(measuring.during(&lupa, false, || {
            primary.stop();
            thread::sleep(ABSENCE);
            primary.run();
        }));
        replaced.push(measuring.during(&lupa, true, || replace_epoch(&primary.url(&database))));
        promoted.push(measuring.during(&lupa, false, || {
            primary.stop();
            thread::sleep(ABSENCE);
            standby.promote();
        }));
        lupa.terminate();
        primary = standby;
    }
    section.text(format!(
        "A replica follows a PostgreSQL with {} clients (filled by `lupa store copy` in {} s) and a synchronous standby. A \
         question is sent {} ms after the answer to the previous one, while the server is killed, or replaced by its \
         standby. Each of these moves starts an epoch. *Away* is the time from the kill until the server accepts writes; \
         *acknowledged* is the time from then until a declaration is recorded, and *decided* until each question is \
         decided again, 0 if each is all the time. *No decision* is the longest time between two decisions. \
         `index.max_staleness_ms` has its default of 2,000: a replica decides while its server is away for less. For \
         comparison, an epoch that continues nothing (`UPDATE lupa.head SET epoch = gen_random_uuid()`), as after a loss \
         that the replica has seen: the whole store is read again. {repeats} repeats of each, seconds.",
        format_number(arguments.clients as f64, 0),
        format_number(filled_after.as_secs_f64(), 0),
        PAUSE.as_millis(),
    ));
    section.table(
        ["", "away", "acknowledged", "decided", "no decision", "loads of the store"],
        &[
            row("killed, started again", &at_once),
            row("killed, started again after 5 s", &absent),
            row("killed, the standby promoted after 5 s", &promoted),
            row("an epoch that continues nothing", &replaced),
        ],
    );
    let without_loss = [at_once, absent, promoted].into_iter().flatten();
    let loads: usize = without_loss.map(|moved| moved.loads.len()).sum();
    section.check(targets::LOADS_WITHOUT_LOSS.beside(Some(loads as f64)));
    section
}

/// A server with the population, the name of its database, and the duration of the copy.
fn fill(clients: u64) -> (Cluster, String, Duration) {
    let store = data::store(clients);
    let primary = Cluster::start(&SETTINGS);
    let url = primary.database();
    let start = Instant::now();
    let copied = Command::new(child::lupa())
        .args(["store", "copy"])
        .args([store.as_os_str(), url.as_ref()])
        .output()
        .expect("lupa store copy");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let took = start.elapsed();
    primary.execute("CHECKPOINT");
    let (_, database) = url.rsplit_once('/').expect("a database");
    (primary, database.to_owned(), took)
}

fn replace_epoch(url: &str) {
    block_on(async {
        let client = postgres::connect(url).await;
        client.batch_execute("UPDATE lupa.head SET epoch = gen_random_uuid()").await.expect("another epoch");
    });
}

impl Measuring {
    /// Sends questions and a declaration during a move; `act` returns when the server accepts writes.
    fn during(&mut self, lupa: &Server, is_loaded: bool, act: impl FnOnce()) -> Moved {
        let (is_over, asked) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let question = framed(&questions::prescription(&self.stranger()));
        thread::scope(|scope| {
            scope.spawn(|| {
                block_on(async {
                    let mut caller = Caller::connect(lupa.address).await;
                    while !is_over.load(Ordering::Relaxed) {
                        let is_decided = caller.send(Call::DECIDE, question.clone()).await.is_ok();
                        let until = Instant::now();
                        asked.lock().expect("no caller panics").push(Asked { until, is_decided });
                        tokio::time::sleep(PAUSE).await;
                    }
                });
            });
            thread::sleep(MARGIN);
            let start = Instant::now();
            act();
            let away = start.elapsed();
            let acknowledged_after = self.record(lupa);
            let mut loads = Vec::new();
            wait_until(|| {
                loads.extend(lupa.take_loads());
                let last = asked.lock().expect("no caller panics").last().copied();
                let is_decided = last.is_some_and(|last: Asked| last.is_decided);
                (!is_loaded || !loads.is_empty()) && is_decided
            });
            thread::sleep(MARGIN);
            is_over.store(true, Ordering::Relaxed);
            loads.extend(lupa.take_loads());
            let asked = asked.lock().expect("no caller panics");
            let writable_at = start + away;
            Moved {
                away,
                acknowledged_after,
                decided_after: decided_from(&asked)
                    .map_or(Duration::ZERO, |from| from.saturating_duration_since(writable_at)),
                silence: longest_silence(&asked),
                loads,
            }
        })
    }

    /// Records a declaration, by repeating the request until it is acknowledged.
    fn record(&mut self, lupa: &Server) -> Duration {
        let key = format!("failover-{}", self.recorded);
        let declaration = framed(&questions::informed(&self.stranger(), &key));
        self.recorded += 1;
        let start = Instant::now();
        block_on(async {
            let mut caller = Caller::connect(lupa.address).await;
            while let Err(error) = caller.send(Call::RECORD, declaration.clone()).await {
                assert!(start.elapsed() < BACK_WITHIN, "nothing is acknowledged: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        });
        start.elapsed()
    }

    /// A client without declarations.
    fn stranger(&self) -> lupa::policy::client_id::ClientId {
        self.people.client(CODES_MAX - 1 - self.recorded).expect("a client")
    }
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < BACK_WITHIN, "the replica does not decide again");
        thread::sleep(PAUSE);
    }
}

/// The first decision after the last question that was not decided.
fn decided_from(asked: &[Asked]) -> Option<Instant> {
    let last = asked.iter().rposition(|asked| !asked.is_decided)?;
    asked.get(last + 1).map(|asked| asked.until)
}

fn longest_silence(asked: &[Asked]) -> Duration {
    let decided: Vec<Instant> =
        asked.iter().filter(|asked| asked.is_decided).map(|asked| asked.until).collect();
    let silences = decided.iter().zip(decided.iter().skip(1)).map(|(one, next)| *next - *one);
    silences.max().unwrap_or_default()
}

fn row(name: &str, moves: &[Moved]) -> [String; 6] {
    let seconds = |of: fn(&Moved) -> Duration| {
        Spread::of(moves.iter().map(|moved| of(moved).as_secs_f64()).collect()).format(1.0, 2)
    };
    let loads: Vec<f64> = moves.iter().flat_map(|moved| moved.loads.iter().copied()).collect();
    let loads = match loads.len() {
        0 => "0".to_owned(),
        count => format!("{count}, {} s each", Spread::of(loads).format(0.001, 1)),
    };
    [
        name.to_owned(),
        seconds(|moved| moved.away),
        seconds(|moved| moved.acknowledged_after),
        seconds(|moved| moved.decided_after),
        seconds(|moved| moved.silence),
        loads,
    ]
}
