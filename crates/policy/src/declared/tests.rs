//! Declarations in force, acts on consents and receipts of information.

use super::super::calendar::EARLIER_LAW;
use super::super::declaration::{
    ClientDeclarations, ConsentKind, Content, Declaration, Information, Role, Scope, Withdrawal,
};
use super::super::oid::OpaqueId;
use super::super::request::{Record, RecordKind};
use super::*;
use crate::samples::*;

const TODAY: &str = "2026-02-01";

/// The ids of what is in force today.
fn in_force(declarations: &ClientDeclarations) -> Vec<&str> {
    let client = client(ADULT);
    let in_force = InForce::at(noon(TODAY), declarations, &client);
    in_force.each().map(|(_, declaration)| declaration.id.as_str()).collect()
}

#[test]
fn information_cannot_be_withdrawn_and_nothing_counts_before_it_is_recorded() {
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
        // Stored later, given earlier.
        consent("late", "2024-01-03", ConsentKind::Healthcare),
        consent("social", "2024-01-02", ConsentKind::SocialWelfare),
        consent("tomorrow", "2026-02-02", ConsentKind::SocialWelfare),
    ];
    assert_eq!(in_force(&declarations), ["local-county", "local-private", "healthcare", "social"]);
}

#[test]
fn a_withdrawal_in_any_role_ends_a_consent_and_restores_no_earlier_one() {
    let newer = consent("newer", "2024-01-03", ConsentKind::Healthcare);
    let declarations = [
        consent("older", "2024-01-02", ConsentKind::Healthcare),
        withdrawn("2024-02-01", None, newer),
        withdrawn("2026-02-02", None, consent("to-end", "2024-01-02", ConsentKind::WellbeingData)),
    ];
    assert_eq!(in_force(&declarations), ["to-end"]);
}

#[test]
fn a_consent_given_without_entitlement_replaces_nothing() {
    let by_guardian = consent("by-guardian", "2024-03-01", ConsentKind::SocialWelfare);
    let declarations = [
        consent("own", "2024-01-02", ConsentKind::SocialWelfare),
        given_by(Some(Role::Guardian), by_guardian),
    ];
    assert!(in_force(&declarations).contains(&"own"));
}

fn evaluated(declarations: &ClientDeclarations) -> Declared<'_> {
    Declared::at(noon(TODAY), Facts::all(declarations), &client(ADULT), &Calendar::published())
}

/// The ids of the denials that count today, and of the healthcare consent.
fn counted(declarations: &ClientDeclarations) -> (Vec<&str>, Option<&str>) {
    let declared = evaluated(declarations);
    let id = |place: u32| declarations[place as usize].id.as_str();
    let consent = declared.consents.latest(&ConsentKind::Healthcare);
    let denials = declared.denials.each().map(|denial| id(denial.place)).collect();
    (denials, consent.map(|latest| id(latest.place())))
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
    assert!(evaluated(&declarations).denials.each().all(|denial| denial.denial.scope == Scope::Extensive));
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
    let earlier = |day| received("earlier", EARLIER_LAW, day);
    for (day, is_enough) in [("2021-10-31", true), ("2021-11-01", false)] {
        let declarations = [earlier("2021-01-01"), consent("consent", day, ConsentKind::Healthcare)];
        let declared = evaluated(&declarations);
        let latest = declared.consents.latest(&ConsentKind::Healthcare).expect("a consent");
        assert_eq!(latest.is_before_information, !is_enough, "{day}");
    }
}

fn received(name: &'static str, version: &str, day: &str) -> Declaration {
    declared(name, day, Content::Information(Information { version: version.into(), way: None }))
}

/// Given on one day and recorded on a later one.
fn late(given: &str, declaration: Declaration) -> Declaration {
    Declaration { given_at: noon(given), ..declaration }
}

/// The client's withdrawal, given on one day and recorded on another.
fn ended(given: &str, recorded: &str, declaration: Declaration) -> Declaration {
    let withdrawal =
        Withdrawal { recorded_at: noon(recorded), given_at: noon(given), by: Some(by(Role::Client)) };
    Declaration { withdrawal: Some(withdrawal), ..declaration }
}

#[test]
fn the_act_given_last_counts_and_not_the_act_recorded_last() {
    let kind = || ConsentKind::Healthcare;
    let signed_before = late("2024-01-10", consent("signed-before", "2024-03-01", kind()));
    let withdrawn = ended("2024-02-01", "2024-02-01", consent("first", "2024-01-02", kind()));
    let declarations = [withdrawn, signed_before];
    let evaluated = evaluated(&declarations);
    let latest = evaluated.consents.latest(&kind()).expect("a consent");
    assert!(latest.is_withdrawn());
    assert_eq!(in_force(&declarations), [""; 0]);

    let again = late("2024-02-01", consent("again", "2024-03-01", kind()));
    let withdrawn = declarations[0].clone();
    assert_eq!(in_force(&[withdrawn, again]), ["again"], "on one day by the order of recording");
}

