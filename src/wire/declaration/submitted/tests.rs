//! What requests about declarations say, and what is refused.

use super::*;

fn client() -> Option<v1::ClientId> {
    Some(v1::ClientId { extension: "010181-900C".to_owned(), root: String::new() })
}

fn my_kanta() -> Option<v1::RecordedBy> {
    Some(v1::RecordedBy { system: Some(v1::recorded_by::System::MyKanta(v1::MyKanta {})) })
}

fn fields<T>(read: Result<T, InvalidRequest>) -> Vec<String> {
    let violations = read.err().map(|invalid| invalid.violations).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

/// The fields at fault of a declaration that the client makes in MyKanta.
fn faults_of(declaration: v1::declaration::Content) -> Vec<String> {
    let role = v1::Role::Client.into();
    fields(submission(&v1::RecordDeclarationRequest {
        client: client(),
        declaration: Some(v1::Declaration { content: Some(declaration) }),
        given_at: None,
        declarer: Some(v1::Declarer { role, ..v1::Declarer::default() }),
        recorded_by: my_kanta(),
        idempotency_key: "key-1".to_owned(),
        wait: 0,
    }))
}

#[test]
fn only_a_local_consent_names_a_controller() {
    use v1::ConsentKind::{Healthcare, LocalCrossSector};
    for (kind, controller, expected) in [
        (LocalCrossSector, "1.2.3", &[][..]),
        (LocalCrossSector, "", &["declaration.consent.controller"]),
        (Healthcare, "1.2.3", &["declaration.consent.controller"]),
        (Healthcare, "", &[]),
    ] {
        let consent = v1::Consent { kind: kind.into(), allocation: None, controller: controller.to_owned() };
        let faults = faults_of(v1::declaration::Content::Consent(consent));
        assert_eq!(faults, expected, "{kind:?} {controller}");
    }
}

#[test]
fn what_only_healthcare_denials_have_is_refused_of_others() {
    use v1::Sector::{Both, Healthcare, SocialWelfare};
    let all = v1::denial::Scope::AllPatientData(v1::AllPatientData {});
    let extensive = v1::denial::Scope::Extensive(v1::Extensive {});
    for (sector, scope, has_both, expected) in [
        (Healthcare, &all, true, &[][..]),
        (SocialWelfare, &all, false, &[]),
        (SocialWelfare, &all, true, &["against", "allows_emergency"]),
        (Both, &extensive, false, &[]),
        (Both, &extensive, true, &["against", "allows_emergency"]),
        (Both, &all, false, &["sector"]),
        (SocialWelfare, &extensive, true, &["against", "allows_emergency"]),
        (Healthcare, &extensive, true, &["against", "allows_emergency"]),
        (Healthcare, &extensive, false, &[]),
    ] {
        let denial = v1::Denial {
            sector: sector.into(),
            scope: Some(scope.clone()),
            against: if has_both { vec![v1::Against::OtherProviders.into()] } else { Vec::new() },
            allows_emergency: has_both,
            label: String::new(),
        };
        let faults = faults_of(v1::declaration::Content::Denial(denial));
        let expected: Vec<_> = expected.iter().map(|field| format!("declaration.denial.{field}")).collect();
        assert_eq!(faults, expected, "{sector:?} {scope:?}");
    }
}

#[test]
fn a_page_has_as_many_declarations_as_are_asked_for() {
    let of = |page_size: i32| {
        let viewing_purpose = v1::ViewingPurpose::Investigation.into();
        let viewer = my_kanta();
        listing(&v1::ListDeclarationsRequest {
            client: client(),
            viewing_purpose,
            viewer,
            page_size,
            ..Default::default()
        })
    };
    for (page_size, expected) in [(0, None), (1, Some(1)), (25, Some(25))] {
        let listing = of(page_size).expect("a listing");
        assert_eq!(listing.page_size, expected);
        assert_eq!(listing.view.purpose, Some(ViewingPurpose::Investigation));
    }
    assert_eq!(fields(of(-1)), ["page_size"]);
}

#[test]
fn a_copy_of_the_consents_is_of_one_sector_a_summary_of_the_denials_of_one_or_both() {
    use PrintedSector::{Both, One};
    let of = |sector: v1::Sector, document: v1::Document| {
        print_order(&v1::PrintDeclarationsRequest {
            client: client(),
            sector: sector.into(),
            document: document.into(),
            printed_by: my_kanta(),
            requested_by: Some(v1::Declarer { role: v1::Role::Client.into(), ..Default::default() }),
            ..Default::default()
        })
    };
    let (consents, denials) = (v1::Document::Consents, v1::Document::Denials);
    for (sector, document, expected) in [
        (v1::Sector::Healthcare, denials, One(Sector::Healthcare)),
        (v1::Sector::SocialWelfare, denials, One(Sector::SocialWelfare)),
        (v1::Sector::Both, denials, Both),
        (v1::Sector::Healthcare, consents, One(Sector::Healthcare)),
    ] {
        assert_eq!(of(sector, document).map(|order| order.submission.sector).ok(), Some(expected));
    }
    assert_eq!(fields(of(v1::Sector::Both, consents)), ["sector"]);
    assert_eq!(fields(of(v1::Sector::Unspecified, denials)), ["sector"]);
}

#[test]
fn denials_are_shown_to_a_viewer_only() {
    let list = |kinds: &[v1::Kind], viewer| {
        let kinds = kinds.iter().map(|kind| (*kind).into()).collect();
        fields(listing(&v1::ListDeclarationsRequest {
            client: client(),
            kinds,
            viewer,
            ..Default::default()
        }))
    };
    for kinds in [&[][..], &[v1::Kind::Denial], &[v1::Kind::Consent, v1::Kind::Denial]] {
        assert_eq!(list(kinds, None), ["viewer"], "{kinds:?}");
        assert_eq!(list(kinds, my_kanta()), [""; 0], "{kinds:?}");
    }
    assert_eq!(list(&[v1::Kind::Consent, v1::Kind::Information], None), [""; 0]);
    for (document, expected) in [(v1::Document::Denials, &["printed_by"][..]), (v1::Document::Consents, &[])]
    {
        let order = print_order(&v1::PrintDeclarationsRequest {
            client: client(),
            sector: v1::Sector::Healthcare.into(),
            document: document.into(),
            requested_by: Some(v1::Declarer { role: v1::Role::Client.into(), ..Default::default() }),
            ..Default::default()
        });
        assert_eq!(fields(order), expected);
    }
}

#[test]
fn a_label_is_a_few_words_in_one_line() {
    for (label, expected) in [
        ("the visit in May".to_owned(), &[][..]),
        ("ä".repeat(200), &[]),
        ("ä".repeat(201), &["declaration.denial.label"]),
        ("two\nlines".to_owned(), &["declaration.denial.label"]),
    ] {
        let denial = v1::Denial {
            sector: v1::Sector::Healthcare.into(),
            scope: Some(v1::denial::Scope::AllPatientData(v1::AllPatientData {})),
            label,
            ..v1::Denial::default()
        };
        assert_eq!(faults_of(v1::declaration::Content::Denial(denial)), expected);
    }
}
