//! `lupa import`: takes in what another system recorded.

mod lines;
mod report;
mod source;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use tokio::{runtime, task};

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::store::{StoreAccess, failed, open, place};
use super::terminal::{Terminal, bar_of_bytes};
use crate::clock;
use crate::config::Config;
use crate::store::{ImportCheck, ImportOutcome, ImportResult, ImportSource};
use report::Report;
use source::{LineSource, Lines};

const AFTER_HELP: &str = "\
A file has one HistoryLine of proto/lupa/v1/history.proto as JSON in each line: a declaration with
its id, client, times and withdrawal, a link, or a withdrawal under another code. It may be compressed
with gzip or Zstandard. `lupa import --example` prints a file with every kind of line, and
docs/import.md describes them.

All of it is stored in one transaction, or nothing: without --allow-refused nothing is stored if a
line is refused. Each refused line is printed with its number and the reason. Lines that are stored
already add nothing, so that an import that was interrupted can be run again.

SQLite: stop the lupa that writes the store first. PostgreSQL: nothing else can be recorded until the
import has ended.

Exit code 1: lines were refused, and nothing was stored. 2: a file cannot be read to its end, and
nothing was stored.

Example:
  lupa import --check history.ndjson.zst && lupa import history.ndjson.zst";

/// A file with every kind of line.
const EXAMPLE: &str = include_str!("import/example.ndjson");

/// Arguments of `lupa import`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ImportArgs {
    /// The files, read in this order; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "example")]
    files: Vec<PathBuf>,
    /// The store: a file or a URL [default: the configured store]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Check the lines and store nothing; the store is not opened
    #[arg(long, conflicts_with = "store")]
    check: bool,
    /// Store the other lines if some are refused
    #[arg(long)]
    allow_refused: bool,
    /// Maximum length of a line in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    line_bytes_max: usize,
    /// Print an example file and do nothing else
    #[arg(long, conflicts_with_all = ["files", "store", "check", "allow_refused"])]
    example: bool,
}

pub(super) async fn run(args: ImportArgs, global: &Global) -> Result<Exit, CommandFailure> {
    if args.example {
        Terminal::detect().show(EXAMPLE)?;
        return Ok(Exit::Success);
    }
    let config = global.load_config()?.config;
    let json = global.json;
    let work = move || import(args, &config, json);
    task::spawn_blocking(work).await.map_err(|_| CommandFailure::Internal("the work was interrupted"))?
}

fn import(args: ImportArgs, config: &Config, is_json: bool) -> Result<Exit, CommandFailure> {
    let ImportArgs { files, store, check, allow_refused, line_bytes_max, example: _ } = args;
    let bar = bar_of_bytes(lines::bytes_of(&files)?);
    let report = Arc::new(Mutex::new(Report::new(files.clone(), bar.clone(), is_json)));
    let lines = Lines { files, line_bytes_max, now: clock::now(), bar: bar.clone() };
    let source = LineSource::start(lines, Arc::clone(&report), allow_refused);
    let is_stored = if check {
        check_all(source);
        false
    } else {
        let store = open(&place(store, config), config, StoreAccess::Write)?;
        let import = store.import(Box::new(source));
        let imported = runtime::Handle::current().block_on(import).map_err(failed)?;
        matches!(imported, ImportResult::Committed(_))
    };
    bar.finish_and_clear();
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stopped) = report.stopped() {
        return Err(CommandFailure::Usage(format!("{stopped}. Nothing was stored.")));
    }
    let is_refused = report.refused > 0 && !allow_refused;
    let terminal = Terminal::detect();
    if is_json {
        terminal.show_json(&report.take_json(is_stored))?;
    } else {
        let end = match (check, is_refused, is_stored) {
            (true, _, _) => "checked: nothing was stored",
            (false, true, _) => "nothing was stored: correct the refused lines, or add --allow-refused",
            (false, false, true) if report.refused > 0 => "stored, without the refused lines",
            (false, false, true) => "stored",
            (false, false, false) => "nothing was stored: there was nothing new",
        };
        terminal.show(&format!("{}{end}\n", report.to_text(is_stored, !check)))?;
    }
    Ok(if is_refused { Exit::Negative } else { Exit::Success })
}

/// Reads every line and stores nothing.
fn check_all(mut source: LineSource) {
    let mut check = ImportCheck::default();
    while let Some(entries) = source.next() {
        let outcomes: Vec<ImportOutcome> = entries.iter().map(|entry| check.outcome(entry)).collect();
        source.report(&outcomes);
    }
}