#[test]
fn a_withdrawal_of_a_consent_counts_from_the_day_of_the_consent_at_the_earliest() {
    let kind = || ConsentKind::Healthcare;
    let declarations = [ended("2023-01-01", "2024-03-01", consent("given-later", "2024-02-01", kind()))];
    assert_eq!(in_force(&declarations), [""; 0]);
    let [ended_early] = declarations;
    let newer = consent("newer", "2024-02-02", kind());
    assert_eq!(in_force(&[ended_early, newer]), ["newer"]);
}

#[test]
fn a_withdrawal_of_a_denial_given_on_an_earlier_day_ends_nothing() {
    let one = |name| denial(name, "2024-02-01", DenialSector::Healthcare, Scope::AllPatientData);
    let declarations = [
        ended("2024-01-31", "2024-03-01", one("before")),
        ended("2024-02-01", "2024-03-01", one("same-day")),
    ];
    assert_eq!(in_force(&declarations), ["before"]);
    assert_eq!(counted(&declarations).0, ["before"]);
}

#[test]
fn a_given_time_after_the_recording_counts_as_the_time_of_recording() {
    let ahead = late("2025-05-05", consent("ahead", "2024-02-01", ConsentKind::Healthcare));
    let declarations = [ahead, consent("next", "2024-02-02", ConsentKind::Healthcare)];
    assert_eq!(in_force(&declarations), ["next"]);
}

#[test]
fn a_consent_given_before_the_information_is_not_effective_whenever_it_was_recorded() {
    let given = |given, recorded| late(given, consent("consent", recorded, ConsentKind::Healthcare));
    for (informed, consent, is_effective) in [
        (received("one", "2.0", "2024-01-10"), given("2024-01-10", "2024-01-11"), true),
        (received("one", "2.0", "2024-01-10"), given("2024-01-09", "2024-01-11"), false),
        // The information was received in time, and entered late, but before the consent.
        (late("2024-01-05", received("one", "2.0", "2024-01-10")), given("2024-01-09", "2024-01-11"), true),
        (late("2024-01-05", received("one", "2.0", "2024-01-12")), given("2024-01-09", "2024-01-11"), false),
        // After the end of its validity: a data error.
        (received("one", "1.0", "2022-11-22"), given("2022-11-23", "2022-11-23"), false),
        (received("one", "1.0", "2022-11-21"), given("2022-11-23", "2022-11-23"), true),
    ] {
        let declarations = [informed, consent];
        let evaluated = evaluated(&declarations);
        let latest = evaluated.consents.latest(&ConsentKind::Healthcare).expect("a consent");
        assert_eq!(!latest.is_before_information, is_effective, "{declarations:?}");
    }
}

#[test]
fn an_earlier_receipt_recorded_later_is_kept_beside_the_first() {
    let declarations = [
        received("first", "2.0", "2024-01-10"),
        late("2024-01-02", received("earlier", "2.0", "2024-01-12")),
        late("2024-01-05", consent("consent", "2024-01-15", ConsentKind::Healthcare)),
    ];
    let evaluated = evaluated(&declarations);
    let latest = evaluated.consents.latest(&ConsentKind::Healthcare).expect("a consent");
    assert!(!latest.is_before_information);
}

#[test]
fn the_consent_that_replaced_another_is_reported() {
    let kind = || ConsentKind::Healthcare;
    let declarations = [
        consent("first", "2024-01-02", kind()),
        consent("second", "2024-01-05", kind()),
        late("2024-01-03", consent("superseded", "2024-01-09", kind())),
        consent("other", "2024-01-02", ConsentKind::SocialWelfare),
        ended("2024-02-01", "2024-02-01", consent("third", "2024-01-20", kind())),
        late("2024-01-30", consent("late", "2024-02-09", kind())),
    ];
    let client = client(ADULT);
    let mut replacements: Vec<_> =
        InForce::at(noon(TODAY), &declarations, &client).replacements().into_iter().collect();
    replacements.sort_unstable();
    assert_eq!(replacements, [(0, 1), (1, 4), (2, 1), (5, 4)]);
}

/// The lookup by id finds the same denials as a scan, in revision order.
#[test]
fn many_denials_are_found_by_id() {
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
    let many = evaluated(&declarations).denials;
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
        let all = many.each().filter(|denial| named(&denial.denial.scope)).map(|denial| denial.place);
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
