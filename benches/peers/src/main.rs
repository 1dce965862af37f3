//! The same decisions made by other policy servers and libraries, beside
//! Lupa's and an empty service: `benches/peers/run`.
//!
//! The decision: a record may be read if there is a care relationship, the
//! client is informed, the record is in the requester's own register or the
//! client consents, and neither its register nor its service event is denied.
//! Each peer gets it in its own way of modelling, by its own batch call, with
//! logs and traces off.

mod cerbos;
#[path = "../../national/caller.rs"]
#[expect(dead_code, reason = "nothing is recorded under load here")]
mod caller;
mod facts;
mod libraries;
#[path = "../../national/load.rs"]
mod load;
mod lupa_server;
#[path = "../../national/machine.rs"]
#[expect(dead_code, reason = "the machine is told once, by the bench")]
mod machine;
mod measured;
#[path = "../../national/noise.rs"]
mod noise;
mod process;
#[path = "../../national/repeats.rs"]
#[expect(dead_code, reason = "merges are Lupa's own")]
mod repeats;
#[path = "../../national/report.rs"]
#[expect(dead_code, reason = "targets are Lupa's own")]
mod report;
mod service;
mod spicedb;

use std::path::PathBuf;
use std::time::Duration;

/// What the command line asks for.
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
    let mut told = std::env::args().skip(1);
    let mut arguments = Arguments {
        lupa: PathBuf::new(),
        cerbos: PathBuf::new(),
        spicedb: PathBuf::new(),
        versions: String::new(),
        repeats: 9,
        repeat: Duration::from_millis(1_500),
        is_quick: false,
    };
    while let Some(argument) = told.next() {
        let mut value = || told.next().expect("a value");
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
            other => panic!("`{other}` is not understood"),
        }
    }
    measured::run(&arguments);
}
