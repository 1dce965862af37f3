//! The `lupa` binary.

use std::process::ExitCode;

use clap::Parser;
use lupa::cli::{self, Cli, Exit};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads could be started ({error}): free some memory or raise the limits");
            return Exit::Internal.into();
        }
    };
    match runtime.block_on(cli::run(cli)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprint!("{}", failure.told());
            failure.exit().into()
        }
    }
}
