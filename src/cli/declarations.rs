//! Declarations as a table.

use comfy_table::{ColumnConstraint, Table};

use super::names::phrase;
use super::terminal::{Terminal, minute};
use crate::wire::v1;
use crate::wire::v1::declaration::Declaration;
use crate::wire::v1::denial::Scope;
use crate::wire::v1::recipient::Recipient;
use crate::wire::v1::recorded_by::RecordedBy;

/// From this width on ids stay in one line.
const WIDE: u16 = 110;

/// One line a declaration. `unended` is the status of one that was not
/// withdrawn: whether a later consent replaced it is not told with it.
pub(super) fn table(terminal: Terminal, declarations: &[v1::StoredDeclaration], unended: &str) -> Table {
    let mut table = terminal.table(["id", "what", "status", "recorded", "given before", "by"]);
    for stored in declarations {
        table.add_row([
            stored.id.clone(),
            what(stored.declaration.as_ref()),
            status(stored, unended),
            minute(stored.recorded_at.as_ref()),
            minute(stored.given_at.as_ref().filter(|_| stored.given_at != stored.recorded_at)),
            by(stored.declarer.as_ref(), stored.recorded_by.as_ref()),
        ]);
    }
    // An id in two lines cannot be copied to another command, but on a narrow
    // terminal it would leave too little for the rest.
    let is_wide = table.width().is_none_or(|width| width >= WIDE);
    if let Some(ids) = table.column_mut(0).filter(|_| is_wide) {
        ids.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// What is declared, in a phrase.
fn what(declaration: Option<&v1::Declaration>) -> String {
    match declaration.and_then(|declaration| declaration.declaration.as_ref()) {
        None => "unknown".to_owned(),
        Some(Declaration::Information(information)) => format!("information {}", information.version),
        Some(Declaration::Consent(consent)) => consent_in_words(consent),
        Some(Declaration::Denial(denial)) => denial_in_words(denial),
    }
}

fn consent_in_words(consent: &v1::Consent) -> String {
    let v1::Consent { kind, allocation, controller } = consent;
    let mut what = format!("consent: {}", phrase::<v1::ConsentKind>(*kind));
    if !controller.is_empty() {
        what.push_str(&format!(" of {controller}"));
    }
    let Some(v1::Allocation { recipients, data, service_tasks, recorded_from, recorded_to }) = allocation
    else {
        return what;
    };
    let recipients: Vec<String> = recipients.iter().map(recipient_in_words).collect();
    let data: Vec<String> = data.iter().map(|kind| phrase::<v1::DataKind>(*kind)).collect();
    for (dimension, values) in [("to", &recipients), ("data", &data), ("service tasks", service_tasks)] {
        if !values.is_empty() {
            what.push_str(&format!("; {dimension}: {}", values.join(", ")));
        }
    }
    if !recorded_from.is_empty() || !recorded_to.is_empty() {
        what.push_str(&format!("; recorded: {recorded_from}…{recorded_to}"));
    }
    what
}

fn recipient_in_words(recipient: &v1::Recipient) -> String {
    match &recipient.recipient {
        None => "unknown".to_owned(),
        Some(Recipient::AllPublic(v1::AllPublic {})) => "all public providers".to_owned(),
        Some(Recipient::Organisation(oid)) => oid.clone(),
    }
}

fn denial_in_words(denial: &v1::Denial) -> String {
    let v1::Denial { sector, against, allows_emergency, scope, label } = denial;
    let scope = match scope {
        None => "unknown scope".to_owned(),
        Some(Scope::AllPatientData(v1::AllPatientData {})) => "all patient data".to_owned(),
        Some(Scope::ServiceEvent(id)) => format!("service event {id}"),
        Some(Scope::Register(oid)) => format!("register {oid}"),
        Some(Scope::Prescription(id)) => format!("prescription {id}"),
        Some(Scope::FormerProvider(oid)) => format!("former provider {oid}"),
        Some(Scope::ServiceTransaction(id)) => format!("service transaction {id}"),
        Some(Scope::Document(id)) => format!("document {id}"),
        Some(Scope::ServiceTask(code)) => format!("service task {code}"),
        Some(Scope::Extensive(v1::Extensive {})) => "everything".to_owned(),
    };
    let mut what = format!("denial: {scope} ({})", phrase::<v1::Sector>(*sector));
    if !against.is_empty() {
        let against: Vec<String> = against.iter().map(|one| phrase::<v1::Against>(*one)).collect();
        what.push_str(&format!("; against {}", against.join(", ")));
    }
    if *allows_emergency {
        what.push_str("; the client allows disclosure in an emergency");
    }
    if !label.is_empty() {
        what.push_str(&format!("; \"{label}\""));
    }
    what
}

fn status(stored: &v1::StoredDeclaration, unended: &str) -> String {
    match &stored.withdrawn_at {
        None => unended.to_owned(),
        Some(withdrawn_at) => {
            let role = stored.withdrawn_by.as_ref().map_or(0, |declarer| declarer.role);
            format!("withdrawn {} by {}", minute(Some(withdrawn_at)), role_in_words(role))
        }
    }
}

fn by(declarer: Option<&v1::Declarer>, recorded_by: Option<&v1::RecordedBy>) -> String {
    let declarer = declarer.map_or_else(
        || role_in_words(0),
        |declarer| {
            let known: Vec<&str> = [&declarer.name, &declarer.id]
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| text.as_str())
                .collect();
            match known.as_slice() {
                [] => role_in_words(declarer.role),
                known => format!("{} ({})", role_in_words(declarer.role), known.join(", ")),
            }
        },
    );
    match recorded_by.and_then(|by| by.recorded_by.as_ref()) {
        None => declarer,
        Some(RecordedBy::MyKanta(v1::MyKanta {})) => format!("{declarer}, in MyKanta"),
        Some(RecordedBy::Professional(v1::Professional { register, organisation: _, professional })) => {
            let who = if professional.is_empty() { "a professional" } else { professional };
            format!("{declarer}, through {who} in {register}")
        }
    }
}

fn role_in_words(role: i32) -> String {
    match v1::Role::try_from(role) {
        Ok(v1::Role::Unspecified) => "no role told".to_owned(),
        Ok(_) | Err(_) => phrase::<v1::Role>(role),
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;

    fn told(yaml: &str) -> String {
        let declaration = Document::read(yaml).expect("YAML").parse().expect("a declaration");
        what(Some(&declaration))
    }

    #[test]
    fn declarations_are_told_in_phrases() {
        assert_eq!(told("information: {version: 2.0}"), "information 2.0");
        assert_eq!(
            told(
                "consent: {kind: CONSENT_KIND_PATIENT_DATA_TO_SOCIAL_WELFARE, allocation: {recipients: \
                 [all_public: {}, organisation: 1.2.3], data: [DATA_KIND_PRESCRIPTION], recorded_from: 2024-01-01}}"
            ),
            "consent: patient data to social welfare; to: all public providers, 1.2.3; data: prescription; \
             recorded: 2024-01-01…"
        );
        assert_eq!(
            told(
                "denial: {sector: SECTOR_HEALTHCARE, service_event: visit-1, against: [AGAINST_OTHER_PROVIDERS]}"
            ),
            "denial: service event visit-1 (healthcare); against other providers"
        );
    }
}
