//! The `lupa` binary.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use lupa::cli::terminal::note;
use lupa::cli::{self, Cli, Exit};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
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
    match runtime.block_on(cli::run(cli)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            note(&failure.message());
            failure.exit().into()
        }
    }
}
