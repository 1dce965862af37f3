//! The `lupa` binary.

#![forbid(unsafe_code)]
#![deny(clippy::print_stderr, clippy::print_stdout)]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use lupa::cli::terminal::note;
use lupa::cli::{self, Cli, Exit};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long the process waits for threads that still work when its command has ended.
const THREADS_END_WITHIN: Duration = Duration::from_secs(1);

/// Personal data is in memory: no core dump has it, and only root may read it from another process.
fn protect_memory() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        note(&format!("warning: the memory of lupa can be dumped: {error}\n"));
    }
}

fn main() -> ExitCode {
    protect_memory();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note(&format!(
                "error: cannot start threads ({error}): free some memory or raise the limit of threads\n"
            ));
            return Exit::Internal.into();
        }
    };
    let result = runtime.block_on(cli::run(cli));
    // A thread may hang in a read of a failing disk, or still check a large store.
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            note(&failure.message());
            failure.exit().into()
        }
    }
}
