//! Memory with the country loaded, and the time until the server is ready.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use lupa_bench::measure::caller::{Call, framed};
use lupa_bench::measure::load::Load;
use lupa_bench::measure::repeats::{Spread, format_durations, format_number};
use lupa_bench::measure::report::Section;
use lupa_bench::population::CODES_MAX;

use crate::arguments::Arguments;
use crate::child::Server;
use crate::{data, floors, questions, targets};

/// Idle time before the steady memory is read.
const REST: Duration = Duration::from_secs(5);

/// Maximum time in which the first checkpoint is written.
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(120);

/// A checkpoint also for a small store, so that a smoke run covers it.
const SETTINGS: [(&str, &str); 1] = [("LUPA_INDEX__CHECKPOINT_CHANGES_MIN", "1")];

/// Duration of recording at full speed.
const RECORDING: Duration = Duration::from_secs(10);

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let copied = data::copy(arguments.clients);
    let starts = arguments.repeats.min(3);
    let store_bytes = fs::metadata(copied.path()).expect("a store").len();
    let (mut stepping, mut first, mut again, mut steady, mut loading, mut merging) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut recorded, mut merges, mut has_checkpoint) = (0.0, Vec::new(), false);
    for turn in 0..starts {
        remove_checkpoint(&copied);
        stepping.push(floors::rows_stepped_through(&copied.path()));
        let server = Server::lupa(&copied.path(), &SETTINGS);
        first.push(server.ready_after.as_secs_f64());
        wait_for_checkpoint(&copied);
        thread::sleep(if arguments.is_quick { Duration::ZERO } else { REST });
        loading.push(server.mebibytes("VmHWM"));
        steady.push(server.mebibytes("VmRSS"));
        server.terminate();
        has_checkpoint = !files_beside(&copied).is_empty();
        let server = Server::lupa(&copied.path(), &SETTINGS);
        again.push(server.ready_after.as_secs_f64());
        recorded += record(arguments, &server, turn);
        merging.push(server.mebibytes("VmHWM"));
        merges.extend(server.take_merges());
        server.terminate();
    }
    let [stepping, first, again, steady, loading, merging] =
        [stepping, first, again, steady, loading, merging].map(Spread::of);
    let mut section = Section::default();
    section.text(format!(
        "{} clients with {} declarations, a store of {:.1} GiB; {starts} starts of each kind. *Ready* is the time from \
         the start of the process until its health is SERVING. The file is in the page cache of the machine. The first \
         start has only the store, and writes a checkpoint of the index after it is ready; the second follows a \
         graceful stop and loads the checkpoint. While recording, {} declarations in all were recorded at full speed, \
         and the merges of the index were: {}.",
        format_number(arguments.clients as f64, 0),
        format_number(data::declarations(arguments.clients) as f64, 0),
        store_bytes as f64 / 1_073_741_824.0,
        format_number(recorded, 0),
        format_durations(&merges),
    ));
    section.table(
        ["", ""],
        &[
            [
                "SQLite alone: reading the rows with one thread per core, s".to_owned(),
                stepping.format(1.0, 1),
            ],
            ["ready, from SQLite, s".to_owned(), first.format(1.0, 1)],
            ["ready, from a checkpoint, s".to_owned(), again.format(1.0, 1)],
            ["resident, at rest, MiB".to_owned(), steady.format(1.0, 0)],
            ["peak while loading and writing a checkpoint, MiB".to_owned(), loading.format(1.0, 0)],
            [
                "peak while loading a checkpoint, recording and merging, MiB".to_owned(),
                merging.format(1.0, 0),
            ],
        ],
    );
    section.check(targets::STEADY_MEMORY.beside(Some(steady.median)));
    section.check(targets::PEAK_MEMORY.beside(Some(loading.median.max(merging.median))));
    section.check(targets::READY.beside(Some(first.median)));
    section.check(targets::READY_AGAIN.beside(has_checkpoint.then_some(again.median)));
    section
}

/// Removes the checkpoint, so that the next server loads the whole store.
fn remove_checkpoint(copied: &data::Copied) {
    for beside in files_beside(copied) {
        fs::remove_file(beside).expect("removed");
    }
}

/// Waits for the checkpoint that is written after the store is loaded.
fn wait_for_checkpoint(copied: &data::Copied) {
    let start = Instant::now();
    let is_complete = |beside: &PathBuf| beside.extension().is_some_and(|extension| extension == "index");
    while !files_beside(copied).iter().any(is_complete) && start.elapsed() < CHECKPOINT_WITHIN {
        thread::sleep(Duration::from_millis(20));
    }
}

/// The files beside the store, except those of SQLite, the lock and the watermark.
fn files_beside(copied: &data::Copied) -> Vec<PathBuf> {
    let path = copied.path();
    let known = ["-wal", "-shm", ".lock", ".watermark"];
    fs::read_dir(path.parent().expect("a folder"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|beside| *beside != path)
        .filter(|beside| !known.iter().any(|end| beside.to_string_lossy().ends_with(end)))
        .collect()
}

/// Records at full speed and returns the number of declarations.
fn record(arguments: &Arguments, server: &Server, turn: usize) -> f64 {
    let strangers = data::population(CODES_MAX);
    let lasting = if arguments.is_quick { arguments.repeat } else { RECORDING };
    let loaded = Load { connections: 2, in_flight: 32, lasting, may_be_refused: false }.run(
        server.address,
        Call::RECORD,
        move |number| {
            let client = strangers.client(CODES_MAX - 1 - number).expect("a client");
            framed(&questions::informed(&client, &format!("memory-{turn}-{number}")))
        },
    );
    loaded.latencies.len() as f64
}
