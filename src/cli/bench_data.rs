//! `lupa bench-data`: makes a store with a synthetic population in it.

mod filling;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use tokio::task;

use super::Global;
use super::failure::{Exit, Failure};
use super::serve::{interrupted, with_causes};
use super::terminal::{Terminal, bar_of_changes};
use crate::policy::day::{self, Day};
use crate::population::{Population, PopulationFault, PopulationSize};
use crate::server::clock;
use crate::store::{FillError, FillPhase, FillProgress, OpenError, Store};
use filling::{Made, history};

/// A country's: so many declarations for so many clients.
const COUNTRY: (u64, u64) = (17_000_000, 5_600_000);

/// For a hundred declarations about so many changes, withdrawals among them.
const CHANGES_PER_HUNDRED: u64 = 106;

const AFTER_HELP: &str = "\
Everyone is made up. Client and identity code belong together one to one: a
number is taken apart into one of 36,525 birth dates, one of six century signs
and one of the individual numbers 900 to 999, which are given to nobody, so no
two clients share a code and at most 21,915,000 have one.

The mix: 95 % of the clients informed (1.0, 1.1 or 2.0, by date); most
declarations are consents, a tenth of which is withdrawn; 3 to 4 % are denials,
of every scope that can be recorded; most clients have 1 to 5 declarations, one
in 500 has 12 to 60, and for every two million declarations one client has
10,000. Recorded from 2022-11-01 on, in order of time. The directory is made up
too: 270 organisations, 495 registers.

The same --clients, --declarations, --seed and --until make the same population;
only the store's epoch, key and the ids of declarations differ.

Examples:
  lupa bench-data --store /tmp/country.sqlite
  lupa bench-data --store /tmp/town.sqlite --clients 100000 --seed 7";

/// Arguments of `lupa bench-data`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct BenchDataArgs {
    /// The database file to make; there must be none [default: the setting store.path]
    #[arg(long, value_name = "PATH")]
    store: Option<PathBuf>,
    /// How many clients
    #[arg(long, value_name = "COUNT", default_value_t = COUNTRY.1, value_parser = clap::value_parser!(u64).range(1..))]
    clients: u64,
    /// How many declarations, withdrawals not counted [default: 3.04 a client]
    #[arg(long, value_name = "COUNT")]
    declarations: Option<u64>,
    /// Which of all populations of this size
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Everything is recorded before this day
    #[arg(long, value_name = "DAY", default_value = "2026-11-01", value_parser = Day::parse)]
    until: Day,
}

/// What was made, and how fast.
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

pub(super) async fn run(args: BenchDataArgs, global: &Global) -> Result<Exit, Failure> {
    let BenchDataArgs { store, clients, declarations, seed, until } = args;
    let path = match store {
        Some(path) => path,
        None => global.load_config()?.config.store.path,
    };
    let until = midnight_before(until)?;
    let declarations = declarations.unwrap_or(clients.saturating_mul(COUNTRY.0) / COUNTRY.1);
    let population = Population::new(PopulationSize { clients, declarations, seed, until }).map_err(
        |fault| match fault {
            PopulationFault::TooManyClients
            | PopulationFault::TooFewDeclarations
            | PopulationFault::TooEarly => Failure::Usage(fault.to_string()),
            PopulationFault::Country => Failure::Internal("the made-up directory has a fault"),
        },
    )?;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&is_stopped);
    let began = Instant::now();
    let mut filling = task::spawn_blocking(move || fill(&path, population, declarations, &stopped));
    let ended = tokio::select! {
        ended = &mut filling => ended,
        () = interrupted() => {
            is_stopped.store(true, Ordering::Relaxed);
            filling.await
        }
    };
    let made = ended.map_err(|_| Failure::Internal("filling the store was interrupted"))??;
    let terminal = Terminal::detect();
    let summary = summary(clients, &made, began.elapsed());
    if global.json {
        terminal.show_json(&summary)?
    } else {
        terminal.show(&in_words(&summary))?
    }
    Ok(Exit::Success)
}

/// The first instant of a day in UTC, which is after its first in Finland: not
/// later than now, or a server would wait for it.
fn midnight_before(until: Day) -> Result<day::Instant, Failure> {
    let midnight = format!("{until}T00:00:00Z").parse::<day::Instant>();
    match midnight {
        Ok(midnight) if midnight <= clock::now() => Ok(midnight),
        Ok(_) => Err(Failure::Usage(format!(
            "{until} is to come: a server answers nothing before the time of its newest declaration"
        ))),
        Err(_) => Err(Failure::Usage(format!("{until} is too far from now"))),
    }
}

/// Generates in one thread and writes in this one. Blocks.
fn fill(
    path: &Path,
    population: Population,
    declarations: u64,
    is_stopped: &AtomicBool,
) -> Result<Made, Failure> {
    let bar = bar_of_changes(declarations.saturating_mul(CHANGES_PER_HUNDRED) / 100);
    let (changes, making) =
        history(population).map_err(|_| Failure::Internal("no thread could be started"))?;
    let filled = Store::fill(path, changes, &mut |progress| {
        show(&bar, progress);
        !is_stopped.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    let made = making.join();
    filled.map_err(|error| {
        let told = with_causes(&error);
        let is_usage = matches!(error, FillError::Open(OpenError::Exists { .. }));
        if is_usage { Failure::Usage(told) } else { Failure::Server(told) }
    })?;
    made.map_err(|_| Failure::Internal("making the population failed"))
}

fn show(bar: &ProgressBar, progress: FillProgress) {
    let FillProgress { phase, changes } = progress;
    bar.set_message(match phase {
        FillPhase::Writing => "writing",
        FillPhase::Indexing => "making the indices",
        FillPhase::Syncing => "syncing",
    });
    bar.set_position(changes);
}

fn summary(clients: u64, made: &Made, elapsed: Duration) -> Summary {
    let Made { information, consents, denials, withdrawals } = *made;
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

fn in_words(summary: &Summary) -> String {
    let Summary { clients, declarations, information, consents, denials, withdrawals, seconds, .. } = summary;
    format!(
        "made {clients} clients with {declarations} declarations ({information} information, {consents} \
         consents, {denials} denials) and {withdrawals} withdrawals in {seconds:.1} s: {} declarations/s\n",
        summary.declarations_per_second
    )
}
