//! `lupa print`: prints a copy of the consents or a summary of the denials for the client.

use clap::Args;

use super::Global;
use super::code::code;
use super::connection;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::names::parser;
use super::parties::{DeclarerArgs, ProfessionalArgs, Service, viewer_required};
use super::question::client_id;
use super::refusal::ServerRefusal;
use super::terminal::Terminal;
use crate::wire::v1;

const AFTER_HELP: &str = "\
A person may receive a printout of the declarations that they may give for the client. A summary of
the denials must name who prints it: MyKanta, or a professional, who prints the denials of their own
sector or of both. The guardian of a minor receives the denials of healthcare from a professional of
healthcare, and all consents except the one to wellbeing data. Printing denials is logged as a viewing.

Examples:
  lupa print --client 010181-900C --sector both --document denials --language sv \\
    --role client --printed-by my-kanta
  lupa print --client 010181-900C --sector healthcare --document consents --html --role client";

/// Arguments of `lupa print`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct PrintArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE", value_parser = code)]
    client: String,
    /// The sector of the data; both: one summary of all denials
    #[arg(long, value_parser = parser::<v1::Sector>())]
    sector: v1::Sector,
    /// The document to print
    #[arg(long, value_parser = parser::<v1::Document>())]
    document: v1::Document,
    /// The language of the printout
    #[arg(long, value_parser = ["fi", "sv", "en"], default_value = "fi")]
    language: String,
    /// Print HTML instead of plain text
    #[arg(long)]
    html: bool,
    /// Printed in the client's own service; otherwise name the professional. Required for denials
    #[arg(long, value_name = "SERVICE", conflicts_with = "professional_register")]
    printed_by: Option<Service>,
    #[command(flatten)]
    requested_by: DeclarerArgs,
    #[command(flatten)]
    professional: ProfessionalArgs,
}

pub(super) async fn run(args: PrintArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let PrintArgs { client, sector, document, language, html, printed_by, requested_by, professional } = args;
    let printed_by = professional.or_service(printed_by);
    match document {
        v1::Document::Consents if sector == v1::Sector::Both => {
            return Err(CommandFailure::Usage(
                "a copy of the consents covers one sector: write --sector healthcare or --sector social-welfare"
                    .to_owned(),
            ));
        }
        v1::Document::Denials if printed_by.is_none() => return Err(viewer_required("--printed-by")),
        v1::Document::Unspecified | v1::Document::Consents | v1::Document::Denials => {}
    }
    let format = if html { v1::Format::Html } else { v1::Format::Text };
    let request = v1::PrintDeclarationsRequest {
        client: Some(client_id(client)),
        sector: sector.into(),
        document: document.into(),
        language,
        format: format.into(),
        requested_by: requested_by.into_declarer(),
        printed_by,
    };
    let mut service = connection::declarations(global).await?;
    let printout = service.print_declarations(request).await.map_err(ServerRefusal::of)?.into_inner();
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&printout)?;
    } else {
        let end = if printout.rendered.ends_with('\n') { "" } else { "\n" };
        terminal.show(&format!("{}{end}", printout.rendered))?;
    }
    Ok(Exit::Success)
}
