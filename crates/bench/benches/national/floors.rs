//! Lower bounds of the machine for parts of the work, independent of Lupa.

use std::hint::black_box;
use std::path::Path;
use std::thread;
use std::time::Instant;

use lupa_bench::measure::repeats::{Spread, repeated};
use rusqlite::{Connection, OpenFlags};

/// The size of a cache line.
const LINE_BYTES: usize = 64;

/// Dependent loads from memory in a repeat.
const LOADS: usize = 1_000_000;
const REPEATS: usize = 11;

/// Nanoseconds of a load from memory that depends on the previous load, at random
/// places among a number of bytes.
pub(crate) fn dependent_load(bytes: usize) -> Spread {
    let lines = bytes / LINE_BYTES;
    // One cycle through all lines, by Sattolo's shuffle.
    let mut next: Vec<u32> = (0..u32::try_from(lines).expect("fewer lines")).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for place in (1..lines).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        next.swap(place, usize::try_from(state % place as u64).expect("a place"));
    }
    let mut memory = vec![[0_u32; LINE_BYTES / 4]; lines];
    for (line, next) in memory.iter_mut().zip(next) {
        line[0] = next;
    }
    let mut at = 0;
    let repeats = repeated(REPEATS, || {
        let start = Instant::now();
        for _ in 0..LOADS {
            at = memory.get(at as usize).map_or(0, |[next, ..]| *next);
        }
        [start.elapsed().as_nanos() as f64 / LOADS as f64]
    });
    black_box(at);
    repeats.spread(0)
}

/// Seconds in which SQLite reads every column of every change, with one thread per
/// core, without any use of the values.
pub(crate) fn rows_stepped_through(store: &Path) -> f64 {
    let connect = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(store, flags).expect("a store")
    };
    let last: u64 = connect()
        .query_row("SELECT max(revision) FROM change", (), |row| row.get(0))
        .expect("the last revision");
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let start = Instant::now();
    thread::scope(|scope| {
        for part in 0..threads {
            let range = (last * part / threads, last * (part + 1) / threads);
            scope.spawn(move || {
                let connection = connect();
                let mut statement = connection
                    .prepare(
                        "SELECT revision, recorded_at, what, kind, client_root, client_extension, declaration_id, \
                         body FROM change WHERE revision > ?1 AND revision <= ?2 ORDER BY revision",
                    )
                    .expect("a statement");
                let columns = statement.column_count();
                let mut rows = statement.query(range).expect("rows");
                while let Some(row) = rows.next().expect("a row") {
                    for column in 0..columns {
                        black_box(row.get_ref(column).expect("a column"));
                    }
                }
            });
        }
    });
    start.elapsed().as_secs_f64()
}
