//! `lupa-bench data`: creates a store with a synthetic population.

mod history;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lupa::clock;
use lupa::policy::day::{self, Day};
use lupa::store::bulk::BulkError;
use lupa::store::{OpenError, with_causes};
use lupa_bench::fill::{FillError, FillPhase, FillProgress, fill};
use lupa_bench::population::{Population, PopulationFault, PopulationSize};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task;

use super::{Failure, Global};
use history::{Counts, history};

/// The declarations and the clients of a country.
const COUNTRY: (u64, u64) = (17_000_000, 5_600_000);

/// Changes per hundred declarations, withdrawals included: an estimate, for the progress bar.
const CHANGES_PER_HUNDRED: u64 = 106;

const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

const AFTER_HELP: &str = "\
Every person is synthetic. Client and identity code belong together one to one:
a number is split into one of 36,525 birth dates, one of six century signs and
one of the individual numbers 900 to 999, which are given to nobody. So no two
clients share a code, and at most 21,915,000 have one.

The mix: 95 % of the clients are informed (1.0, 1.1 or 2.0, by date). Most
declarations are consents; a tenth of them is withdrawn. 3 to 4 % are denials,
of every scope that can be recorded. Most clients have 1 to 5 declarations, one
in 500 has 12 to 60, and for every two million declarations one client has
10,000. Changes are recorded from 2022-11-01 on, in order of time. The directory
is synthetic too: 270 organisations, 495 registers.

The same --clients, --declarations, --seed and --until give the same population;
only the store's epoch, key and the ids of declarations differ.

Examples:
  lupa-bench data --store /tmp/country.sqlite
  lupa-bench data --store /tmp/town.sqlite --clients 100000 --seed 7";

/// Arguments of `lupa-bench data`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct DataArgs {
    /// The database file to create; it must not exist [default: the setting store.path of Lupa]
    #[arg(long, value_name = "PATH")]
    store: Option<PathBuf>,
    /// Number of clients
    #[arg(long, value_name = "COUNT", default_value_t = COUNTRY.1, value_parser = clap::value_parser!(u64).range(1..))]
    clients: u64,
    /// Number of declarations, without withdrawals [default: 3.04 per client]
    #[arg(long, value_name = "COUNT")]
    declarations: Option<u64>,
    /// Selects one of the populations of this size
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Every change is recorded before this day
    #[arg(long, value_name = "DAY", default_value = "2026-11-01", value_parser = Day::parse)]
    until: Day,
}

/// What was created, and how fast.
#[derive(Serialize)]
struct Summary {
    clients: u64,
    declarations: u64,
    information: u64,
    consents: u64,
    denials: u64,
    withdrawals: u64,
    seconds: f64,
    declarations_per_second: u64,
}

pub(super) async fn run(args: DataArgs, global: &Global) -> Result<(), Failure> {
    let DataArgs { store, clients, declarations, seed, until } = args;
    let path = match store {
        Some(path) => path,
        None => configured_store(global.config.as_deref())?,
    };
    let until = midnight_before(until)?;
    let declarations = declarations.unwrap_or(clients.saturating_mul(COUNTRY.0) / COUNTRY.1);
    let population = Population::new(PopulationSize { clients, declarations, seed, until }).map_err(
        |fault| match fault {
            PopulationFault::TooManyClients
            | PopulationFault::TooFewDeclarations
            | PopulationFault::TooEarly => Failure::Usage(fault.to_string()),
            PopulationFault::Country => Failure::Internal("the synthetic directory has a fault: report it"),
        },
    )?;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&is_stopped);
    let start = Instant::now();
    let mut creating = task::spawn_blocking(move || create(&path, population, declarations, &stopped));
    let ended = tokio::select! {
        ended = &mut creating => ended,
        () = interrupted() => {
            is_stopped.store(true, Ordering::Relaxed);
            creating.await
        }
    };
    let counts = ended.map_err(|_| Failure::Internal("filling the store panicked: report the fault"))??;
    let summary = summary(clients, &counts, start.elapsed());
    let text = if global.json {
        serde_json::to_string_pretty(&summary)
            .map_err(|_| Failure::Internal("the summary cannot be encoded as JSON: report the fault"))?
    } else {
        sentence(&summary)
    };
    writeln!(io::stdout(), "{text}").map_err(|_| Failure::Internal("cannot write to standard output"))
}

