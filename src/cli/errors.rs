//! `lupa errors`: the reasons of error responses.

use clap::Args;
use serde_json::json;

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::terminal::Terminal;
use crate::wire::error::{self, DescribedReason};

/// Arguments of `lupa errors`.
#[derive(Debug, Args)]
#[command(after_help = "\
A response with an error has its reason in ErrorInfo.reason, and other commands print it as `code`.

Example:
  lupa errors | grep -A 2 OUTCOME_UNKNOWN")]
pub struct ErrorsArgs {
    /// Print a table in Markdown, as in docs/errors.md
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub(super) fn run(args: &ErrorsArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let terminal = Terminal::detect();
    let reasons = error::described();
    if args.markdown {
        terminal.show(&error::markdown())?;
    } else if global.json {
        let reasons: Vec<_> = reasons.iter().map(in_json).collect();
        terminal.show_json(&reasons)?;
    } else {
        terminal.show(&reasons.iter().map(|reason| paragraphs(terminal, reason)).collect::<String>())?;
    }
    Ok(Exit::Success)
}

fn in_json(reason: &DescribedReason) -> serde_json::Value {
    let DescribedReason { reason, code, meaning, action } = reason;
    json!({ "reason": reason, "code": code, "meaning": meaning, "action": action })
}

/// The reason and the code, and below them the meaning and what to do.
fn paragraphs(terminal: Terminal, reason: &DescribedReason) -> String {
    let DescribedReason { reason, code, meaning, action } = reason;
    let (meaning, action) = (terminal.paragraph("    ", meaning), terminal.paragraph("    do: ", action));
    format!("{reason} ({code})\n{meaning}{action}")
}
