//! An import that is killed stores nothing, wherever it is killed, and can be run again.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};

use rusqlite::{Connection, ErrorCode};

use super::line::{day, declaration, file_of, other};
use super::place::{Place, added, with_each_store};
use crate::fixtures::patience::{block_until, until};
use crate::fixtures::postgres::connect;

/// Number of lines: many times as many as wait between the threads of an import.
const LINES: usize = 40_000;

const TENTHS: usize = 10;

/// An import that reads standard input.
struct Import(Child);

impl Import {
    fn start(place: &Place) -> Self {
        let mut command = place.command(["import", "--store", place.store(), "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Writes some lines. All but what fits into the pipe were read when this returns.
    fn write(&mut self, lines: &[u8]) {
        self.0.stdin.as_mut().unwrap().write_all(lines).unwrap();
    }

    fn kill(mut self) {
        // SIGKILL.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Whether an import has started its transaction.
async fn is_importing(place: &Place) -> bool {
    match place.url() {
        None => {
            let writing = Connection::open(place.store()).unwrap().execute_batch("BEGIN IMMEDIATE");
            let code = writing.err().and_then(|error| error.sqlite_error_code());
            code == Some(ErrorCode::DatabaseBusy)
        }
        Some(url) => {
            // It disables a trigger.
            let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'lupa.change'::regclass
                           AND mode = 'ShareRowExclusiveLock' AND granted)";
            connect(url).await.query_one(sql, &[]).await.unwrap().get(0)
        }
    }
}

fn lines() -> Vec<u8> {
    let content = "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }";
    let first = declaration(other("client-0"), "killed-0", day(0), content);
    let text = String::from_utf8(file_of(&[first])).unwrap();
    let line = |number| {
        text.replace("client-0", &format!("client-{}", number / 3))
            .replace("killed-0", &format!("killed-{number}"))
    };
    (0..LINES).map(line).collect::<String>().into_bytes()
}

/// The first tenths of the lines, whole.
fn tenths(lines: &[u8], count: usize) -> &[u8] {
    let line = lines.len() / LINES;
    let end = lines.iter().enumerate().skip(line * LINES * count / TENTHS);
    let end = end.filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).next();
    &lines[..end.unwrap_or(lines.len())]
}

async fn killed_imports_store_nothing(place: &Place) {
    let before = place.verified_revision();
    let lines = lines();
    for tenth in 1..=TENTHS {
        let mut import = Import::start(place);
        import.write(tenths(&lines, tenth));
        // Its input is still open, so that it cannot end before it is killed.
        until("a transaction", async || is_importing(place).await).await;
        import.kill();
        assert_eq!(place.verified_revision(), before, "killed after {tenth} tenths");
    }
    let source = place.write("source.ndjson", &lines);
    let report = place.import_all(&[&source]);
    assert_eq!(added(&report), LINES as u64);
    // The changes that enclose it.
    assert_eq!(place.verified_revision(), before + LINES as u64 + 2);
}

async fn nothing_of_a_first_import_is_stored(place: Place) {
    drop(place.open());
    killed_imports_store_nothing(&place).await;
    let (source, exported) = (place.file("source.ndjson"), place.export("exported.ndjson"));
    assert!(fs::read(source).unwrap() == fs::read(exported).unwrap());
}

async fn nothing_of_a_later_import_is_stored(place: Place) {
    let content = "information: { version: '2.0' }";
    let earlier = [declaration(other("client-0"), "earlier", day(0), content)];
    place.import_all(&[&place.write("earlier.ndjson", file_of(&earlier))]);
    killed_imports_store_nothing(&place).await;
}

/// Killed when all of its input is written and closed: then it has stored all or nothing.
async fn whole_import_is_all_or_nothing(place: Place) {
    drop(place.open());
    let lines = lines();
    let mut import = Import::start(&place);
    import.write(&lines);
    until("a transaction", async || is_importing(&place).await).await;
    drop(import.0.stdin.take());
    import.kill();
    let stored = place.verified_revision();
    assert!([0, LINES as u64 + 2].contains(&stored), "{stored} changes");
    let source = place.write("source.ndjson", &lines);
    place.import_all(&[&source]);
    assert_eq!(place.verified_revision(), LINES as u64 + 2);
}

/// Interrupted before it has read anything, and while it waits for a file that is a pipe.
#[test]
fn import_from_a_fifo_is_killed() {
    let place = Place::sqlite();
    drop(place.open());
    let fifo = place.file("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = place.command([Path::new("import"), Path::new("--store")]);
    let mut import = command.arg(place.store()).arg(&fifo).stderr(Stdio::null()).spawn().unwrap();
    block_until("a process that opened its store", || {
        let open = fs::read_dir(format!("/proc/{}/fd", import.id())).into_iter().flatten().flatten();
        open.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == Path::new(place.store()))
    });
    import.kill().unwrap();
    import.wait().unwrap();
    assert_eq!(place.verified_revision(), 0);
}

with_each_store!(
    nothing_of_a_first_import_is_stored,
    nothing_of_a_later_import_is_stored,
    whole_import_is_all_or_nothing,
);
