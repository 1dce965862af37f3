//! `lupa explain`: every rule that was evaluated for one record.

use std::path::PathBuf;

use clap::Args;
use comfy_table::Table;

use super::Global;
use super::connection;
use super::declarations;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::input::Input;
use super::names::label;
use super::question::{QUESTION, QuestionArgs};
use super::refusal::ServerRefusal;
use super::rules::Sources;
use super::terminal::{Terminal, instant};
use super::words;
use crate::wire::v1;

const AFTER_HELP: &str = "\
Example:
  lupa explain --client 010181-900C --requester 1.2.246.10.99999999.5.1 --channel kanta \\
    --ground care --access-right \\
    --record id=rx-1,register=1.2.246.10.32213086.19.1,kind=prescription,recorded-on=2026-09-14";

/// Arguments of `lupa explain`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ExplainArgs {
    /// A DecideRequest with one record in YAML or JSON instead of arguments; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = QUESTION)]
    file: Option<PathBuf>,
    #[command(flatten)]
    question: QuestionArgs,
}

pub(super) async fn run(args: ExplainArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let ExplainArgs { question, file } = args;
    let file = file.as_deref().map(Input::read).transpose()?;
    let decide = match &file {
        Some(file) => file.parse()?,
        None => question.into_request(),
    };
    let mut client = connection::decisions(global).await?;
    let response = client.explain(v1::ExplainRequest { decide: Some(decide) }).await;
    let explanation =
        response.map_err(|status| ServerRefusal::of_file(status, file.as_ref(), "decide"))?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&explanation)?;
    } else {
        show(terminal, &explanation)?;
    }
    Ok(Exit::Success)
}

fn show(terminal: Terminal, explanation: &v1::ExplainResponse) -> Result<(), CommandFailure> {
    if let Some(verdict) = &explanation.verdict {
        terminal.show(&format!(
            "{} {}: {}\n\n",
            label::<v1::Effect>(verdict.effect),
            label::<v1::Reason>(verdict.reason),
            words::why(verdict),
        ))?;
    }
    let mut sources = Sources::default();
    let rules = explanation.rules.iter().enumerate();
    let rules: String =
        rules.map(|(at, explained)| paragraphs(terminal, at + 1, explained, &mut sources)).collect();
    terminal.show(&format!(
        "{rules}\n✓ permits   ✗ denies   · no match   - not in force   (no mark) not reached\n\n{}\n",
        sources.legend(terminal)
    ))?;
    let deciding = explanation.verdict.as_ref().map(|verdict| verdict.details().declarations.as_slice());
    let deciding = deciding.unwrap_or_default();
    if explanation.declarations.is_empty() {
        terminal.show("The client has no declarations that the requester's sector may view.\n")?;
    } else {
        let mut table = declarations::table(terminal, &explanation.declarations, "not withdrawn");
        mark_deciding(&mut table, &explanation.declarations, deciding);
        terminal.show_table(table, "")?;
    }
    for next in &explanation.next {
        terminal.show(&format!("\n{}\n", next.explanation))?;
    }
    terminal.show(&format!(
        "\ndecision    {}\ndecided at  {}\ntoken       {}\nrules       {}\n",
        explanation.decision_id,
        instant(explanation.decided_at.as_ref()),
        explanation.token,
        explanation.catalogue_version,
    ))
}

/// Adds a column that marks the deciding declarations.
fn mark_deciding(table: &mut Table, declarations: &[v1::StoredDeclaration], deciding: &[String]) {
    if let Some(mut header) = table.header().cloned() {
        header.add_cell("decides".into());
        table.set_header(header);
    }
    for (row, stored) in table.row_iter_mut().zip(declarations) {
        let mark = if deciding.contains(&stored.id) { "yes" } else { "" };
        row.add_cell(mark.into());
    }
}

/// A rule, its finding, and the numbers of its sources.
fn paragraphs(
    terminal: Terminal,
    place: usize,
    explained: &v1::ExplainedRule,
    sources: &mut Sources,
) -> String {
    let rule = explained.rule.clone().unwrap_or_default();
    let line = |mark: &str| {
        terminal.paragraph(&format!(" {mark} {place:>2}. "), &format!("{}: {}", rule.id, rule.title))
    };
    let mut finding = || {
        let numbers = sources.numbers(&rule.sources);
        terminal.paragraph("       ", &format!("{} [{numbers}]", explained.explanation))
    };
    match explained.finding() {
        v1::Finding::Decided if explained.effect() == v1::Effect::Permit => line("✓") + &finding(),
        v1::Finding::Decided => line("✗") + &finding(),
        v1::Finding::Silent => line("·") + &finding(),
        v1::Finding::NotInForce => line("-") + &finding(),
        v1::Finding::NotReached | v1::Finding::Unspecified => line(" "),
    }
}
