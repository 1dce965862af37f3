//! `lupa directory`: checks, loads and shows the organisations and registers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Global;
use super::connection;
use super::document::Fault;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::input::{Input, InputFault};
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use crate::wire::directory::{directory, to_violation};
use crate::wire::v1;
use crate::wire::violation::{InvalidRequest, Violation};

/// The commands of `lupa directory`.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Check a file without a server: print every fault with its line
    Check(CheckArgs),
    /// Replace the directory of the server with a file; a file with faults is rejected as a whole
    Load(LoadArgs),
    /// Show the directory of the server; the output of --json can be edited and loaded again
    Show,
}

/// Arguments of `lupa directory check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1: the file has faults. Loose ends, such as a successor that is not in the directory, are
reported but are not faults: nothing is permitted because of them."
)]
pub struct CheckArgs {
    /// A Directory in YAML or JSON; `-` reads standard input
    file: PathBuf,
}

/// Arguments of `lupa directory load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// A Directory in YAML or JSON; `-` reads standard input
    file: PathBuf,
    /// Replace only the directory with this token, as `lupa directory show` printed it; abort if another one has
    /// come into force since
    #[arg(long, value_name = "TOKEN")]
    expect_token: Option<String>,
    /// Have the server check everything and store nothing
    #[arg(long)]
    validate_only: bool,
}

pub(super) async fn run(command: DirectoryCommand, global: &Global) -> Result<Exit, CommandFailure> {
    match command {
        DirectoryCommand::Check(args) => check(&args, global),
        DirectoryCommand::Load(args) => load(&args, global).await,
        DirectoryCommand::Show => show(global).await,
    }
}

fn check(args: &CheckArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let file = match Input::read(&args.file) {
        Err(InputFault::Invalid(name, faults)) => return print_faults(&name, &faults, global),
        read => read?,
    };
    let message: v1::Directory = match file.parse() {
        Err(InputFault::Invalid(name, faults)) => return print_faults(&name, &faults, global),
        read => read?,
    };
    let place = |violation: Violation| file.fault(&violation.field, violation.description);
    let directory = match directory(&message) {
        Err(InvalidRequest { violations }) => {
            let faults: Vec<Fault> = violations.into_iter().map(place).collect();
            return print_faults(&file.name, &faults, global);
        }
        Ok(directory) => directory,
    };
    let terminal = Terminal::detect();
    let loose_ends: Vec<Fault> = directory.loose_ends().iter().map(|end| place(to_violation(end))).collect();
    if global.json {
        terminal
            .show_json(&serde_json::json!({ "faults": [], "loose_ends": lines(&file.name, &loose_ends) }))?;
        return Ok(Exit::Success);
    }
    let loose: String =
        lines(&file.name, &loose_ends).iter().map(|end| format!("{end} (a loose end)\n")).collect();
    terminal.show(&format!(
        "{loose}{} organisations, {} registers and {} outsourcing relations: no faults\n",
        message.organisations.len(),
        message.registers.len(),
        message.outsourcing.len()
    ))?;
    Ok(Exit::Success)
}

fn print_faults(file: &str, faults: &[Fault], global: &Global) -> Result<Exit, CommandFailure> {
    let terminal = Terminal::detect();
    let lines = lines(file, faults);
    if global.json {
        terminal.show_json(&serde_json::json!({ "faults": lines, "loose_ends": [] }))?;
    } else {
        terminal.show(&format!("{}\n{}: {} faults\n", lines.join("\n"), file, lines.len()))?;
    }
    Ok(Exit::Negative)
}

fn lines(file: &str, faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| fault.in_file(file)).collect()
}

async fn load(args: &LoadArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let file = Input::read(&args.file)?;
    let directory: v1::Directory = file.parse()?;
    let outcome = if args.validate_only { "have no faults; nothing was stored" } else { "are in force" };
    let summary = format!(
        "{} organisations, {} registers and {} outsourcing relations {outcome}",
        directory.organisations.len(),
        directory.registers.len(),
        directory.outsourcing.len()
    );
    let mut service = connection::directory(global).await?;
    let request = v1::ReplaceDirectoryRequest {
        directory: Some(directory),
        expected_token: args.expect_token.clone().unwrap_or_default(),
        validate_only: args.validate_only,
    };
    let replaced = service.replace_directory(request).await;
    let replaced =
        replaced.map_err(|status| ServerRefusal::of_file(status, Some(&file), "directory"))?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&replaced)?;
    } else if args.validate_only {
        terminal.show(&format!("{summary}\n"))?;
    } else {
        terminal.show(&format!("{summary}\ntoken  {}\n", replaced.token))?;
    }
    Ok(Exit::Success)
}

async fn show(global: &Global) -> Result<Exit, CommandFailure> {
    let mut service = connection::directory(global).await?;
    let response =
        service.get_directory(v1::GetDirectoryRequest {}).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    let directory = response.directory.unwrap_or_default();
    if global.json {
        terminal.show_json(&directory)?;
    } else {
        show_tables(terminal, &directory)?;
        terminal.show(&format!("\ntoken  {}\n", response.token))?;
    }
    Ok(Exit::Success)
}

fn show_tables(terminal: Terminal, directory: &v1::Directory) -> Result<(), CommandFailure> {
    let header = ["organisation", "name", "kind", "successor", "carries former denials"];
    let mut organisations = terminal.table(header);
    for one in &directory.organisations {
        let kind = one.kind().as_str_name().trim_start_matches("ORGANISATION_KIND_");
        let name = names(&one.name, &one.name_sv, &one.name_en);
        let carries = if one.carries_former_denials { "yes" } else { "" };
        organisations.add_row([one.oid.as_str(), &name, kind, one.successor.as_str(), carries]);
    }
    terminal.show_table(organisations, "\n")?;
    let mut registers = terminal.table(["register", "name", "kind", "controller", "joined Kanta"]);
    for one in &directory.registers {
        let kind = one.kind().as_str_name().trim_start_matches("REGISTER_KIND_");
        registers.add_row([
            one.oid.as_str(),
            &names(&one.name, &one.name_sv, &one.name_en),
            kind,
            one.controller.as_str(),
            one.joined_kanta_on.as_str(),
        ]);
    }
    terminal.show_table(registers, "\n")?;
    let mut outsourcing = terminal.table(["organiser's register", "producer", "from", "until"]);
    for one in &directory.outsourcing {
        outsourcing.add_row([
            one.organiser_register.as_str(),
            one.producer.as_str(),
            one.valid_from.as_str(),
            one.valid_until.as_str(),
        ]);
    }
    if directory.outsourcing.is_empty() { Ok(()) } else { terminal.show_table(outsourcing, "") }
}

/// The Finnish name, and the Swedish and English ones in brackets if there are any.
fn names(fi: &str, sv: &str, en: &str) -> String {
    let others: Vec<String> = [("sv", sv), ("en", en)]
        .into_iter()
        .filter(|(_, name)| !name.is_empty())
        .map(|(language, name)| format!("{language}: {name}"))
        .collect();
    if others.is_empty() { fi.to_owned() } else { format!("{fi} ({})", others.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printed_in_each_language_that_has_one() {
        assert_eq!(names("Turku", "", ""), "Turku");
        assert_eq!(names("Turku", "Åbo", ""), "Turku (sv: Åbo)");
        assert_eq!(
            names("Varha", "Egentliga Finland", "Southwest Finland"),
            "Varha (sv: Egentliga Finland; en: Southwest Finland)"
        );
    }
}
