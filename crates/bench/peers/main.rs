//! The same decisions by other policy servers and libraries, compared with Lupa
//! and an empty service: `benches/peers/run`.
//!
//! The decision: a record may be read if there is a care relationship, and either
//! the record is in the requester's own register, or the client is informed and
//! consents and has denied neither its register nor its service event. Each peer
//! has it modelled in its own way and is called with its own batch method, with
//! logs and traces off.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot be set up fails by panicking, and prints its report"
)]

mod cerbos;
mod facts;
mod libraries;
mod lupa_server;
mod measured;
mod process;
mod service;
mod spicedb;

use std::path::PathBuf;
use std::time::Duration;

/// The command line.
struct Arguments {
    lupa: PathBuf,
    cerbos: PathBuf,
    spicedb: PathBuf,
    versions: String,
    repeats: usize,
    repeat: Duration,
    is_quick: bool,
}

fn main() {
    let mut given = std::env::args().skip(1);
    let mut arguments = Arguments {
        lupa: PathBuf::new(),
        cerbos: PathBuf::new(),
        spicedb: PathBuf::new(),
        versions: String::new(),
        repeats: 9,
        repeat: Duration::from_millis(1_500),
        is_quick: false,
    };
    while let Some(argument) = given.next() {
        let mut value = || given.next().expect("a value");
        match argument.as_str() {
            "--serve-empty" => return service::serve_constant(&PathBuf::from(value())),
            "--serve-spicedb" => return spicedb::serve(&PathBuf::from(value())),
            "--lupa" => arguments.lupa = value().into(),
            "--cerbos" => arguments.cerbos = value().into(),
            "--spicedb" => arguments.spicedb = value().into(),
            "--versions" => arguments.versions = value(),
            "--quick" => {
                (arguments.repeats, arguments.repeat) = (2, Duration::from_millis(300));
                arguments.is_quick = true;
            }
            other => panic!("unknown argument `{other}`"),
        }
    }
    measured::run(&arguments);
}
