//! Decisions about random clients of the country while others declare.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lupa::population::{CODES_MAX, Population};
use tokio::runtime;
use tokio::task::JoinSet;

use crate::arguments::Arguments;
use crate::caller::{Asked, Caller, framed};
use crate::child::Server;
use crate::empties::{Reads, Runs};
use crate::load::Load;
use crate::repeats::{in_words, interleaved, told};
use crate::report::Section;
use crate::server::answer_file;
use crate::{data, questions, targets};

const DECLARATIONS_PER_SECOND: u64 = 1_000;
/// How often some of them are sent.
const TICK: Duration = Duration::from_millis(1);

/// Connections, and requests under way on each: once well below what saturates,
/// so that waiting is not all that is measured, and once all that two cores can
/// do for callers and server together.
const LOADS: [(usize, usize); 2] = [(1, 1), (2, 2)];

/// So that a merge follows on every second of recording, and not every minute.
const OVERLAY_CLIENTS_MAX: &str = "1000";

/// Different questions, asked over and over.
const QUESTIONS: u64 = 100_000;

/// What goes on beside the questions.
#[derive(Clone, Copy, Debug)]
enum Beside {
    Nothing,
    /// As many calls to an empty service in a process of its own: what the
    /// cores have to share whoever is called.
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
        // Both sides of the comparison without: one is written every five minutes.
        ("LUPA_INDEX__CHECKPOINT_INTERVAL_MS", "0"),
    ];
    let server = Server::lupa(&copied.path(), &settings);
    let answer = answer_file(copied.path().parent().expect("a folder"), &[]);
    let empty = Server::empty(Reads::Nothing, Runs::PerCore, &answer);
    let population = data::population(arguments.clients);
    let asked: Arc<[_]> = questions::about(&population, QUESTIONS).into();
    let sent = Arc::default();
    let recorder =
        |server: &Server, asked| Recorder { address: server.address, asked, sent: Arc::clone(&sent) };
    let mut turns: Vec<_> =
        LOADS.into_iter().flat_map(|load| Beside::ALL.map(|beside| (load, beside))).collect();
    let measured = interleaved(arguments.repeats, &mut turns, |&mut ((connections, in_flight), beside)| {
        let recording = match beside {
            Beside::Nothing => None,
            Beside::EmptyCalls => Some(recorder(&empty, Asked::DECIDE).start(&population)),
            Beside::Recording => Some(recorder(&server, Asked::RECORD).start(&population)),
        };
        let load = Load { connections, in_flight, lasting: arguments.repeat };
        let asked = Arc::clone(&asked);
        let loaded = load.ask(server.address, Asked::DECIDE, move |number| {
            let place = usize::try_from(number.wrapping_mul(7_919)).unwrap_or_default() % asked.len();
            asked.get(place).cloned().expect("a question")
        });
        let answered = recording.map_or(0.0, Recording::stop);
        [loaded.rate(), loaded.micros(50.0), loaded.micros(99.0), loaded.micros(99.9), answered]
    });
    let merges = server.take_merges();
    let mut section = Section::default();
    section.text(format!(
        "Questions of one record about random clients of {}, by turns with nothing else going on and with \
         {DECLARATIONS_PER_SECOND} declarations a second sent to the same server, durably, each for a client who had \
         declared nothing before. The index merges after {OVERLAY_CLIENTS_MAX} clients with changes here \
         (`index.overlay_clients_max`), so that merges run beside: {}. No checkpoint is written meanwhile. So that the \
         server's part can be told from the machine's, the same calls are also sent to an empty service in a process \
         of its own: callers and servers share the cores.",
        told(arguments.clients as f64, 0),
        in_words(&merges),
    ));
    let rows: Vec<_> = turns
        .iter()
        .zip(&measured)
        .map(|(((connections, in_flight), beside), repeats)| {
            [
                format!("{connections} × {in_flight}"),
                beside.name().to_owned(),
                repeats.spread(0).told(1.0, 0),
                repeats.spread(1).told(1.0, 0),
                repeats.spread(2).told(1.0, 0),
                repeats.spread(3).told(1.0, 0),
                repeats.spread(4).told(1.0, 0),
                repeats.noise(),
            ]
        })
        .collect();
    let header = [
        "connections × under way",
        "beside",
        "answers/s",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "calls beside/s",
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

/// Records at a steady pace, whether answered or not.
struct Recorder {
    address: SocketAddr,
    asked: Asked,
    /// How many were sent in all repeats, so that each has a client and a key of its own.
    sent: Arc<AtomicU64>,
}

struct Recording {
    began: Instant,
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
        Recording { began: Instant::now(), is_over, recorded }
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
                let (mut caller, asked) = (caller.clone(), self.asked);
                answers.spawn(async move { caller.ask(asked, frame).await.expect("an answer") });
            }
            while answers.try_join_next().is_some_and(|answer| answer.is_ok()) {
                recorded += 1;
            }
        }
        recorded + answers.join_all().await.len() as u64
    }
}

impl Recording {
    /// Declarations a second.
    fn stop(self) -> f64 {
        self.is_over.store(true, Ordering::Relaxed);
        let recorded = self.recorded.join().expect("a recorder");
        recorded as f64 / self.began.elapsed().as_secs_f64()
    }
}

/// The same codes, and more clients after those of the population.
fn strangers(population: &Population) -> Population {
    debug_assert!(population.clients() < CODES_MAX, "some codes are left");
    data::population(CODES_MAX)
}
