//! Declarations as a table.

use comfy_table::{ColumnConstraint, Table};

use super::names::phrase;
use super::terminal::{Terminal, minute};
use crate::wire::v1;
use crate::wire::v1::declaration::Content;
use crate::wire::v1::denial::Scope;
use crate::wire::v1::recipient::Kind;
use crate::wire::v1::recorded_by::System;

/// From this table width on, ids are not wrapped.
const WIDE: u16 = 110;

/// Maximum number of registers named as covered by a denial.
const COVERED_MAX: usize = 5;

/// One row for each declaration, in revision order. `status_in_force` is the
/// status of one that was neither withdrawn nor replaced.
pub(super) fn table(
    terminal: Terminal,
    declarations: &[v1::StoredDeclaration],
    status_in_force: &str,
) -> Table {
    let mut table = terminal.table(["id", "what", "status", "recorded", "given before", "by"]);
    for (place, stored) in declarations.iter().enumerate() {
        let earlier = declarations.get(..place).unwrap_or_default();
        table.add_row([
            stored.id.clone(),
            format!("{}{}", what(stored.declaration.as_ref()), covers(&stored.covers)),
            status(stored, earlier, status_in_force),
            minute(stored.recorded_at.as_ref()),
            minute(stored.given_at.as_ref().filter(|_| stored.given_at != stored.recorded_at)),
            by(stored.declarer.as_ref(), stored.recorded_by.as_ref()),
        ]);
    }
    // A wrapped id cannot be copied to another command, but on a narrow terminal
    // a whole one would leave too little room for the other columns.
    let is_wide = table.width().is_none_or(|width| width >= WIDE);
    if let Some(ids) = table.column_mut(0).filter(|_| is_wide) {
        ids.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// The content of a declaration, as a phrase.
fn what(declaration: Option<&v1::Declaration>) -> String {
    match declaration.and_then(|declaration| declaration.content.as_ref()) {
        None => "unknown".to_owned(),
        Some(Content::Information(information)) => format!("information {}", information.version),
        Some(Content::Consent(consent)) => consent_in_words(consent),
        Some(Content::Denial(denial)) => denial_in_words(denial),
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
    match &recipient.kind {
        None => "unknown".to_owned(),
        Some(Kind::AllPublic(v1::AllPublic {})) => "all public providers".to_owned(),
        Some(Kind::Organisation(oid)) => oid.clone(),
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
        what.push_str(&format!("; the client's name for it: {label}"));
    }
    what
}

/// The registers that a denial covers today; `--json` lists all of them.
fn covers(registers: &[String]) -> String {
    match registers.len() {
        0 => String::new(),
        count if count <= COVERED_MAX => format!("; covers today: {}", registers.join(", ")),
        count => format!("; covers {count} registers today"),
    }
}

/// The status of a declaration. A consent is superseded if the later one was
/// recorded before it: it was never in force.
fn status(
    stored: &v1::StoredDeclaration,
    earlier: &[v1::StoredDeclaration],
    status_in_force: &str,
) -> String {
    match &stored.withdrawn_at {
        None if stored.replaced_by.is_empty() => status_in_force.to_owned(),
        None if earlier.iter().any(|one| one.id == stored.replaced_by) => {
            format!("superseded by {}", stored.replaced_by)
        }
        None => format!("replaced by {}", stored.replaced_by),
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
    match recorded_by.and_then(|by| by.system.as_ref()) {
        None => declarer,
        Some(System::MyKanta(v1::MyKanta {})) => format!("{declarer}, in MyKanta"),
        Some(System::Professional(v1::Professional { register, organisation: _, professional })) => {
            let who = if professional.is_empty() { "a professional" } else { professional };
            format!("{declarer}, through {who} in {register}")
        }
    }
}

fn role_in_words(role: i32) -> String {
    match v1::Role::try_from(role) {
        Ok(v1::Role::Unspecified) => "role not specified".to_owned(),
        Ok(_) | Err(_) => phrase::<v1::Role>(role),
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;

    fn phrase_of(yaml: &str) -> String {
        let declaration = Document::read(yaml).expect("YAML").parse().expect("a declaration");
        what(Some(&declaration))
    }

    #[test]
    fn declarations_are_printed_as_phrases() {
        assert_eq!(phrase_of("information: {version: 2.0}"), "information 2.0");
        assert_eq!(
            phrase_of(
                "consent: {kind: CONSENT_KIND_PATIENT_DATA_TO_SOCIAL_WELFARE, allocation: {recipients: \
                 [all_public: {}, organisation: 1.2.3], data: [DATA_KIND_PRESCRIPTION], recorded_from: 2024-01-01}}"
            ),
            "consent: patient data to social welfare; to: all public providers, 1.2.3; data: prescription; \
             recorded: 2024-01-01…"
        );
        assert_eq!(
            phrase_of(
                "denial: {sector: SECTOR_HEALTHCARE, service_event: visit-1, against: [AGAINST_OTHER_PROVIDERS]}"
            ),
            "denial: service event visit-1 (healthcare); against other providers"
        );
    }

    fn stored(yaml: &str) -> v1::StoredDeclaration {
        Document::read(yaml).expect("YAML").parse().expect("a stored declaration")
    }

    #[test]
    fn the_status_names_the_withdrawal_or_the_replacement() {
        let first = stored("{id: a, replaced_by: b}");
        let second = stored("{id: b}");
        let late = stored("{id: c, replaced_by: b}");
        let withdrawn =
            stored("{id: d, withdrawn_at: 2024-05-06T10:00:00Z, withdrawn_by: {role: ROLE_GUARDIAN}}");
        let before = [first.clone(), second.clone()];
        for (stored, earlier, expected) in [
            (&second, &before[..1], "in force"),
            (&first, &[], "replaced by b"),
            (&late, &before, "superseded by b"),
            (&withdrawn, &before, "withdrawn 2024-05-06 13:00 by guardian"),
        ] {
            assert_eq!(status(stored, earlier, "in force"), expected);
        }
    }

    #[test]
    fn covered_registers_are_listed_or_counted() {
        let registers = |count: usize| (1..=count).map(|place| format!("1.2.{place}")).collect::<Vec<_>>();
        assert_eq!(covers(&registers(0)), "");
        assert_eq!(covers(&registers(2)), "; covers today: 1.2.1, 1.2.2");
        assert_eq!(covers(&registers(6)), "; covers 6 registers today");
    }

    #[test]
    fn the_label_of_a_denial_is_printed() {
        let denial = "denial: {sector: SECTOR_HEALTHCARE, service_event: visit-1";
        assert_eq!(phrase_of(&format!("{denial}}}")), "denial: service event visit-1 (healthcare)");
        assert_eq!(
            phrase_of(&format!("{denial}, label: the visit in May}}")),
            "denial: service event visit-1 (healthcare); the client's name for it: the visit in May"
        );
    }
}
