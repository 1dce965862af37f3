//! `lupa store`: copies, backs up, migrates and verifies stores, and accepts a loss, without a server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::HumanCount;
use serde::Serialize;
use tokio::task;

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::terminal::{Terminal, bar_of_changes};
use crate::clock;
use crate::config::Config;
use crate::server::opening;
use crate::store::{
    AcceptedLoss, CopyError, CopyPhase, CopyTo, OpenError, PostgresOptions, Revision, Store, StoreOptions,
    Verified, VerifyFault, with_causes,
};

/// The commands of `lupa store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy an SQLite store into a new file; the store may be in use
    Backup(BackupArgs),
    /// Copy a store into a new file or an empty database, and verify both
    Copy(CopyArgs),
    /// Create the store or bring its schema to the version of this program, and end
    Migrate(MigrateArgs),
    /// Read a whole store and report every inconsistency
    Verify(VerifyArgs),
    /// Accept that an SQLite store has lost acknowledged changes, and start a new epoch
    AcceptLoss(AcceptLossArgs),
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The new file; it must not exist
    to: PathBuf,
    /// The database file to copy [default: the setting store.path]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

const AFTER_COPY_HELP: &str = "\
A store is a file or postgres://USER@HOST:PORT/DATABASE. The settings store.password_file, store.tls and
so on apply to the connection. Stop every lupa that writes FROM first. TO starts a new epoch: it rejects
tokens of FROM.

Example:
  lupa store copy lupa.sqlite postgres://lupa@127.0.0.1:5432/lupa";

#[derive(Debug, Args)]
#[command(after_help = AFTER_COPY_HELP)]
pub struct CopyArgs {
    /// The store to copy: a file or a URL
    from: String,
    /// The new store: a file that does not exist, or the URL of a database without a store
    to: String,
}

const AFTER_MIGRATE_HELP: &str = "\
For a database whose tables belong to another role than the one that `lupa serve` uses: run it as the
owner, before `lupa serve` of a new version (docs/storage.md, Roles).

Example:
  lupa store migrate postgres://lupa_owner@127.0.0.1:5432/lupa";

#[derive(Debug, Args)]
#[command(after_help = AFTER_MIGRATE_HELP)]
pub struct MigrateArgs {
    /// The store: a file or a URL [default: the configured store]
    store: Option<String>,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The store: a file or a URL; it may be in use [default: the configured store]
    store: Option<String>,
}

const AFTER_ACCEPT_LOSS_HELP: &str = "\
Only for a store that lupa refuses to open because changes are missing that were acknowledged. Stop every
lupa that has it open, copy all of its files for investigation, and restore a backup instead if it has more.
The lost declarations have to be recorded again. Tokens from before are rejected.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_ACCEPT_LOSS_HELP)]
pub struct AcceptLossArgs {
    /// The database file
    store: PathBuf,
}

/// A loss that was accepted.
#[derive(Serialize)]
struct AcceptedLossSummary {
    store: String,
    epoch: String,
    revision: u64,
    lost_changes_min: u64,
    lost_viewings_min: u64,
}

/// The summary of a store.
#[derive(Serialize)]
struct StoreSummary {
    store: String,
    epoch: String,
    revision: u64,
    viewings: u64,
    /// SHA-256 over all changes: equal for a store and its copy.
    digest: String,
    faults: u64,
}

pub(super) async fn run(command: StoreCommand, global: &Global) -> Result<Exit, CommandFailure> {
    let config = global.load_config()?.config;
    let json = global.json;
    let work = move || match command {
        StoreCommand::Backup(args) => back_up(&args, &config),
        StoreCommand::Copy(args) => copy(&args, &config, json),
        StoreCommand::Migrate(args) => migrate(&args, &config),
        StoreCommand::Verify(args) => verify(&args, &config, json),
        StoreCommand::AcceptLoss(args) => accept_loss(&args, &config, json),
    };
    task::spawn_blocking(work).await.map_err(|_| CommandFailure::Internal("the work was interrupted"))?
}

fn back_up(BackupArgs { to, store }: &BackupArgs, config: &Config) -> Result<Exit, CommandFailure> {
    if config.store.url.is_some() && store.is_none() {
        return Err(CommandFailure::Usage(
            "a PostgreSQL database is backed up with its own tools, such as pg_basebackup; to back up a file, \
             name it with --store"
                .to_owned(),
        ));
    }
    let path = store.as_ref().unwrap_or(&config.store.path);
    let options = opening::options(config, clock::now);
    let Revision(last) = Store::back_up(path, to, options).map_err(failed)?;
    let last = HumanCount(last);
    Terminal::detect().show(&format!("backed up {last} changes into {}\n", to.display()))?;
    Ok(Exit::Success)
}

fn copy(CopyArgs { from, to }: &CopyArgs, config: &Config, json: bool) -> Result<Exit, CommandFailure> {
    let options = opening::options(config, clock::now);
    let original = open(from, config, StoreAccess::Exclusive)?;
    let server;
    let target = if is_url(to) {
        server = opening::postgres(&config.store, to).map_err(failed)?;
        CopyTo::Server(&server)
    } else {
        CopyTo::File(Path::new(to))
    };
    let last = original.count().map_err(failed)?;
    let bar = bar_of_changes(last);
    let copied = original.copy(target, options, &mut |phase| {
        let (message, Revision(at)) = match phase {
            CopyPhase::Copying(at) => ("copying", at),
            CopyPhase::VerifyingOriginal(at) => ("verifying the original", at),
            CopyPhase::VerifyingCopy(at) => ("verifying the copy", at),
        };
        bar.set_message(message);
        bar.set_position(at);
        true
    });
    bar.finish_and_clear();
    match copied.map_err(failed)? {
        Some(verified) => show(to, &verified, json),
        None => Err(CommandFailure::Internal("the copy was stopped")),
    }
}

