//! The arguments that `decide`, `explain` and `simulate` have in common.

mod claim;
mod pairs;
mod record;

use clap::{Args, ValueEnum};

use super::code::code;
use super::names::parser;
use crate::wire::v1;

/// The arguments of a `DecideRequest`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
pub(super) struct QuestionArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE", value_parser = code, required = true)]
    client: Option<String>,
    /// OID of the register on whose behalf data is read
    #[arg(long, value_name = "OID", required = true)]
    requester: Option<String>,
    /// OID of the requester's organisation, for the log
    #[arg(long, value_name = "OID")]
    organisation: Option<String>,
    /// Name or id of the professional, for the log
    #[arg(long, value_name = "NAME")]
    professional: Option<String>,
    /// The channel through which the data is shared
    #[arg(long, value_parser = parser::<v1::Channel>(), required = true)]
    channel: Option<v1::Channel>,
    /// Why the professional handles the client's data; without it every record is denied
    #[arg(long)]
    ground: Option<GroundArg>,
    /// The professional has the access right to the data; without it every record is denied
    #[arg(long)]
    access_right: bool,
    /// A legal ground asserted instead of consent; can be repeated
    #[arg(long = "claim", value_name = "NAME[:KEY=VALUE,…]", value_parser = claim::parse, long_help = claim::HELP)]
    claims: Vec<v1::Claim>,
    /// A requested record; can be repeated
    #[arg(
        long = "record",
        value_name = "KEY=VALUE,…",
        value_parser = record::parse,
        required = true,
        long_help = record::HELP
    )]
    records: Vec<v1::Record>,
    /// Revision token: decide at this revision or a later one
    #[arg(long, value_name = "TOKEN")]
    at_least: Option<String>,
}

/// Why the professional handles the client's data.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GroundArg {
    /// A care relationship
    Care,
    /// A client relationship
    Client,
    /// Another justified ground
    Other,
}

/// The arguments that conflict with a file.
pub(super) const QUESTION: [&str; 10] = [
    "client",
    "requester",
    "organisation",
    "professional",
    "channel",
    "ground",
    "access_right",
    "claims",
    "records",
    "at_least",
];

impl QuestionArgs {
    pub(super) fn into_request(self) -> v1::DecideRequest {
        let Self {
            client,
            requester,
            organisation,
            professional,
            channel,
            ground,
            access_right,
            claims,
            records,
            at_least,
        } = self;
        v1::DecideRequest {
            client: client.map(client_id),
            requester: requester.map(|register| v1::Requester {
                register,
                organisation: organisation.unwrap_or_default(),
                professional: professional.unwrap_or_default(),
                system: String::new(),
            }),
            channel: channel.map(Into::into).unwrap_or_default(),
            access_right,
            ground: ground.map(|ground| ground.on_the_wire().into()).unwrap_or_default(),
            claims,
            records,
            at_least: at_least.unwrap_or_default(),
            request_id: String::new(),
        }
    }
}

/// A client with a national identity code, or with an identifier of another system
/// as `ROOT:EXTENSION`.
pub(super) fn client_id(text: String) -> v1::ClientId {
    match text.split_once(':') {
        Some((root, extension)) => v1::ClientId { extension: extension.to_owned(), root: root.to_owned() },
        None => v1::ClientId { extension: text, root: String::new() },
    }
}

/// The reverse of [`client_id`].
pub(super) fn client_text(client: &v1::ClientId) -> String {
    let v1::ClientId { extension, root } = client;
    if root.is_empty() { extension.clone() } else { format!("{root}:{extension}") }
}

impl GroundArg {
    fn on_the_wire(self) -> v1::Ground {
        match self {
            Self::Care => v1::Ground::CareRelationship,
            Self::Client => v1::Ground::ClientRelationship,
            Self::Other => v1::Ground::OtherJustified,
        }
    }
}
