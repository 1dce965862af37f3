//! Finding a client in the index, and weighing what it declared. Each size is
//! measured in a process of its own, so that memory is that of the index.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use lupa::config;
use lupa::policy::Question;
use lupa::policy::calendar::Calendar;
use lupa::policy::client_id::ClientId;
use lupa::policy::request::{Channel, Ground, Situation};
use lupa::population::Population;
use lupa::server::{Server, clock};
use lupa::telemetry::Telemetry;

use crate::arguments::Arguments;
use crate::child::mebibytes_of;
use crate::plot::{Line, Plot};
use crate::repeats::{Spread, repeated, told};
use crate::report::Section;
use crate::server::block_on;
use crate::{data, floors, targets, written};

/// Populations by which growth is shown, beside the country's own.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];

/// Clients looked up in a batch, each once: more than any cache holds.
const LOOKUPS: u64 = 200_000;
const BATCHES: usize = 21;

/// What a process tells of one size.
struct Measured {
    clients: u64,
    declarations: f64,
    mebibytes: f64,
    find: Spread,
    weigh: Spread,
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let mut sizes: Vec<u64> = if arguments.is_quick { vec![5_000] } else { SIZES.to_vec() };
    sizes.push(arguments.clients);
    sizes.sort_unstable();
    sizes.dedup();
    let measured: Vec<Measured> = sizes.into_iter().map(of_size).collect();
    let mut section = Section::default();
    section.text(
        "Random clients, each looked up once: *find* gets the client's declarations from the index, *weigh* adds \
         reading them and weighing what they amount to, all that is done once a request. Bytes are the resident \
         memory of the process with the index loaded, less that before, by declaration.",
    );
    let rows: Vec<_> = measured
        .iter()
        .map(|one| {
            [
                told(one.clients as f64, 0),
                told(one.declarations, 0),
                one.find.told(1.0, 0),
                one.weigh.told(1.0, 0),
                told(one.mebibytes, 0),
                told(one.bytes(), 0),
            ]
        })
        .collect();
    let header =
        ["clients", "declarations", "find and decode, ns", "and weigh, ns", "MiB", "bytes a declaration"];
    section.table(header, &rows);
    if let Some(most) = measured.iter().map(|one| one.mebibytes).max_by(f64::total_cmp) {
        let mebibytes = (most.max(1.0) as usize).next_power_of_two();
        section.text(format!(
            "Beside it, what the machine takes: one load that depends on the load before, at random in {mebibytes} MiB, \
             takes {} ns. A client that is in no cache costs two of them, one for the table and one for the entries.",
            floors::dependent_load(mebibytes << 20).told(1.0, 0)
        ));
    }
    let country = measured.iter().find(|one| one.clients == arguments.clients);
    section.check(targets::LOOK_UP.beside(country.map(|one| one.find.median)));
    if !arguments.is_quick {
        std::fs::write(written::benches().join("growth.svg"), plot(&measured)).expect("a plot");
        section.text("![Nanoseconds a lookup and bytes a declaration by number of clients](growth.svg)");
    }
    section
}

/// The process: loads a store's index and looks clients up.
pub(crate) fn measure_and_tell(store: &Path) {
    let clients = store.file_name().and_then(|name| name.to_str()?.split('-').next()?.parse().ok());
    let population = data::population(clients.expect("a store whose name begins with its clients"));
    let asked = clients_to_ask(&population);
    let before = mebibytes_of(std::process::id(), "VmRSS");
    // What is measured is the index, not how it is written to a file beside.
    let without_checkpoint = ("LUPA_INDEX__CHECKPOINT_INTERVAL_MS".into(), "0".into());
    let path = ("LUPA_STORE__PATH".into(), store.as_os_str().to_owned());
    let config = config::load(None, [path, without_checkpoint]).expect("a configuration").config;
    let calendar = Calendar::published();
    let opened =
        block_on(Server::open(&config, calendar.clone(), clock::now, Telemetry::unsent())).expect("a server");
    block_on(async {
        let mut readiness = opened.index().readiness();
        readiness.wait_for(|is_ready| *is_ready).await.expect("a loaded index");
    });
    let snapshot = opened.index().current().expect("a snapshot");
    let after = mebibytes_of(std::process::id(), "VmRSS");
    let directory = snapshot.directory();
    let now = clock::now();
    let requester = directory.registers().first().expect("a register").oid.clone();
    let situation = Situation {
        client: population.client(0).expect("a client"),
        requester,
        channel: Channel::Kanta,
        access_right: true,
        ground: Some(Ground::CareRelationship),
        claims: Default::default(),
    };
    let find = nanos(&asked, |client| {
        snapshot.declarations(black_box(client)).facts().for_each(|facts| {
            black_box(facts);
        });
    });
    let weigh = nanos(&asked, |client| {
        let facts = snapshot.declarations(black_box(client)).facts();
        black_box(Question::new(&situation, facts, directory, &calendar, now));
    });
    let spread = |spread: &Spread| format!("{} {} {}", spread.median, spread.least, spread.most);
    println!("{} {} {} {}", snapshot.declaration_count(), after - before, spread(&find), spread(&weigh));
    // The process ends here; nothing is written, so nothing is closed.
    std::process::exit(0);
}

fn of_size(clients: u64) -> Measured {
    let store = data::store(clients);
    let program = std::env::current_exe().expect("this program");
    let told = Command::new(program)
        .arg("--look-up")
        .arg(&store)
        .stderr(Stdio::inherit())
        .output()
        .expect("a process that looks up");
    let told = String::from_utf8(told.stdout).expect("numbers");
    let numbers: Vec<f64> = told.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    let Ok([declarations, mebibytes, f0, f1, f2, w0, w1, w2]) = <[f64; 8]>::try_from(numbers) else {
        panic!("the process that looks up told `{told}`")
    };
    let spread = |median, least, most| Spread { median, least, most };
    Measured { clients, declarations, mebibytes, find: spread(f0, f1, f2), weigh: spread(w0, w1, w2) }
}

fn clients_to_ask(population: &Population) -> Vec<ClientId> {
    let count = population.clients();
    // Codes have nothing to do with numbers, so neighbours are far apart.
    (0..LOOKUPS).map(|number| population.client(number * 7_919 % count).expect("a client")).collect()
}

/// Nanoseconds a client.
fn nanos(clients: &[ClientId], mut look: impl FnMut(&ClientId)) -> Spread {
    let batch = clients.len() / BATCHES;
    let mut batches = clients.chunks(batch.max(1)).cycle();
    let repeats = repeated(BATCHES, || {
        let batch = batches.next().expect("a batch");
        let began = Instant::now();
        batch.iter().for_each(&mut look);
        [began.elapsed().as_nanos() as f64 / batch.len() as f64]
    });
    repeats.spread(0)
}

fn plot(measured: &[Measured]) -> String {
    let points = |value: fn(&Measured) -> f64| -> Vec<(f64, f64)> {
        measured.iter().map(|one| (one.clients as f64, value(one))).collect()
    };
    let lines = vec![
        Line { name: "ns to find and weigh a client", points: points(|one| one.weigh.median) },
        Line { name: "ns to find a client", points: points(|one| one.find.median) },
    ];
    let bytes = vec![Line { name: "bytes a declaration", points: points(Measured::bytes) }];
    Plot { title: "Growth with the number of clients", x: "clients", panels: vec![lines, bytes] }.as_svg()
}

impl Measured {
    fn bytes(&self) -> f64 {
        self.mebibytes * 1_048_576.0 / self.declarations
    }
}
