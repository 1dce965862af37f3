//! `lupa callers`: checks a callers file and answers questions about it, without a server.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use comfy_table::Cell;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::terminal::Terminal;
use crate::clock;
use crate::config::{ConfigFault, nearest};
use crate::identity::{
    Caller, CertificateHolder, Current, Identities, IdentityFiles, OrganisationScope, RegisterScope,
    Thumbprint, Verb,
};
use crate::policy::oid::Oid;

/// The commands of `lupa callers`.
#[derive(Debug, Subcommand)]
pub enum CallersCommand {
    /// Check a callers file and the files that it names: print every fault with its line
    Check(CallersCheckArgs),
    /// Print which caller a certificate or a token names, or why it names none
    Who(CallersWhoArgs),
    /// Print whether a caller has a verb, for a register
    May(CallersMayArgs),
}

/// Arguments of `lupa callers check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1: the file has faults. CRLs and CAs that have expired are reported but are not
faults: the certificates that depend on them are refused.

Example:
  lupa callers check callers.toml"
)]
pub struct CallersCheckArgs {
    /// The callers file; the files that it names are read too
    file: PathBuf,
}

/// Arguments of `lupa callers who`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --token, --certificate is that of the connection on which the token is sent: a token is bound to it.

Exit code 1: no caller.

Examples:
  lupa callers who callers.toml --certificate emr.pem
  lupa callers who callers.toml --token emr.jwt --certificate emr.pem")]
pub struct CallersWhoArgs {
    /// The callers file
    file: PathBuf,
    /// The certificate of a caller or proxy in PEM, with its intermediate certificates after it
    #[arg(long, value_name = "PEM", required_unless_present = "token")]
    certificate: Option<PathBuf>,
    /// A bearer token in a file
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

/// Arguments of `lupa callers may`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code 1: it may not.

Examples:
  lupa callers may callers.toml county-emr decide
  lupa callers may callers.toml county-emr decide 1.2.246.10.32213086.19.1 --controller 1.2.246.10.32213086.10.0")]
pub struct CallersMayArgs {
    /// The callers file
    file: PathBuf,
    /// The name of the caller
    name: String,
    /// The verb, such as decide
    #[arg(value_parser = verb)]
    verb: Verb,
    /// The OID of a register
    #[arg(value_parser = oid)]
    register: Option<Oid<'static>>,
    /// The OID of the organisation that controls the register, for a caller of registers "by-controller"
    #[arg(long, value_name = "OID", value_parser = oid, requires = "register")]
    controller: Option<Oid<'static>>,
}

pub(super) fn run(command: &CallersCommand, global: &Global) -> Result<Exit, CommandFailure> {
    match command {
        CallersCommand::Check(args) => check(args, global),
        CallersCommand::Who(args) => who(args, global),
        CallersCommand::May(args) => may(args, global),
    }
}

fn open(file: &Path) -> Result<(Identities, Vec<ConfigFault>), Vec<ConfigFault>> {
    let files = IdentityFiles { server: None, callers: file.to_owned(), is_certificate_optional: true };
    Identities::open(files, clock::now())
}

fn check(args: &CallersCheckArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let terminal = Terminal::detect();
    let (identities, warnings) = match open(&args.file) {
        Ok(opened) => opened,
        Err(faults) => return print_faults(terminal, &args.file, &faults, global),
    };
    let current = identities.current();
    let warnings = lines(&warnings);
    if global.json {
        let callers: Vec<_> = current.callers().iter().map(|caller| in_json(&current, caller)).collect();
        terminal.show_json(&json!({ "faults": [], "warnings": warnings, "callers": callers }))?;
        return Ok(Exit::Success);
    }
    let mut table = terminal.table(["caller", "known by", "verbs", "organisations", "registers", "details"]);
    for caller in current.callers() {
        table.add_row([
            Cell::new(&caller.name),
            Cell::new(current.known_by(caller).join("; ")),
            Cell::new(words(caller).join(", ")),
            Cell::new(organisations(caller)),
            Cell::new(registers(caller)),
            Cell::new(if caller.details { "yes" } else { "" }),
        ]);
    }
    let warnings: String = warnings.iter().map(|warning| format!("{warning} (a warning)\n")).collect();
    let (callers, proxies) = (current.callers().len(), current.proxies().len());
    terminal
        .show_table(table, &format!("\n{warnings}{callers} callers and {proxies} proxies: no faults\n"))?;
    Ok(Exit::Success)
}

fn print_faults(
    terminal: Terminal,
    file: &Path,
    faults: &[ConfigFault],
    global: &Global,
) -> Result<Exit, CommandFailure> {
    let lines = lines(faults);
    if global.json {
        terminal.show_json(&json!({ "faults": lines, "warnings": [], "callers": [] }))?;
    } else {
        terminal.show(&format!("{}\n{}: {} faults\n", lines.join("\n"), file.display(), lines.len()))?;
    }
    Ok(Exit::Negative)
}

fn lines(faults: &[ConfigFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn who(args: &CallersWhoArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let (identities, _) = open(&args.file).map_err(CommandFailure::Config)?;
    let current = identities.current();
    let now = clock::now();
    let chain = args.certificate.as_deref().map(chain).transpose()?;
    let found = if let Some(path) = &args.token {
        let token = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        let thumbprint = match &chain {
            // A token is bound to a certificate that the handshake accepts.
            Some(chain) => current.verified(chain, now).map(|certificate| Some(certificate.thumbprint)),
            None => Ok(None),
        };
        thumbprint.map_err(|refusal| refusal.to_string()).and_then(|thumbprint: Option<Thumbprint>| {
            let identity = current.of_token(token.trim(), thumbprint.as_ref(), now);
            identity.map(|one| ("caller", one.caller.name.to_string())).map_err(|refusal| refusal.to_string())
        })
    } else {
        current
            .of_certificates(&chain.unwrap_or_default(), now)
            .map(|one| match &one.holder {
                CertificateHolder::Caller(caller) => ("caller", caller.name.to_string()),
                CertificateHolder::Proxy(proxy) => ("proxy", proxy.name.to_string()),
            })
            .map_err(|refusal| refusal.to_string())
    };
    let terminal = Terminal::detect();
    match found {
        Ok((kind, name)) if global.json => terminal.show_json(&json!({ kind: name }))?,
        Ok((kind, name)) => terminal.show(&format!("{kind}  {name}\n"))?,
        Err(refusal) => {
            if global.json {
                terminal.show_json(&json!({ "refused": refusal }))?;
            } else {
                terminal.show(&format!("no caller: {refusal}\n"))?;
            }
            return Ok(Exit::Negative);
        }
    }
    Ok(Exit::Success)
}

fn may(args: &CallersMayArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let CallersMayArgs { file, name, verb, register, controller } = args;
    let (identities, _) = open(file).map_err(CommandFailure::Config)?;
    let current = identities.current();
    let Some(caller) = current.caller(name) else {
        let names = current.callers().iter().map(|caller| &*caller.name);
        let instead = match nearest(name, names) {
            Some(near) => format!("did you mean {near}?"),
            None => "`lupa callers check` lists them".to_owned(),
        };
        return Err(CommandFailure::Usage(format!("no caller of the file has this name; {instead}")));
    };
    let has_verb = caller.may(*verb);
    let of_register =
        register.as_ref().map(|register| caller.may_ask_for_register(register, controller.as_ref()));
    let may = has_verb && of_register.unwrap_or(true);
    let why = match (has_verb, of_register) {
        (false, _) => format!("its verbs are {}", words(caller).join(", ")),
        (true, Some(false)) => format!("its registers are {}", registers(caller)),
        (true, Some(true) | None) => "verb and registers permit it".to_owned(),
    };
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&json!({ "may": may, "why": why }))?;
    } else {
        terminal.show(&format!("{}: {why}\n", if may { "yes" } else { "no" }))?;
    }
    Ok(if may { Exit::Success } else { Exit::Negative })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CommandFailure> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, error))?;
    let chain = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    if chain.is_empty() {
        let message = format!("{} has no certificate in PEM: name another file", path.display());
        return Err(CommandFailure::Usage(message));
    }
    Ok(chain)
}

