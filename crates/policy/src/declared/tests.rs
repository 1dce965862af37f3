//! Declarations in force, acts on consents and receipts of information.

use super::super::calendar::EARLIER_LAW;
use super::super::declaration::{
    ClientDeclarations, ConsentKind, Content, Declaration, Information, Role, Scope, Withdrawal,
};
use super::super::oid::Oid;
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

/// The last acts on consents of many kinds, which are found by hash, are those that
/// a scan finds.
#[test]
fn consents_of_many_kinds_are_each_found() {
    let controller = |number: usize| Oid::parse(format!("1.2.246.10.99999999.{}", number % 20)).unwrap();
    let kind = |number: usize| ConsentKind::LocalCrossSector { controller: controller(number) };
    let days = ["2024-01-02", "2024-01-05", "2024-01-03"];
    let declarations: Vec<_> =
        (0..60).map(|number| consent("consent", days[number % 3], kind(number))).collect();
    let found = evaluated(&declarations).consents;
    for number in 0..20 {
        let of_kind = || (0..60).filter(|other| other % 20 == number);
        let expected = of_kind().max_by_key(|other| (days[other % 3], *other)).map(|place| place as u32);
        assert_eq!(found.latest(&kind(number)).map(LatestConsent::place), expected);
        assert!(!found.was_last_withdrawn(&[kind(number)]));
    }
    assert!(found.latest(&kind(20)).is_some() && found.latest(&ConsentKind::Healthcare).is_none());
}

/// Receipts in any order of recording answer as the list of all of them.
#[test]
fn receipts_that_are_kept_answer_for_all() {
    let version = |number: usize| if number.is_multiple_of(3) { EARLIER_LAW } else { "2.0" };
    let day = |number: usize| format!("2024-{:02}-{:02}", number % 5 + 1, number * 7 % 28 + 1);
    let declarations: Vec<_> = (0..60)
        .map(|number| {
            let recorded = received("information", version(number), &day(number * 11 % 17));
            late(&day(number * 5 % 23), recorded)
        })
        .collect();
    let calendar = Calendar::published();
    let all: Vec<Receipt> = Facts::all(&declarations)
        .filter_map(|facts| {
            let ContentRef::Information(information) = facts.content else { return None };
            let counted = counted_version(information, facts.given_on, &calendar)?;
            Some(Receipt::of((facts.recorded_at, facts.place), facts.given_on, counted))
        })
        .collect();
    assert!(all.len() > 20, "{} count", all.len());
    let receipts = evaluated(&declarations).receipts;
    for month in 1..6 {
        for of_month in 1..28 {
            let before = (noon(&format!("2024-{month:02}-{of_month:02}")), 30);
            for is_before_act in [false, true] {
                let expected = all.iter().filter(|one| one.counts(before, is_before_act));
                let expected = expected.map(|one| one.given_on).min();
                assert_eq!(receipts.informed_on(before, is_before_act), expected);
                for given_on in [0, 5, 11].map(|number| Day::parse(&day(number)).unwrap()) {
                    let had = receipts.had_informed(before, given_on, || is_before_act);
                    assert_eq!(had, expected.is_some_and(|day| day <= given_on));
                }
            }
        }
    }
}
