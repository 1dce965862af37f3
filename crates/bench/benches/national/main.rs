//! Lupa at the size of a country, compared with empty services on the same
//! machine: `cargo bench -p lupa-bench --bench national -- --help`.
//!
//! ```text
//!  this process: load generator ──gRPC──▶ lupa serve          a child
//!                              ├──gRPC──▶ an empty service    a child: this binary in another role
//!                              └──▶ the core, the store, the index: this binary, or a child
//! ```
//!
//! Contenders are measured in turn (A B C A B C …), each repeat is checked for
//! foreign load, and the report gives the median with the least and the most.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot be set up fails by panicking, and prints its report"
)]

mod arguments;
mod child;
mod collector;
mod data;
mod empties;
mod floors;
mod listening;
mod parts;
mod plot;
#[path = "../../../../tests/suite/fixtures/patience.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod patience;
#[path = "../../../../tests/suite/fixtures/ports.rs"]
#[expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails by panicking")]
mod ports;
#[path = "../../../../tests/suite/fixtures/postgres.rs"]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "shared with the tests, which use more of it"
)]
mod postgres;
mod questions;
#[path = "../scenarios.rs"]
mod scenarios;
mod server;
#[path = "../../../../tests/suite/fixtures/standby.rs"]
#[expect(clippy::unwrap_used, dead_code, reason = "shared with the tests, which use more of it")]
mod standby;
mod targets;
mod written;

use arguments::{Arguments, Role};
use lupa_bench::measure::repository;

/// The allocator of `lupa`, so that all contenders have the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Cargo starts a bench in the folder of its package.
    std::env::set_current_dir(repository()).expect("the repository");
    match Role::of(std::env::args().skip(1)) {
        Role::Empty(empty) => empties::serve(&empty),
        Role::Lookup(store) => parts::lookup::measure_and_print(&store),
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
        println!("wrote benches/RESULTS.md from the last report of each part");
    }
}