fn unreadable(path: &Path, error: std::io::Error) -> CommandFailure {
    CommandFailure::File(path.display().to_string(), error)
}

fn in_json(current: &Current, caller: &Caller) -> serde_json::Value {
    json!({
        "name": *caller.name,
        "known_by": current.known_by(caller),
        "verbs": words(caller),
        "organisations": organisations(caller),
        "registers": registers(caller),
        "details": caller.details,
    })
}

fn words(caller: &Caller) -> Vec<&'static str> {
    caller.verbs().iter().map(Verb::word).collect()
}

fn organisations(caller: &Caller) -> String {
    match caller.organisations() {
        OrganisationScope::Any => "any".to_owned(),
        OrganisationScope::Listed(oids) => listed(oids),
    }
}

fn registers(caller: &Caller) -> String {
    match caller.registers() {
        RegisterScope::Any => "any".to_owned(),
        RegisterScope::Listed(oids) => listed(oids),
        RegisterScope::ByController => {
            format!("those whose controller is one of its organisations ({})", organisations(caller))
        }
    }
}

fn listed<'o>(oids: impl IntoIterator<Item = &'o Oid<'static>>) -> String {
    let mut oids: Vec<&str> = oids.into_iter().map(Oid::as_str).collect();
    oids.sort_unstable();
    oids.join(", ")
}

fn verb(word: &str) -> Result<Verb, String> {
    let words = Verb::ALL.map(Verb::word);
    Verb::of_word(word).ok_or_else(|| match nearest(word, words) {
        Some(near) => format!("no such verb; did you mean {near}?"),
        None => format!("no such verb; the verbs are {}", words.join(", ")),
    })
}

fn oid(text: &str) -> Result<Oid<'static>, String> {
    Oid::parse(text.to_owned()).map_err(|invalid| invalid.to_string())
}
