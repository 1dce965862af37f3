//! `lupa list`: a client's declarations.

use clap::Args;

use super::Global;
use super::connection;
use super::declarations;
use super::failure::{Exit, Failure};
use super::names::parser;
use super::parties::{ProfessionalArgs, Service};
use super::question::client_id;
use super::refusal::Refusal;
use super::terminal::Terminal;
use crate::wire::v1;

const AFTER_HELP: &str = "\
Denials may be viewed for three purposes only, and each viewing is logged.

Examples:
  lupa list --client 010181-900C --kind consent --kind information
  lupa list --client 010181-900C --viewing-purpose client-changes-denials --viewed-by my-kanta";

/// More pages of one client are not read.
const PAGES_MAX: usize = 1000;

/// Arguments of `lupa list`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ListArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE")]
    client: String,
    /// Only this kind; can be repeated [default: every kind]
    #[arg(long = "kind", value_name = "KIND", value_parser = parser::<v1::Kind>())]
    kinds: Vec<v1::Kind>,
    /// Also withdrawn and replaced ones
    #[arg(long)]
    include_ended: bool,
    /// Why denials are viewed; without it, leave denials out with --kind
    #[arg(long, value_name = "PURPOSE", value_parser = parser::<v1::ViewingPurpose>())]
    viewing_purpose: Option<v1::ViewingPurpose>,
    /// Viewed in the client's own service; otherwise name the professional
    #[arg(long, value_name = "SERVICE", conflicts_with = "professional_register")]
    viewed_by: Option<Service>,
    #[command(flatten)]
    professional: ProfessionalArgs,
}

pub(super) async fn run(args: ListArgs, global: &Global) -> Result<Exit, Failure> {
    let ListArgs { client, kinds, include_ended, viewing_purpose, viewed_by, professional } = args;
    let mut request = v1::ListRequest {
        client: Some(client_id(client)),
        kinds: kinds.into_iter().map(Into::into).collect(),
        include_ended,
        viewing_purpose: viewing_purpose.map(Into::into).unwrap_or_default(),
        viewer: professional.or_service(viewed_by),
        page_size: 0,
        page_token: String::new(),
    };
    let mut service = connection::declarations(&global.server).await?;
    let mut listed = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = service.list(request.clone()).await.map_err(Refusal::of)?.into_inner();
        listed.extend(page.declarations);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let response = v1::ListResponse { declarations: listed, next_page_token: request.page_token };
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&response)?;
    } else if response.declarations.is_empty() {
        terminal.show("No declarations.\n")?;
    } else {
        let unended = if include_ended { "not withdrawn" } else { "in force" };
        let more = if response.next_page_token.is_empty() { "" } else { "There are more.\n" };
        terminal.show_table(declarations::table(terminal, &response.declarations, unended), more)?;
    }
    Ok(Exit::Success)
}
