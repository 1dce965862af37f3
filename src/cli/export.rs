//! `lupa export`: writes everything that is recorded of clients.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::HumanCount;
use sha2::{Digest, Sha256};
use tokio::task;

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::store::{StoreAccess, failed, open, place};
use super::terminal::{bar_of_changes, note};
use crate::config::Config;
use crate::store::{Exported, ReadError, Revision, Store};
use crate::wire::history::to_history_line;

const AFTER_HELP: &str = "\
Writes one JSON object a line, as `lupa import` reads them: declarations with their withdrawals, and
links with their ends, in the order in which they were stored. The directory (`lupa directory show
--json`), idempotency keys and the log of viewings are not part of it: `lupa store copy` copies
everything. A file whose name ends in .zst is compressed with Zstandard. The store may be in use.

A change that this version cannot read is reported with its revision, and the exit code is 1. The
SHA-256 of the lines is printed: it is equal for two stores with the same history.

Example:
  lupa export history.ndjson.zst";

/// The name of standard output.
const STANDARD_OUTPUT: &str = "-";

/// Only the owner may read it: it holds the same personal data as the store.
const FILE_MODE: u32 = 0o600;

/// Arguments of `lupa export`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ExportArgs {
    /// The new file; it must not exist. `-` is standard output
    to: PathBuf,
    /// The store: a file or a URL [default: the configured store]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

pub(super) async fn run(args: ExportArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let config = global.load_config()?.config;
    let work = move || export(args, &config);
    task::spawn_blocking(work).await.map_err(|_| CommandFailure::Internal("the work was interrupted"))?
}

fn export(ExportArgs { to, store }: ExportArgs, config: &Config) -> Result<Exit, CommandFailure> {
    let store = open(&place(store, config), config, StoreAccess::Shared)?;
    let not_written = |error| match to.to_str() {
        Some(STANDARD_OUTPUT) => CommandFailure::Output(error),
        _ => CommandFailure::Written(to.display().to_string(), error),
    };
    let mut file = ExportFile::create(&to).map_err(not_written)?;
    let exported = match write(&store, &mut file) {
        Ok(exported) => file.finish().map(|()| exported).map_err(not_written),
        Err(ExportFault::Read(error)) => Err(failed(error)),
        Err(ExportFault::Write(error)) => Err(not_written(error)),
    };
    if exported.is_err() && to != Path::new(STANDARD_OUTPUT) {
        // A part of a history is worse than none: denials may be missing.
        drop(fs::remove_file(&to));
    }
    let ExportSummary { lines, unreadable, digest } = exported?;
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    note(&format!("exported {} lines, SHA-256 of the lines {digest}\n", HumanCount(lines)));
    Ok(if unreadable == 0 { Exit::Success } else { Exit::Negative })
}

/// What was exported.
struct ExportSummary {
    lines: u64,
    unreadable: u64,
    /// SHA-256 of the lines before they are compressed: equal for stores with the same history.
    digest: [u8; 32],
}

enum ExportFault {
    Read(ReadError),
    Write(io::Error),
}

fn write(store: &Store, to: &mut impl Write) -> Result<ExportSummary, ExportFault> {
    let bar = bar_of_changes(store.count().map_err(ExportFault::Read)?);
    let (mut lines, mut unreadable, mut fault) = (0, 0, None);
    let (mut digest, mut line) = (Sha256::new(), Vec::new());
    let progress = &mut |Revision(at)| bar.set_position(at);
    let exported = store.export(progress, &mut |exported| {
        match exported {
            Exported::Unreadable(revision) => {
                unreadable += 1;
                let message = format!("revision {revision} cannot be read and is not exported\n");
                bar.suspend(|| note(&message));
            }
            Exported::Entry(entry) => {
                lines += 1;
                line.clear();
                let written =
                    serde_json::to_writer(&mut line, &to_history_line(&entry)).map_err(io::Error::from);
                line.push(b'\n');
                digest.update(&line);
                fault = written.and_then(|()| to.write_all(&line)).err();
            }
        }
        fault.is_none()
    });
    bar.finish_and_clear();
    exported.map_err(ExportFault::Read)?;
    match fault {
        Some(error) => Err(ExportFault::Write(error)),
        None => Ok(ExportSummary { lines, unreadable, digest: digest.finalize().into() }),
    }
}

/// A file that is written, compressed or not.
enum ExportFile {
    Plain(BufWriter<File>),
    Zstd(zstd::stream::write::Encoder<'static, BufWriter<File>>),
    Output(BufWriter<io::Stdout>),
}

impl ExportFile {
    fn create(path: &Path) -> io::Result<Self> {
        if path == Path::new(STANDARD_OUTPUT) {
            return Ok(Self::Output(BufWriter::new(io::stdout())));
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
        let file = BufWriter::with_capacity(1 << 20, file);
        if path.extension().is_some_and(|extension| extension == "zst") {
            zstd::stream::write::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL).map(Self::Zstd)
        } else {
            Ok(Self::Plain(file))
        }
    }

    fn finish(self) -> io::Result<()> {
        let file = match self {
            Self::Output(mut output) => return output.flush(),
            Self::Plain(file) => file,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

impl Write for ExportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Zstd(file) => file.write(bytes),
            Self::Output(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Zstd(file) => file.flush(),
            Self::Output(output) => output.flush(),
        }
    }
}
