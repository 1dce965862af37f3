//! `lupa declare consent`.

use clap::Args;

use super::super::names::parser;
use super::super::parties::StatementArgs;
use crate::wire::v1;
use crate::wire::v1::recipient::Kind;

#[derive(Debug, Args)]
pub(super) struct ConsentArgs {
    /// What the consent covers
    #[arg(long, value_parser = parser::<v1::ConsentKind>())]
    kind: v1::ConsentKind,
    /// The controller, for local-cross-sector only
    #[arg(long, value_name = "OID")]
    controller: Option<String>,
    /// Only to this recipient: `all-public`, or an OID; can be repeated [default: to all]
    #[arg(long = "recipient", value_name = "all-public|OID")]
    recipients: Vec<String>,
    /// Only this patient data; can be repeated [default: all]
    #[arg(long, value_parser = parser::<v1::DataKind>())]
    data: Vec<v1::DataKind>,
    /// Only this service task; can be repeated [default: all]
    #[arg(long = "service-task", value_name = "CODE")]
    service_tasks: Vec<String>,
    /// Only what was recorded on this day or later [default: no bound]
    #[arg(long, value_name = "YYYY-MM-DD")]
    recorded_from: Option<String>,
    /// Only what was recorded on this day or earlier [default: no bound]
    #[arg(long, value_name = "YYYY-MM-DD")]
    recorded_to: Option<String>,
    #[command(flatten)]
    statement: StatementArgs,
}

impl ConsentArgs {
    pub(super) fn into_consent(self) -> (v1::Consent, StatementArgs) {
        let Self { kind, controller, recipients, data, service_tasks, recorded_from, recorded_to, statement } =
            self;
        let is_limited = !recipients.is_empty()
            || !data.is_empty()
            || !service_tasks.is_empty()
            || recorded_from.is_some()
            || recorded_to.is_some();
        let allocation = v1::Allocation {
            recipients: recipients.into_iter().map(recipient).collect(),
            data: data.into_iter().map(Into::into).collect(),
            service_tasks,
            recorded_from: recorded_from.unwrap_or_default(),
            recorded_to: recorded_to.unwrap_or_default(),
        };
        let consent = v1::Consent {
            kind: kind.into(),
            allocation: is_limited.then_some(allocation),
            controller: controller.unwrap_or_default(),
        };
        (consent, statement)
    }
}

fn recipient(text: String) -> v1::Recipient {
    let kind = match text.as_str() {
        "all-public" => Kind::AllPublic(v1::AllPublic {}),
        _ => Kind::Organisation(text),
    };
    v1::Recipient { kind: Some(kind) }
}
