//! `lupa declare`: record information, a consent or a denial.

mod consent;
mod denial;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::consent::ConsentArgs;
use self::denial::DenialArgs;
use super::Global;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::input::Input;
use super::names::parser;
use super::parties::{Statement, StatementArgs, new_key};
use super::question::client_id;
use super::refusal::ServerRefusal;
use super::terminal::{Terminal, instant};
use super::words;
use crate::wire::v1;
use crate::wire::v1::declaration::Content;

const AFTER_HELP: &str = "\
Examples:
  lupa declare information --version 2.0 --client 010181-900C --role client \\
    --recorded-by my-kanta
  lupa declare consent --client 010181-900C --kind healthcare --role client --recorded-by my-kanta
  lupa declare denial --client 010181-900C --sector healthcare --service-event visit-1 \\
    --role client --professional-register 1.2.246.10.32213086.19.1 \\
    --professional-organisation 1.2.246.10.32213086.10.0
  lupa declare --file record.yaml";

/// Arguments of `lupa declare`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct DeclareArgs {
    #[command(subcommand)]
    what: Option<DeclareCommand>,
    /// A RecordDeclarationRequest in YAML or JSON instead of a subcommand; `-` reads standard input
    #[arg(long, value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// With --file: repeat the printed key to retry without recording twice [default: the file's, or a new one]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

#[derive(Debug, Subcommand)]
enum DeclareCommand {
    /// The client has received the "Information about the Kanta Services"
    Information(InformationArgs),
    /// The client consents to data sharing
    Consent(ConsentArgs),
    /// The client denies data sharing
    Denial(DenialArgs),
}

#[derive(Debug, Args)]
struct InformationArgs {
    /// The version received, such as 2.0
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// How it was received [default: derived from who records it]
    #[arg(long, value_parser = parser::<v1::Way>())]
    way: Option<v1::Way>,
    #[command(flatten)]
    statement: StatementArgs,
}

pub(super) async fn run(args: DeclareArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let DeclareArgs { what, file, idempotency_key } = args;
    let file = file.as_deref().map(Input::read).transpose()?;
    let request = match (what, &file) {
        (Some(what), _) => what.into_request(),
        (None, Some(file)) => {
            let mut request: v1::RecordDeclarationRequest = file.parse()?;
            if let Some(key) = idempotency_key {
                request.idempotency_key = key;
            } else if request.idempotency_key.is_empty() {
                request.idempotency_key = new_key();
            }
            request
        }
        (None, None) => return Err(CommandFailure::Usage("name what to declare, or a --file".to_owned())),
    };
    let mut service = connection::declarations(global).await?;
    let response = service.record_declaration(request).await;
    let recorded = response.map_err(|status| ServerRefusal::of_file(status, file.as_ref(), ""))?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&recorded)?;
    } else {
        show(terminal, &recorded)?;
    }
    Ok(Exit::Success)
}

fn show(terminal: Terminal, recorded: &v1::RecordDeclarationResponse) -> Result<(), CommandFailure> {
    let v1::RecordDeclarationResponse {
        declaration_id,
        recorded_at,
        token,
        notices,
        replaced_declaration_id,
        effective_everywhere_after,
    } = recorded;
    terminal.show(&format!(
        "declaration  {declaration_id}\nrecorded at  {}\ntoken        {token}\neverywhere   from {}\n",
        instant(recorded_at.as_ref()),
        instant(effective_everywhere_after.as_ref())
    ))?;
    if !replaced_declaration_id.is_empty() {
        terminal.show(&format!("replaced     {replaced_declaration_id}\n"))?;
    }
    show_notices(terminal, notices)
}

/// Prints the notices for the professional.
pub(super) fn show_notices(terminal: Terminal, notices: &[i32]) -> Result<(), CommandFailure> {
    notices.iter().try_for_each(|notice| {
        let notice =
            v1::Notice::try_from(*notice).map_or("a notice that this version does not know", words::notice);
        terminal.show(&format!("notice: {notice}\n"))
    })
}

impl DeclareCommand {
    fn into_request(self) -> v1::RecordDeclarationRequest {
        let (declaration, statement) = match self {
            Self::Information(InformationArgs { version, way, statement }) => {
                let way = way.map(Into::into).unwrap_or_default();
                (Content::Information(v1::Information { version, way }), statement)
            }
            Self::Consent(args) => {
                let (consent, statement) = args.into_consent();
                (Content::Consent(consent), statement)
            }
            Self::Denial(args) => {
                let (denial, statement) = args.into_denial();
                (Content::Denial(denial), statement)
            }
        };
        let Statement { client, given_at, declarer, recorded_by, idempotency_key, wait } =
            statement.into_statement();
        v1::RecordDeclarationRequest {
            client: client.map(client_id),
            declaration: Some(v1::Declaration { content: Some(declaration) }),
            given_at,
            declarer,
            recorded_by,
            idempotency_key,
            wait: wait.into(),
        }
    }
}