/// The store of Lupa's configuration.
fn configured_store(file: Option<&Path>) -> Result<PathBuf, Failure> {
    let loaded = lupa::config::load(file, std::env::vars_os()).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::Usage(format!("the configuration cannot be used: {}", faults.join("; ")))
    })?;
    Ok(loaded.config.store.path)
}

/// The first instant of a day in UTC, which is after the first instant of that
/// day in Finland. Not after now, because a server waits until its clock has
/// reached the time of the newest change.
fn midnight_before(until: Day) -> Result<day::Instant, Failure> {
    let midnight = format!("{until}T00:00:00Z").parse::<day::Instant>();
    match midnight {
        Ok(midnight) if midnight <= clock::now() => Ok(midnight),
        Ok(_) => Err(Failure::Usage(format!(
            "{until} is in the future: a server does not answer before the time of its newest declaration"
        ))),
        Err(_) => Err(Failure::Usage(format!("{until} is not a day that can be stored"))),
    }
}

/// Resolves on Ctrl-C or SIGTERM.
async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Computes the population in one thread, encodes it in another, and inserts it
/// in this one. Blocks.
fn create(
    path: &Path,
    population: Population,
    declarations: u64,
    is_stopped: &AtomicBool,
) -> Result<Counts, Failure> {
    let bar = progress_bar(declarations.saturating_mul(CHANGES_PER_HUNDRED) / 100);
    let (changes, computing) =
        history(population).map_err(|error| Failure::Store(format!("cannot start a thread: {error}")))?;
    let filled = fill(path, changes, &mut |progress| {
        show(&bar, progress);
        !is_stopped.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    let counts = computing.join();
    filled.map_err(|error| {
        let message = with_causes(&error);
        match error {
            FillError::Bulk(BulkError::Store(OpenError::Exists { .. })) => Failure::Usage(message),
            FillError::Bulk(_) | FillError::Stopped | FillError::NoThread(_) | FillError::EncoderPanicked => {
                Failure::Store(message)
            }
        }
    })?;
    counts.map_err(|_| Failure::Internal("computing the population panicked: report the fault"))
}

/// A bar on standard error, if that is a terminal.
fn progress_bar(changes: u64) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(changes) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {human_pos} changes, {per_sec}, {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    bar
}

fn show(bar: &ProgressBar, progress: FillProgress) {
    let FillProgress { phase, changes } = progress;
    bar.set_message(match phase {
        FillPhase::Inserting => "writing",
        FillPhase::Indexing => "building indices",
        FillPhase::Syncing => "syncing",
    });
    bar.set_position(changes);
}

fn summary(clients: u64, counts: &Counts, elapsed: Duration) -> Summary {
    let Counts { information, consents, denials, withdrawals } = *counts;
    let declarations = information + consents + denials;
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    Summary {
        clients,
        declarations,
        information,
        consents,
        denials,
        withdrawals,
        seconds: elapsed.as_secs_f64(),
        declarations_per_second: declarations.saturating_mul(1_000) / millis,
    }
}

fn sentence(summary: &Summary) -> String {
    let Summary { clients, declarations, information, consents, denials, withdrawals, seconds, .. } = summary;
    format!(
        "created {clients} clients with {declarations} declarations ({information} information, {consents} \
         consents, {denials} denials) and {withdrawals} withdrawals in {seconds:.1} s: {} declarations/s",
        summary.declarations_per_second
    )
}
