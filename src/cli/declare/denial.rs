//! `lupa declare denial`.

use clap::{ArgGroup, Args};

use super::super::names::parser;
use super::super::parties::StatementArgs;
use crate::wire::v1;
use crate::wire::v1::denial::Scope;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("scope").required(true).args([
    "all_patient_data", "service_event", "register", "prescription", "former_provider",
    "service_transaction", "document", "service_task", "extensive",
]))]
pub(super) struct DenialArgs {
    /// The sector of the data; both only with --extensive
    #[arg(long, value_parser = parser::<v1::Sector>())]
    sector: v1::Sector,
    /// Deny all patient data except prescriptions
    #[arg(long, help_heading = "Scope")]
    all_patient_data: bool,
    /// Deny a service event
    #[arg(long, value_name = "ID", help_heading = "Scope")]
    service_event: Option<String>,
    /// Deny a register
    #[arg(long, value_name = "OID", help_heading = "Scope")]
    register: Option<String>,
    /// Deny a prescription
    #[arg(long, value_name = "ID", help_heading = "Scope")]
    prescription: Option<String>,
    /// Deny the data of a former provider
    #[arg(long, value_name = "OID", help_heading = "Scope")]
    former_provider: Option<String>,
    /// Deny a service transaction
    #[arg(long, value_name = "ID", help_heading = "Scope")]
    service_transaction: Option<String>,
    /// Deny a document
    #[arg(long, value_name = "ID", help_heading = "Scope")]
    document: Option<String>,
    /// Deny a service task
    #[arg(long, value_name = "CODE", help_heading = "Scope")]
    service_task: Option<String>,
    /// Deny everything in social welfare, or in both sectors
    #[arg(long, help_heading = "Scope")]
    extensive: bool,
    /// Only against these recipients, in healthcare; can be repeated [default: all]
    #[arg(long, value_parser = parser::<v1::Against>())]
    against: Vec<v1::Against>,
    /// The client allows disclosure in an emergency, in healthcare
    #[arg(long)]
    allow_emergency: bool,
    /// A few words by which the client recognises the denial on paper, such as the visit
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    #[command(flatten)]
    statement: StatementArgs,
}

impl DenialArgs {
    pub(super) fn into_denial(self) -> (v1::Denial, StatementArgs) {
        let Self {
            sector,
            all_patient_data,
            service_event,
            register,
            prescription,
            former_provider,
            service_transaction,
            document,
            service_task,
            extensive,
            against,
            allow_emergency,
            label,
            statement,
        } = self;
        let scope = None
            .or(all_patient_data.then_some(Scope::AllPatientData(v1::AllPatientData {})))
            .or(service_event.map(Scope::ServiceEvent))
            .or(register.map(Scope::Register))
            .or(prescription.map(Scope::Prescription))
            .or(former_provider.map(Scope::FormerProvider))
            .or(service_transaction.map(Scope::ServiceTransaction))
            .or(document.map(Scope::Document))
            .or(service_task.map(Scope::ServiceTask))
            .or(extensive.then_some(Scope::Extensive(v1::Extensive {})));
        let denial = v1::Denial {
            sector: sector.into(),
            against: against.into_iter().map(Into::into).collect(),
            allows_emergency: allow_emergency,
            scope,
            label: label.unwrap_or_default(),
        };
        (denial, statement)
    }
}
