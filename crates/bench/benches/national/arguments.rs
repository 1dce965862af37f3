//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::empties::Empty;
use crate::parts::Part;

const HELP: &str = "\
cargo bench -p lupa-bench --bench national -- [PART …] [--quick] [--write] [--repeats N] [--clients N] [--seconds S]

  PART         one or more of the parts below [default: all]
  --quick      a smoke run: few repeats, short, small populations; not a measurement
  --write      write the last report of each part, of this run or an earlier one, to benches/RESULTS.md
  --repeats N  number of repeats of each contender [default: 9]
  --seconds S  duration of a repeat [default: 1.5]
  --clients N  population of the country [default: 5600000]

Stores are created once by `lupa-bench data` in target/bench-data and used again. The
server is built with `cargo build --release --bin lupa`.

Parts:";

/// The role of a process of this binary.
pub(crate) enum Role {
    /// The bench.
    Bench(Arguments),
    /// An empty service.
    Empty(Empty),
    /// Looks up clients in the index of a store.
    Lookup(PathBuf),
}

/// The parts to measure, and how.
pub(crate) struct Arguments {
    pub(crate) parts: Vec<Part>,
    pub(crate) is_quick: bool,
    pub(crate) is_written: bool,
    pub(crate) repeats: usize,
    pub(crate) repeat: Duration,
    pub(crate) clients: u64,
}

impl Role {
    pub(crate) fn of(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut given = Arguments {
            parts: Vec::new(),
            is_quick: false,
            is_written: false,
            repeats: 9,
            repeat: Duration::from_millis(1_500),
            clients: 5_600_000,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
            match argument.as_str() {
                "--serve-empty" => return Self::Empty(Empty::of(&value(), &value(), value().into())),
                "--look-up" => return Self::Lookup(value().into()),
                // Cargo passes this to every bench.
                "--bench" => {}
                "--quick" => given.is_quick = true,
                "--write" => given.is_written = true,
                "--repeats" => given.repeats = value().parse().expect("a number of repeats"),
                "--seconds" => {
                    given.repeat = Duration::from_secs_f64(value().parse().expect("a number of seconds"));
                }
                "--clients" => given.clients = value().parse().expect("a number of clients"),
                "--help" => {
                    println!("{HELP}");
                    for part in Part::ALL {
                        println!("  {:<18} {}", part.name(), part.title());
                    }
                    std::process::exit(0);
                }
                name => given
                    .parts
                    .push(Part::ALL.into_iter().find(|part| part.name() == name).unwrap_or_else(|| {
                    panic!(
                        "no part is named `{name}`: see cargo bench -p lupa-bench --bench national -- --help"
                    )
                })),
            }
        }
        if given.parts.is_empty() {
            given.parts = Part::ALL.to_vec();
        }
        if given.is_quick {
            (given.repeats, given.repeat, given.clients) = (2, Duration::from_millis(300), 20_000);
        }
        Self::Bench(given)
    }
}
