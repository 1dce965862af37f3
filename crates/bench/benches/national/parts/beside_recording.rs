//! Decisions about random clients of the country while declarations are recorded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lupa_bench::measure::caller::{Call, Caller, framed};
use lupa_bench::measure::load::Load;
use lupa_bench::measure::repeats::{format_durations, format_number, interleaved};
use lupa_bench::measure::report::Section;
use lupa_bench::population::{CODES_MAX, Population};
use tokio::runtime;
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::child::Server;
use crate::empties::{Reads, Runs};
use crate::server::answer_file;
use crate::{data, questions, targets};

const DECLARATIONS_PER_SECOND: u64 = 1_000;
/// The interval at which a part of them is sent.
const TICK: Duration = Duration::from_millis(1);

/// Connections, and concurrent requests on each: once well below saturation, so
/// that queueing does not dominate, and once saturated on two cores that callers
/// and server share.
const LOADS: [(usize, usize); 2] = [(1, 1), (2, 2)];

/// Low, so that the index merges about once per second and not once per minute.
const OVERLAY_CLIENTS_MAX: &str = "1000";

/// Number of different questions, which are repeated.
const QUESTIONS: u64 = 100_000;

/// The other activity during the questions.
#[derive(Clone, Copy, Debug)]
enum Beside {
    Nothing,
    /// The same number of calls to an empty service in another process: the effect
    /// of sharing the cores.
    EmptyCalls,
    Recording,
}

impl Beside {
    const ALL: [Self; 3] = [Self::Nothing, Self::EmptyCalls, Self::Recording];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing else",
            Self::EmptyCalls => "as many calls to an empty service",
            Self::Recording => "declarations are recorded",
        }
    }
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let copied = data::copy(arguments.clients);
    let settings = [
        ("LUPA_INDEX__OVERLAY_CLIENTS_MAX", OVERLAY_CLIENTS_MAX),
        // No checkpoint, which is written every five minutes, on either side of the comparison.
        ("LUPA_INDEX__CHECKPOINT_INTERVAL_MS", "0"),
    ];
    let server = Server::lupa(&copied.path(), &settings);
    let answer = answer_file(copied.path().parent().expect("a folder"), &[]);
    let empty = Server::empty(Reads::Nothing, Runs::PerCore, &answer);
    let population = data::population(arguments.clients);
    let questions: Arc<[_]> = questions::about(&population, QUESTIONS).into();
    let sent = Arc::default();
    let recorder =
        |server: &Server, call| Recorder { address: server.address, call, sent: Arc::clone(&sent) };
    let mut turns: Vec<_> =
        LOADS.into_iter().flat_map(|load| Beside::ALL.map(|beside| (load, beside))).collect();
    let measured = interleaved(arguments.repeats, &mut turns, |&mut ((connections, in_flight), beside)| {
        let recording = match beside {
            Beside::Nothing => None,
            Beside::EmptyCalls => Some(recorder(&empty, Call::DECIDE).start(&population)),
            Beside::Recording => Some(recorder(&server, Call::RECORD).start(&population)),
        };
        let load = Load { connections, in_flight, lasting: arguments.repeat, may_be_refused: false };
        let questions = Arc::clone(&questions);
        let loaded = load.run(server.address, Call::DECIDE, move |number| {
            let place = usize::try_from(number.wrapping_mul(7_919)).unwrap_or_default() % questions.len();
            questions.get(place).cloned().expect("a question")
        });
        let answered = recording.map_or(0.0, Recording::stop);
        [loaded.rate(), loaded.micros(50.0), loaded.micros(99.0), loaded.micros(99.9), answered]
    });
    let merges = server.take_merges();
    let mut section = Section::default();
    section.text(format!(
        "Questions about one record each of random clients of {}, in turn without other activity and while \
         {DECLARATIONS_PER_SECOND} declarations per second are recorded durably by the same server, each for a client \
         without earlier declarations. The index merges after {OVERLAY_CLIENTS_MAX} clients with changes \
         (`index.overlay_clients_max`), so that merges run at the same time: {}. No checkpoint is written. To separate \
         the effect of the server from that of the machine, the same calls are also sent to an empty service in \
         another process: callers and servers share the cores.",
        format_number(arguments.clients as f64, 0),
        format_durations(&merges),
    ));
    let rows: Vec<_> = turns
        .iter()
        .zip(&measured)
        .map(|(((connections, in_flight), beside), repeats)| {
            [
                format!("{connections} × {in_flight}"),
                beside.name().to_owned(),
                repeats.spread(0).format(1.0, 0),
                repeats.spread(1).format(1.0, 0),
                repeats.spread(2).format(1.0, 0),
                repeats.spread(3).format(1.0, 0),
                repeats.spread(4).format(1.0, 0),
                repeats.noise(),
            ]
        })
        .collect();
    let header = [
        "connections × concurrent",
        "other activity",
        "answers/s",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "other calls/s",
        "noisy repeats",
    ];
    section.table(header, &rows);
    let checks = [targets::BESIDE_RECORDING, targets::SATURATED_BESIDE_RECORDING];
    for (of_load, target) in measured.chunks_exact(Beside::ALL.len()).zip(checks) {
        let p99 = |place: usize| of_load.get(place).map_or(f64::NAN, |repeats| repeats.spread(2).median);
        section.check(target.beside(Some(100.0 * p99(2) / p99(0))));
    }
    section
}

/// Records at a constant rate (open loop).
struct Recorder {
    address: SocketAddr,
    call: Call,
    /// Number of declarations sent in all repeats, so that each has its own client and key.
    sent: Arc<AtomicU64>,
}

struct Recording {
    start: Instant,
    is_over: Arc<AtomicBool>,
    recorded: thread::JoinHandle<u64>,
}

impl Recorder {
    fn start(self, population: &Population) -> Recording {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let strangers = strangers(population);
        let recorded = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(self.record(&strangers, &over))
        });
        Recording { start: Instant::now(), is_over, recorded }
    }

    async fn record(self, strangers: &Population, over: &AtomicBool) -> u64 {
        let caller = Caller::connect(self.address).await;
        let mut ticks = tokio::time::interval(TICK);
        let mut answers = JoinSet::new();
        let mut recorded = 0;
        let ticks_per_second = 1_000 / TICK.as_millis() as u64;
        while !over.load(Ordering::Relaxed) {
            ticks.tick().await;
            for _ in 0..DECLARATIONS_PER_SECOND / ticks_per_second {
                let number = self.sent.fetch_add(1, Ordering::Relaxed);
                let client = strangers.client(CODES_MAX - 1 - number).expect("a client");
                let frame = framed(&questions::informed(&client, &format!("beside-{number}")));
                let (mut caller, call) = (caller.clone(), self.call);
                answers.spawn(async move { caller.send(call, frame).await.expect("an answer") });
            }
            while answers.try_join_next().is_some_and(|answer| answer.is_ok()) {
                recorded += 1;
            }
        }
        recorded + answers.join_all().await.len() as u64
    }
}

impl Recording {
    /// Stops and returns the declarations per second.
    fn stop(self) -> f64 {
        self.is_over.store(true, Ordering::Relaxed);
        let recorded = self.recorded.join().expect("a recorder");
        recorded as f64 / self.start.elapsed().as_secs_f64()
    }
}

/// A population with the same codes and more clients than the given one.
fn strangers(population: &Population) -> Population {
    debug_assert!(population.clients() < CODES_MAX, "some codes are left");
    data::population(CODES_MAX)
}
