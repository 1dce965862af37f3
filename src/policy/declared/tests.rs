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

/// The ids of the denials that count today, and of the healthcare consent.
fn counted(declarations: &ClientDeclarations) -> (Vec<&str>, Option<&str>) {
    let declared = Declared::at(noon(TODAY), declarations, &client(ADULT), &Calendar::published());
    let consent = declared.latest_consent(&ConsentKind::Healthcare);
    (
        declared.denials.iter().map(|denial| denial.id.as_str()).collect(),
        consent.map(|latest| latest.declaration.id.as_str()),
    )
}

#[test]
fn an_unreadable_denial_counts_as_an_extensive_one_until_it_is_withdrawn() {
    let unreadable = |id| declared(id, "2024-01-02", Content::Unreadable(Kind::Denial));
    let declarations = [
        unreadable("in-force"),
        withdrawn("2024-02-01", Some(Role::Client), unreadable("ended")),
        withdrawn("2024-02-01", Some(Role::Guardian), unreadable("not-by-a-guardian")),
        withdrawn("2024-02-01", None, unreadable("not-by-nobody")),
    ];
    assert_eq!(counted(&declarations).0, ["in-force", "not-by-a-guardian", "not-by-nobody"]);
    let weighed = Declared::at(noon(TODAY), &declarations, &client(ADULT), &Calendar::published());
    assert!(weighed.denials.iter().all(|denial| denial.denial.scope == Scope::Extensive));
}

#[test]
fn an_unreadable_consent_voids_those_before_it() {
    let unreadable = |day| declared("unreadable", day, Content::Unreadable(Kind::Consent));
    let given = |id, day| consent(id, day, ConsentKind::Healthcare);
    assert_eq!(counted(&[given("before", "2024-01-02"), unreadable("2024-01-03")]).1, None);
    assert_eq!(counted(&[given("at-once", "2024-01-02"), unreadable("2024-01-02")]).1, None);
    assert_eq!(counted(&[unreadable("2024-01-02"), given("after", "2024-01-03")]).1, Some("after"));
    assert_eq!(in_force(&[given("before", "2024-01-02"), unreadable("2024-01-03")]), ["unreadable"]);
}
