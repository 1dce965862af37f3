//! `lupa completions`: completion scripts.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::terminal::Terminal;

const AFTER_HELP: &str = "\
Example:
  lupa completions bash > ~/.local/share/bash-completion/completions/lupa";

/// Arguments of `lupa completions`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, CommandFailure> {
    let shell: Shell = args.shell.parse().map_err(CommandFailure::Usage)?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lupa", &mut script);
    Terminal::detect().show(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
