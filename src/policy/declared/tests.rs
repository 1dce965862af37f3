//! What is in force.

use super::super::calendar::EARLIER_LAW;
use super::super::declaration::{Role, Scope};
use super::super::oid::OpaqueId;
use super::super::printout::samples::*;
use super::super::request::{Record, RecordKind};
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

fn weighed(declarations: &ClientDeclarations) -> Declared<'_> {
    Declared::at(noon(TODAY), Gist::all(declarations), &client(ADULT), &Calendar::published())
}

/// The ids of the denials that count today, and of the healthcare consent.
fn counted(declarations: &ClientDeclarations) -> (Vec<&str>, Option<&str>) {
    let declared = weighed(declarations);
    let id = |place: u32| declarations[place as usize].id.as_str();
    let consent = declared.latest_consent(&ConsentKind::Healthcare);
    (declared.denials.all().map(|denial| id(denial.place)).collect(), consent.map(|latest| id(latest.place)))
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
    assert!(weighed(&declarations).denials.all().all(|denial| denial.denial.scope == Scope::Extensive));
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

#[test]
fn information_under_the_earlier_law_is_enough_until_the_act_is_in_force() {
    let earlier = |day| {
        let version = EARLIER_LAW.into();
        declared("earlier", day, Content::Information(Information { version, way: None }))
    };
    for (day, is_enough) in [("2021-10-31", true), ("2021-11-01", false)] {
        let declarations = [earlier("2021-01-01"), consent("consent", day, ConsentKind::Healthcare)];
        let declared = weighed(&declarations);
        let latest = declared.latest_consent(&ConsentKind::Healthcare).expect("a consent");
        assert_eq!(latest.is_before_information, !is_enough, "{day}");
    }
}

/// Of many denials, those of an id are found by it, in revision order.
#[test]
fn many_denials_are_found_as_few_are() {
    let of = |place: usize| {
        let id = |name: &str| OpaqueId::parse(format!("{name}-{}", place % 7)).unwrap();
        let scope = match place % 5 {
            0 => Scope::ServiceEvent(id("event")),
            1 => Scope::Document(id("document")),
            2 => Scope::ServiceTask(id("task")),
            3 => Scope::Prescription(id("event")),
            _ => Scope::ServiceTransaction(id("document")),
        };
        denial("denial", "2024-01-02", DenialSector::Healthcare, scope)
    };
    let declarations: Vec<_> = (0..70).map(of).collect();
    let many = weighed(&declarations).denials;
    for (id, event) in [("document-1", "event-1"), ("event-3", "event-3"), ("none", "document-6")] {
        let record = record(id, event);
        let named = |scope: &Scope| match scope {
            Scope::ServiceEvent(id)
            | Scope::ServiceTransaction(id)
            | Scope::Prescription(id)
            | Scope::Document(id) => record.id == *id || record.service_event.as_ref() == Some(id),
            Scope::AllPatientData
            | Scope::Register(_)
            | Scope::FormerProvider(_)
            | Scope::ServiceTask(_)
            | Scope::Extensive => true,
        };
        let mut found: Vec<_> = many.candidates(&record).map(|denial| denial.place).collect();
        let all = many.all().filter(|denial| named(&denial.denial.scope)).map(|denial| denial.place);
        found.sort_unstable();
        let mut all: Vec<_> = all.collect();
        all.sort_unstable();
        assert_eq!(found, all, "{id} {event}");
        let of_event =
            many.candidates(&record).filter(|one| matches!(one.denial.scope, Scope::ServiceEvent(_)));
        assert!(of_event.map(|one| one.place).is_sorted());
    }
}

fn record(id: &'static str, event: &'static str) -> Record<'static> {
    Record {
        id: OpaqueId::parse(id).unwrap(),
        register: oid(COUNTY),
        service_event: Some(OpaqueId::parse(event).unwrap()),
        recorded_on: Day::parse("2024-01-02").unwrap(),
        kind: RecordKind::ClientDocument,
        service_tasks: Vec::new(),
        original_controller: None,
        outsourcing: None,
    }
}
