//! What Lupa does at a country's size, beside what an empty service does on
//! the same machine. `cargo bench --bench national -- --help`.
//!
//! ```text
//!  this process: load generator ──gRPC──▶ lupa serve          a child
//!                              ├──gRPC──▶ an empty service    a child: this binary again
//!                              └──▶ the core, the store, the index: this binary again, or here
//! ```
//!
//! Contenders take turns (A B C A B C …), each repeat is watched for foreign
//! load, and what is told is the median with the least and the most.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot be set up fails by panicking, and prints what it measured"
)]

mod arguments;
mod caller;
mod child;
mod collector;
mod data;
mod empties;
mod floors;
mod listening;
mod load;
mod machine;
mod noise;
mod parts;
mod plot;
#[path = "../../tests/suite/fixtures/patience.rs"]
#[expect(dead_code, reason = "it is of the tests, which need more of it")]
mod patience;
#[path = "../../tests/suite/fixtures/ports.rs"]
#[expect(clippy::expect_used, clippy::panic, reason = "a bench without a port ends")]
mod ports;
#[path = "../../tests/suite/fixtures/postgres.rs"]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "it is of the tests, which need more of it"
)]
mod postgres;
mod questions;
mod repeats;
mod report;
#[path = "../scenarios.rs"]
mod scenarios;
mod server;
mod targets;
mod written;

use arguments::{Arguments, Role};

/// As the servers: one allocator for all that is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    match Role::of(std::env::args().skip(1)) {
        Role::Empty(empty) => empties::serve(&empty),
        Role::Lookup(store) => parts::lookup::measure_and_tell(&store),
        Role::Bench(arguments) => run(&arguments),
    }
}

fn run(arguments: &Arguments) {
    for part in &arguments.parts {
        println!("\n# {}\n", part.title());
        let section = part.measure(arguments);
        println!("{}", section.as_markdown());
        if !arguments.is_quick {
            written::keep(*part, &section);
        }
    }
    if arguments.is_written {
        written::write_results();
        println!("written: benches/RESULTS.md, from what each part measured last");
    }
}
