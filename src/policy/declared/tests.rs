//! What is in force.

use super::super::declaration::{Role, Scope};
use super::super::printout::samples::*;
use super::*;

const TODAY: &str = "2026-02-01";

/// The ids of what is in force today.
fn in_force(declarations: &ClientDeclarations) -> Vec<&str> {
    let client = client(ADULT);
    declarations
        .iter()
        .filter(|declaration| is_in_force(declaration, declarations, &client, noon(TODAY)))
        .map(|declaration| declaration.id.as_str())
        .collect()
}

#[test]
fn information_is_never_ended_and_nothing_counts_before_it_is_recorded() {
    let declarations = [
        withdrawn("2024-01-02", Some(Role::Client), information("withdrawn", "2024-01-01")),
        information("again", "2024-01-01"),
        information("tomorrow", "2026-02-02"),
        consent("consent-tomorrow", "2026-02-02", ConsentKind::Healthcare),
        denial("denial-tomorrow", "2026-02-02", DenialSector::Healthcare, Scope::AllPatientData),
    ];
    assert_eq!(in_force(&declarations), ["withdrawn", "again"]);
}

#[test]
fn a_consent_is_replaced_by_a_later_one_of_equal_kind() {
    let local = |controller| ConsentKind::LocalCrossSector { controller: oid(controller) };
    let declarations = [
        consent("replaced", "2024-01-02", ConsentKind::Healthcare),
        consent("local-county", "2024-01-02", local(COUNTY)),
        consent("local-private", "2024-01-03", local(PRIVATE)),
        consent("same-instant", "2024-01-04", ConsentKind::Healthcare),
        consent("healthcare", "2024-01-04", ConsentKind::Healthcare),
        // Stored later, recorded earlier.
        consent("late", "2024-01-03", ConsentKind::Healthcare),
        consent("social", "2024-01-02", ConsentKind::SocialWelfare),
        consent("tomorrow", "2026-02-02", ConsentKind::SocialWelfare),
    ];
    assert_eq!(in_force(&declarations), ["local-county", "local-private", "healthcare", "social"]);
}

#[test]
fn a_consent_ends_whoever_withdraws_it_and_stays_replaced_after() {
    let newer = consent("newer", "2024-01-03", ConsentKind::Healthcare);
    let declarations = [
        consent("older", "2024-01-02", ConsentKind::Healthcare),
        withdrawn("2024-02-01", None, newer),
        withdrawn("2026-02-02", None, consent("to-end", "2024-01-02", ConsentKind::WellbeingData)),
    ];
    assert_eq!(in_force(&declarations), ["to-end"]);
}

#[test]
fn a_consent_of_someone_not_entitled_replaces_nothing() {
    let by_guardian = consent("by-guardian", "2024-03-01", ConsentKind::SocialWelfare);
    let declarations = [
        consent("own", "2024-01-02", ConsentKind::SocialWelfare),
        given_by(Some(Role::Guardian), by_guardian),
    ];
    assert!(in_force(&declarations).contains(&"own"));
}
