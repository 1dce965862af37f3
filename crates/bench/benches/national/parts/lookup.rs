//! Looking up a client in the index, and preparing a question from its
//! declarations. Each size is measured in a process of its own, so that the memory
//! of the process is that of the index.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use lupa::clock;
use lupa::config;
use lupa::policy::World;
use lupa::policy::calendar::Calendar;
use lupa::policy::client_id::ClientId;
use lupa::policy::request::{Channel, Ground, Situation};
use lupa::server::Server;
use lupa::telemetry::Telemetry;
use lupa_bench::measure::repeats::{Spread, format_number, repeated};
use lupa_bench::measure::report::Section;
use lupa_bench::population::Population;

use crate::arguments::Arguments;
use crate::child::mebibytes_of;
use crate::plot::{Line, Plot};
use crate::server::block_on;
use crate::{data, floors, targets, written};

/// Sizes of populations that show the growth, besides the country's.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];

/// Number of clients that are looked up, once each: more than a cache holds.
const LOOKUPS: u64 = 200_000;
const BATCHES: usize = 21;

/// The result for one size.
struct Measured {
    clients: u64,
    declarations: f64,
    mebibytes: f64,
    look_up: Spread,
    prepare: Spread,
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let mut sizes: Vec<u64> = if arguments.is_quick { vec![5_000] } else { SIZES.to_vec() };
    sizes.push(arguments.clients);
    sizes.sort_unstable();
    sizes.dedup();
    let measured: Vec<Measured> = sizes.into_iter().map(of_size).collect();
    let mut section = Section::default();
    section.text(
        "Random clients, looked up once each: *look up* reads and decodes the client's declarations from the index; \
         *prepare* also prepares a question from them, which is all the work that is done once per request. Bytes are \
         the growth of the process's resident memory by loading the index, divided by the declarations.",
    );
    let rows: Vec<_> = measured
        .iter()
        .map(|one| {
            [
                format_number(one.clients as f64, 0),
                format_number(one.declarations, 0),
                one.look_up.format(1.0, 0),
                one.prepare.format(1.0, 0),
                format_number(one.mebibytes, 0),
                format_number(one.bytes(), 0),
            ]
        })
        .collect();
    let header =
        ["clients", "declarations", "look up, ns", "look up and prepare, ns", "MiB", "bytes per declaration"];
    section.table(header, &rows);
    if let Some(most) = measured.iter().map(|one| one.mebibytes).max_by(f64::total_cmp) {
        let mebibytes = (most.max(1.0) as usize).next_power_of_two();
        section.text(format!(
            "Lower bound of the machine: one load from memory that depends on the previous load, at random places in \
             {mebibytes} MiB, takes {} ns. A client that is not cached costs two of them, one for the table and one for \
             the entries.",
            floors::dependent_load(mebibytes << 20).format(1.0, 0)
        ));
    }
    let country = measured.iter().find(|one| one.clients == arguments.clients);
    section.check(targets::LOOK_UP.beside(country.map(|one| one.look_up.median)));
    if !arguments.is_quick {
        std::fs::write(written::benches().join("growth.svg"), plot(&measured)).expect("a plot");
        section.text("![Nanoseconds per lookup and bytes per declaration by number of clients](growth.svg)");
    }
    section
}

/// The process: loads the index of a store and looks up clients.
pub(crate) fn measure_and_print(store: &Path) {
    let clients = store.file_name().and_then(|name| name.to_str()?.split('-').next()?.parse().ok());
    let population = data::population(clients.expect("a store whose name starts with its number of clients"));
    let clients = clients_to_look_up(&population);
    let before = mebibytes_of(std::process::id(), "VmRSS");
    // The index is measured, not the writing of its checkpoint.
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
    let look_up = nanos(&clients, |client| {
        snapshot.declarations(black_box(client)).facts().for_each(|facts| {
            black_box(facts);
        });
    });
    let prepare = nanos(&clients, |client| {
        let world = World { directory, calendar: &calendar, now };
        black_box(snapshot.declarations(black_box(client)).question(world, &situation));
    });
    let spread = |spread: &Spread| format!("{} {} {}", spread.median, spread.least, spread.most);
    println!("{} {} {} {}", snapshot.declaration_count(), after - before, spread(&look_up), spread(&prepare));
    // Ends the process without closing the store: nothing was written.
    std::process::exit(0);
}

fn of_size(clients: u64) -> Measured {
    let store = data::store(clients);
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .arg("--look-up")
        .arg(&store)
        .stderr(Stdio::inherit())
        .output()
        .expect("the lookup process");
    let output = String::from_utf8(output.stdout).expect("numbers");
    let numbers: Vec<f64> =
        output.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    let Ok([declarations, mebibytes, l0, l1, l2, p0, p1, p2]) = <[f64; 8]>::try_from(numbers) else {
        panic!("unexpected output of the lookup process: `{output}`")
    };
    let spread = |median, least, most| Spread { median, least, most };
    Measured { clients, declarations, mebibytes, look_up: spread(l0, l1, l2), prepare: spread(p0, p1, p2) }
}

fn clients_to_look_up(population: &Population) -> Vec<ClientId> {
    let count = population.clients();
    // Codes are independent of numbers, so neighbours are far apart.
    (0..LOOKUPS).map(|number| population.client(number * 7_919 % count).expect("a client")).collect()
}

/// Nanoseconds per client.
fn nanos(clients: &[ClientId], mut use_client: impl FnMut(&ClientId)) -> Spread {
    let batch = clients.len() / BATCHES;
    let mut batches = clients.chunks(batch.max(1)).cycle();
    let repeats = repeated(BATCHES, || {
        let batch = batches.next().expect("a batch");
        let start = Instant::now();
        batch.iter().for_each(&mut use_client);
        [start.elapsed().as_nanos() as f64 / batch.len() as f64]
    });
    repeats.spread(0)
}

fn plot(measured: &[Measured]) -> String {
    let points = |value: fn(&Measured) -> f64| -> Vec<(f64, f64)> {
        measured.iter().map(|one| (one.clients as f64, value(one))).collect()
    };
    let lines = vec![
        Line {
            name: "ns to look up a client and prepare a question",
            points: points(|one| one.prepare.median),
        },
        Line { name: "ns to look up a client", points: points(|one| one.look_up.median) },
    ];
    let bytes = vec![Line { name: "bytes per declaration", points: points(Measured::bytes) }];
    Plot { title: "Growth with the number of clients", x: "clients", panels: vec![lines, bytes] }.as_svg()
}

impl Measured {
    fn bytes(&self) -> f64 {
        self.mebibytes * 1_048_576.0 / self.declarations
    }
}
