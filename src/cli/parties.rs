//! Arguments that name the declarer, the recorder, the viewer and the printer.

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use pbjson_types::Timestamp;

use super::code::code;
use super::failure::CommandFailure;
use super::names::parser;
use super::terminal::note;
use crate::wire::v1;

/// The declarer, or the person who requests a printout.
#[derive(Debug, Args)]
#[command(next_help_heading = "Declarer")]
pub(super) struct DeclarerArgs {
    /// The role of the declarer
    #[arg(long, value_parser = parser::<v1::Role>(), required = true)]
    role: Option<v1::Role>,
    /// The declarer's name
    #[arg(long, value_name = "NAME")]
    declarer_name: Option<String>,
    /// The declarer's id
    #[arg(long, value_name = "ID", value_parser = code)]
    declarer_id: Option<String>,
}

/// A professional and their register.
#[derive(Debug, Args)]
#[command(next_help_heading = "Professional")]
pub(super) struct ProfessionalArgs {
    /// The professional's register; it determines their sector
    #[arg(long, value_name = "OID", requires = "professional_organisation")]
    professional_register: Option<String>,
    /// The professional's organisation
    #[arg(long, value_name = "OID", requires = "professional_register")]
    professional_organisation: Option<String>,
    /// The name or id of the professional
    #[arg(long, value_name = "NAME", requires = "professional_register")]
    professional: Option<String>,
}

/// A service that records, shows or prints without a professional.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Service {
    /// The client's own service.
    MyKanta,
}

/// The viewer of declarations and the purpose.
#[derive(Debug, Args)]
pub(super) struct ViewArgs {
    /// Why denials are viewed; required to see denials
    #[arg(long, value_name = "PURPOSE", value_parser = parser::<v1::ViewingPurpose>())]
    viewing_purpose: Option<v1::ViewingPurpose>,
    /// Viewed in the client's own service; otherwise name the professional, who sees the denials of
    /// their own sector and of both sectors
    #[arg(long, value_name = "SERVICE", conflicts_with = "professional_register")]
    viewed_by: Option<Service>,
    #[command(flatten)]
    professional: ProfessionalArgs,
}

/// The arguments that a declaration and its withdrawal have in common.
#[derive(Debug, Args)]
pub(super) struct StatementArgs {
    /// The client's identity code
    #[arg(long, value_name = "CODE", value_parser = code, required = true)]
    pub(super) client: Option<String>,
    /// When the client made the statement, such as 2024-05-06T10:00:00+03:00 [default: when it is recorded]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(super) given_at: Option<Timestamp>,
    /// Idempotency key: repeat the printed one to retry without recording twice [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,
    /// Return only after no replica of the store can decide without it any more
    #[arg(long)]
    pub(super) wait_everywhere: bool,
    /// Recorded by the client's own service; otherwise name the professional
    #[arg(
        long,
        value_name = "SERVICE",
        required_unless_present = "professional_register",
        conflicts_with = "professional_register"
    )]
    recorded_by: Option<Service>,
    #[command(flatten)]
    pub(super) declarer: DeclarerArgs,
    #[command(flatten)]
    professional: ProfessionalArgs,
}

/// The arguments of [`StatementArgs`] that conflict with a file.
pub(super) const STATEMENT: [&str; 9] = [
    "client",
    "given_at",
    "recorded_by",
    "role",
    "declarer_name",
    "declarer_id",
    "professional_register",
    "professional_organisation",
    "professional",
];

impl DeclarerArgs {
    pub(super) fn into_declarer(self) -> Option<v1::Declarer> {
        let Self { role, declarer_name, declarer_id } = self;
        role.map(|role| v1::Declarer {
            role: role.into(),
            name: declarer_name.unwrap_or_default(),
            id: declarer_id.unwrap_or_default(),
        })
    }
}

impl ProfessionalArgs {
    /// The professional; none if no register is named.
    pub(super) fn into_professional(self) -> Option<v1::Professional> {
        let Self { professional_register, professional_organisation, professional } = self;
        professional_register.map(|register| v1::Professional {
            register,
            organisation: professional_organisation.unwrap_or_default(),
            professional: professional.unwrap_or_default(),
        })
    }

    /// The professional, or the service if there is none.
    pub(super) fn or_service(self, service: Option<Service>) -> Option<v1::RecordedBy> {
        let by = match (self.into_professional(), service) {
            (Some(professional), _) => v1::recorded_by::System::Professional(professional),
            (None, Some(Service::MyKanta)) => v1::recorded_by::System::MyKanta(v1::MyKanta {}),
            (None, None) => return None,
        };
        Some(v1::RecordedBy { system: Some(by) })
    }
}

impl ViewArgs {
    /// The number of the purpose (0: none), and the viewer.
    pub(super) fn into_view(self) -> (i32, Option<v1::RecordedBy>) {
        let Self { viewing_purpose, viewed_by, professional } = self;
        (viewing_purpose.map_or(0, Into::into), professional.or_service(viewed_by))
    }
}

/// The error for requested denials without a viewer. `argument` names the service that views them.
pub(super) fn viewer_required(argument: &str) -> CommandFailure {
    CommandFailure::Usage(format!(
        "denials are shown only to a named viewer: write {argument} my-kanta, or --professional-register OID \
         --professional-organisation OID"
    ))
}

/// The common fields of a declaration and its withdrawal.
pub(super) struct Statement {
    pub(super) client: Option<String>,
    pub(super) given_at: Option<Timestamp>,
    pub(super) declarer: Option<v1::Declarer>,
    pub(super) recorded_by: Option<v1::RecordedBy>,
    pub(super) idempotency_key: String,
    pub(super) wait: v1::Wait,
}

impl StatementArgs {
    pub(super) fn into_statement(self) -> Statement {
        let Self { client, given_at, idempotency_key, wait_everywhere, recorded_by, declarer, professional } =
            self;
        Statement {
            client,
            given_at,
            declarer: declarer.into_declarer(),
            recorded_by: professional.or_service(recorded_by),
            idempotency_key: idempotency_key.unwrap_or_else(new_key),
            wait: wait(wait_everywhere),
        }
    }
}

/// When the server acknowledges.
pub(super) fn wait(everywhere: bool) -> v1::Wait {
    if everywhere { v1::Wait::Everywhere } else { v1::Wait::Unspecified }
}

/// A new idempotency key. It is printed before the request is sent, because a retry needs it.
pub(super) fn new_key() -> String {
    let key = uuid::Uuid::new_v4().to_string();
    note(&format!("idempotency key: {key}\n"));
    key
}

/// Parses an instant.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "write an instant as 2024-05-06T10:00:00+03:00".to_owned())?;
    Ok(instant.with_timezone(&Utc).into())
}
