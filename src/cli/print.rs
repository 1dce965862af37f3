//! `lupa print`: a copy of the consents or a summary of the denials, for the client.

use clap::Args;

use super::Global;
use super::connection;
use super::failure::{Exit, Failure};
use super::names::parser;
use super::parties::{DeclarerArgs, ProfessionalArgs, Service};
use super::question::client_id;
use super::refusal::Refusal;
use super::terminal::Terminal;
use crate::wire::v1;

const AFTER_HELP: &str = "\
Example:
  lupa print --client 010181-900C --sector healthcare --document denials --language en \\
    --role client --printed-by my-kanta";

/// Arguments of `lupa print`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct PrintArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE")]
    client: String,
    /// Whose data it concerns
    #[arg(long, value_parser = ["healthcare", "social-welfare"])]
    sector: String,
    /// What to print
    #[arg(long, value_parser = parser::<v1::Document>())]
    document: v1::Document,
    /// In which language
    #[arg(long, value_parser = ["fi", "sv", "en"], default_value = "fi")]
    language: String,
    /// A page of HTML instead of plain text
    #[arg(long)]
    html: bool,
    /// Printed in the client's own service; otherwise name the professional
    #[arg(long, value_name = "SERVICE", conflicts_with = "professional_register")]
    printed_by: Option<Service>,
    #[command(flatten)]
    requested_by: DeclarerArgs,
    #[command(flatten)]
    professional: ProfessionalArgs,
}

pub(super) async fn run(args: PrintArgs, global: &Global) -> Result<Exit, Failure> {
    let PrintArgs { client, sector, document, language, html, printed_by, requested_by, professional } = args;
    let sector = super::names::parse::<v1::Sector>(&sector).map_err(Failure::Usage)?;
    let format = if html { v1::Format::Html } else { v1::Format::Text };
    let request = v1::PrintRequest {
        client: Some(client_id(client)),
        sector: sector.into(),
        document: document.into(),
        language,
        format: format.into(),
        requested_by: requested_by.into_declarer(),
        printed_by: professional.or_service(printed_by),
    };
    let mut service = connection::declarations(&global.server).await?;
    let printout = service.print(request).await.map_err(Refusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&printout)?;
    } else {
        let end = if printout.rendered.ends_with('\n') { "" } else { "\n" };
        terminal.show(&format!("{}{end}", printout.rendered))?;
    }
    Ok(Exit::Success)
}
