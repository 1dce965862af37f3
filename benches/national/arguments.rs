//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use crate::empties::Empty;
use crate::parts::Part;

const HELP: &str = "\
cargo bench --bench national -- [PART …] [--quick] [--write] [--repeats N] [--clients N] [--seconds S]

  PART         one or more of the parts below; all without any
  --quick      a smoke run: few repeats, short, small populations; not a measurement
  --write      put what each part measured last, in this run or before, into benches/RESULTS.md
  --repeats N  how often each contender is measured (9)
  --seconds S  how long a repeat is (1.5)
  --clients N  the country's population (5600000)

Stores are made once by `lupa bench-data` in target/bench-data and used again.

Parts:";

/// What a process of this binary is.
pub(crate) enum Role {
    /// The bench.
    Bench(Arguments),
    /// A server that does nothing.
    Empty(Empty),
    /// Looks clients up in the index of a store.
    Lookup(PathBuf),
}

/// What is measured, and how long.
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
        let mut asked = Arguments {
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
                // Cargo says so to every bench.
                "--bench" => {}
                "--quick" => asked.is_quick = true,
                "--write" => asked.is_written = true,
                "--repeats" => asked.repeats = value().parse().expect("a number of repeats"),
                "--seconds" => {
                    asked.repeat = Duration::from_secs_f64(value().parse().expect("a number of seconds"));
                }
                "--clients" => asked.clients = value().parse().expect("a number of clients"),
                "--help" => {
                    println!("{HELP}");
                    for part in Part::ALL {
                        println!("  {:<18} {}", part.name(), part.title());
                    }
                    std::process::exit(0);
                }
                name => {
                    asked.parts.push(Part::ALL.into_iter().find(|part| part.name() == name).unwrap_or_else(
                        || panic!("no part is named `{name}`: see cargo bench --bench national -- --help"),
                    ))
                }
            }
        }
        if asked.parts.is_empty() {
            asked.parts = Part::ALL.to_vec();
        }
        if asked.is_quick {
            (asked.repeats, asked.repeat, asked.clients) = (2, Duration::from_millis(300), 20_000);
        }
        Self::Bench(asked)
    }
}
