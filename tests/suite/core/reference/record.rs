//! Domain §3, records that cannot be read or checked.

use lupa::wire::v1::{Directory, Record, RecordKind};

use super::calendar::iso_date;
use super::directory::{Side, register, side};

pub(super) fn is_valid(directory: &Directory, record: &Record) -> bool {
    let Ok(kind) = RecordKind::try_from(record.kind) else {
        return false;
    };
    let (belongs, needs_event) = match kind {
        RecordKind::PatientSummary | RecordKind::ServiceEventEntry | RecordKind::StatementOrCertificate => {
            (Side::Healthcare, true)
        }
        RecordKind::Prescription => (Side::Healthcare, false),
        RecordKind::ClientDocument => (Side::SocialWelfare, true),
        RecordKind::WellbeingData => (Side::Wellbeing, false),
        RecordKind::Unspecified => return false,
    };
    // In a register that the directory does not know, the kind cannot misfit.
    let fits = register(directory, &record.register).is_none_or(|holder| side(holder) == belongs);
    // Where none is needed, one that cannot be read is invalid all the same.
    let event_told =
        if record.service_event.is_empty() { !needs_event } else { is_id(&record.service_event) };
    is_id(&record.id)
        && is_oid(&record.register)
        && event_told
        && iso_date(&record.recorded_on).is_some()
        && record.service_tasks.iter().all(|task| is_id(task))
        && (record.original_controller.is_empty() || is_oid(&record.original_controller))
        && record
            .outsourcing
            .as_ref()
            .is_none_or(|outsourced| is_oid(&outsourced.organiser) && is_oid(&outsourced.producer))
        && fits
}

/// "1–128 printable ASCII characters."
fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.chars().all(|c| (' '..='~').contains(&c))
}

fn is_oid(text: &str) -> bool {
    let arcs: Vec<&str> = text.split('.').collect();
    text.len() <= 64
        && arcs.len() >= 2
        && ["0", "1", "2"].contains(&arcs[0])
        && arcs.iter().all(|arc| {
            !arc.is_empty()
                && arc.chars().all(|c| c.is_ascii_digit())
                && (*arc == "0" || !arc.starts_with('0'))
        })
}

#[test]
fn oids_are_arcs_of_digits() {
    for oid in ["0.0", "1.2.246.10.9000.1.10.0", "2.999"] {
        assert!(is_oid(oid), "{oid}");
    }
    let long = format!("1.{}", "1".repeat(63));
    for other in ["", "1", "3.1", "1..2", "1.2.", "1.02", "1.2 ", "-1.2", &long] {
        assert!(!is_oid(other), "{other}");
    }
}