fn migrate(MigrateArgs { store }: &MigrateArgs, config: &Config) -> Result<Exit, CommandFailure> {
    let opened = open(&place(store.clone(), config), config, StoreAccess::Write)?;
    let (place, last) = (opened.place(), HumanCount(opened.count().map_err(failed)?));
    Terminal::detect().show(&format!("{place} has the schema of this lupa, and {last} changes\n"))?;
    Ok(Exit::Success)
}

fn verify(VerifyArgs { store }: &VerifyArgs, config: &Config, json: bool) -> Result<Exit, CommandFailure> {
    let place = place(store.clone(), config);
    let opened = open(&place, config, StoreAccess::Shared)?;
    let bar = bar_of_changes(opened.count().map_err(failed)?);
    let verified = opened.verify(&mut |Revision(at)| {
        bar.set_position(at);
        true
    });
    bar.finish_and_clear();
    match verified.map_err(failed)? {
        Some(verified) => show(&place, &verified, json),
        None => Err(CommandFailure::Internal("the verification was stopped")),
    }
}

fn accept_loss(
    AcceptLossArgs { store }: &AcceptLossArgs,
    config: &Config,
    json: bool,
) -> Result<Exit, CommandFailure> {
    if store.to_str().is_some_and(is_url) {
        return Err(CommandFailure::Usage(
            "a store in PostgreSQL starts a new epoch by itself after a loss: start lupa".to_owned(),
        ));
    }
    let accepted = Store::accept_loss(store, opening::options(config, clock::now)).map_err(failed)?;
    let AcceptedLoss { epoch, revision: Revision(revision), lost_changes, lost_viewings } = accepted;
    let terminal = Terminal::detect();
    if json {
        terminal.show_json(&AcceptedLossSummary {
            store: store.display().to_string(),
            epoch: epoch.to_string(),
            revision,
            lost_changes_min: lost_changes,
            lost_viewings_min: lost_viewings,
        })?;
    } else {
        let (kept, changes) = (HumanCount(revision), HumanCount(lost_changes));
        let viewings = HumanCount(lost_viewings);
        terminal.show(&format!(
            "accepted: the store continues after revision {kept} in the new epoch {epoch}\n\
             lost: at least {changes} changes and {viewings} logged viewings\n"
        ))?;
    }
    Ok(Exit::Success)
}

/// The store that an argument names, or the configured one.
pub(super) fn place(argument: Option<String>, config: &Config) -> String {
    let configured = || match &config.store.url {
        Some(url) => url.clone(),
        None => config.store.path.to_string_lossy().into_owned(),
    };
    argument.unwrap_or_else(configured)
}

/// How a store is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreAccess {
    /// Read; no other process may use a file at the same time.
    Exclusive,
    /// Read; other processes may use a file at the same time.
    Shared,
    /// Written; it is created if it does not exist.
    Write,
}

pub(super) fn open(place: &str, config: &Config, access: StoreAccess) -> Result<Store, CommandFailure> {
    let options = opening::options(config, clock::now);
    // The command decides nothing, so the staleness bound of the store does not apply.
    let options = StoreOptions { max_staleness: Duration::ZERO, ..options };
    if is_url(place) {
        let postgres = opening::postgres(&config.store, place).map_err(failed)?;
        let postgres = PostgresOptions { read_only: access != StoreAccess::Write, ..postgres };
        return Store::connect(&postgres, options).map_err(failed);
    }
    match access {
        StoreAccess::Exclusive | StoreAccess::Write => Store::open(Path::new(place), options),
        StoreAccess::Shared => Store::open_to_follow(Path::new(place), options),
    }
    .map_err(failed)
}

fn is_url(place: &str) -> bool {
    place.starts_with("postgres://") || place.starts_with("postgresql://")
}

pub(super) fn failed(error: impl Into<CopyError>) -> CommandFailure {
    let error = error.into();
    let message = with_causes(&error);
    let is_usage = matches!(
        error,
        CopyError::NotEmpty { .. }
            | CopyError::Open(
                OpenError::Exists { .. }
                    | OpenError::Url { .. }
                    | OpenError::UrlOption { .. }
                    | OpenError::NothingThere { .. }
                    | OpenError::NothingToFollow { .. }
                    | OpenError::NothingLost { .. }
            )
    );
    if is_usage { CommandFailure::Usage(message) } else { CommandFailure::Server(message) }
}

fn show(place: &str, verified: &Verified, json: bool) -> Result<Exit, CommandFailure> {
    let Verified { epoch, revision, viewings, digest, faults, faults_count } = verified;
    let summary = StoreSummary {
        store: place.to_owned(),
        epoch: epoch.to_string(),
        revision: revision.0,
        viewings: *viewings,
        digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        faults: *faults_count,
    };
    let terminal = Terminal::detect();
    if json {
        terminal.show_json(&summary)?;
    } else {
        let StoreSummary { store, epoch, revision, viewings, digest, faults: _ } = &summary;
        terminal.show(&format!(
            "store     {store}\nepoch     {epoch}\nchanges   {}\nviewings  {}\ndigest    {digest}\n",
            HumanCount(*revision),
            HumanCount(*viewings)
        ))?;
        for VerifyFault { revision, finding } in faults {
            terminal.show(&format!("fault: revision {revision}: {finding}\n"))?;
        }
        let omitted = faults_count.saturating_sub(faults.len() as u64);
        if omitted > 0 {
            terminal.show(&format!("and {} more faults\n", HumanCount(omitted)))?;
        }
    }
    Ok(if *faults_count == 0 { Exit::Success } else { Exit::Negative })
}
