//! The rules of domain rules §8 on printouts.

use super::super::calendar::Calendar;
use super::super::declaration::{Allocation, Professional, Recipient, Scope};
use super::*;
use crate::samples::*;

const TODAY: &str = "2026-02-01";

type Listed = Vec<(String, Option<PrintNote>)>;

fn submission(code: &str, sector: Sector, document: PrintedDocument, requested_by: Role) -> PrintSubmission {
    let register = match sector {
        Sector::Healthcare => COUNTY_HEALTHCARE,
        Sector::SocialWelfare => COUNTY_SOCIAL_WELFARE,
    };
    let printed_by = Some(professional(COUNTY, register));
    let sector = PrintedSector::One(sector);
    PrintSubmission { client: client(code), sector, document, requested_by, printed_by }
}

fn professional(organisation: &'static str, register: &'static str) -> RecordedBy {
    RecordedBy::Professional(Professional {
        organisation: oid(organisation),
        register: oid(register),
        professional: "".into(),
    })
}

fn list(
    submission: &PrintSubmission,
    declarations: &ClientDeclarations,
    day: &str,
) -> Result<Listed, Refusal> {
    let directory = directory("Esimerkki Lääkärikeskus Oy");
    let printout = printout(submission, declarations, &directory, &Calendar::published(), noon(day))?;
    let listed = |entry: &PrintEntry<'_>| (entry.declaration.id.as_str().to_owned(), entry.note);
    Ok(printout.entries.iter().map(listed).collect())
}

/// The printout of an adult client today.
fn listed(sector: Sector, document: PrintedDocument, declarations: &ClientDeclarations) -> Listed {
    let submission = submission(ADULT, sector, document, Role::Client);
    list(&submission, declarations, TODAY).expect("the client may")
}

fn ids(listed: Listed) -> Vec<String> {
    listed.into_iter().map(|(id, _)| id).collect()
}

fn consents(sector: Sector, declarations: &ClientDeclarations) -> Vec<String> {
    ids(listed(sector, PrintedDocument::Consents, declarations))
}

fn denials(sector: Sector, declarations: &ClientDeclarations) -> Vec<String> {
    ids(listed(sector, PrintedDocument::Denials, declarations))
}

fn local(controller: &'static str) -> ConsentKind<'static> {
    ConsentKind::LocalCrossSector { controller: oid(controller) }
}

#[test]
fn consents_are_those_that_concern_the_sectors_data() {
    let declarations = [
        information("informed", "2024-01-01"),
        consent("healthcare", "2024-01-02", ConsentKind::Healthcare),
        consent("social", "2024-01-02", ConsentKind::SocialWelfare),
        consent("to-social", "2024-01-02", ConsentKind::PatientDataToSocialWelfare),
        consent("to-healthcare", "2024-01-02", ConsentKind::ClientDataToHealthcare),
        consent("wellbeing", "2024-01-02", ConsentKind::WellbeingData),
        consent("local", "2024-01-02", local(COUNTY)),
        consent("verbal", "2024-01-02", ConsentKind::VerbalPrescription),
        denial("denial", "2024-01-02", DenialSector::Healthcare, Scope::AllPatientData),
    ];
    assert_eq!(
        consents(Sector::Healthcare, &declarations),
        ["healthcare", "to-social", "wellbeing", "local"]
    );
    assert_eq!(
        consents(Sector::SocialWelfare, &declarations),
        ["social", "to-healthcare", "wellbeing", "local"]
    );
}

#[test]
fn only_the_latest_consent_of_a_kind_is_in_force() {
    let declarations = [
        information("informed", "2024-01-01"),
        consent("first", "2024-01-02", ConsentKind::Healthcare),
        consent("local-county", "2024-01-02", local(COUNTY)),
        consent("local-private", "2024-01-03", local(PRIVATE)),
        consent("second", "2024-01-03", ConsentKind::Healthcare),
        consent("tomorrow", "2026-02-02", ConsentKind::Healthcare),
    ];
    assert_eq!(consents(Sector::Healthcare, &declarations), ["local-county", "local-private", "second"]);
}

#[test]
fn a_withdrawn_consent_is_left_out_and_does_not_bring_back_an_earlier_one() {
    let second = consent("second", "2024-01-03", ConsentKind::Healthcare);
    let declarations = [
        information("informed", "2024-01-01"),
        consent("first", "2024-01-02", ConsentKind::Healthcare),
        withdrawn("2024-02-01", None, second),
    ];
    assert_eq!(consents(Sector::Healthcare, &declarations), [""; 0]);
}

#[test]
fn a_consent_given_without_entitlement_is_no_act_of_the_client() {
    let by_guardian = consent("guardian", "2024-01-03", ConsentKind::Healthcare);
    let by_nobody = consent("nobody", "2024-01-03", ConsentKind::WellbeingData);
    let declarations = [
        information("informed", "2024-01-01"),
        consent("own", "2024-01-02", ConsentKind::Healthcare),
        given_by(Some(Role::Guardian), by_guardian),
        given_by(None, by_nobody),
    ];
    assert_eq!(consents(Sector::Healthcare, &declarations), ["own"]);
}

#[test]
fn a_consent_from_before_the_information_must_be_given_again() {
    let declarations = [
        consent("before", "2024-01-01", ConsentKind::Healthcare),
        information("informed", "2024-01-02"),
        consent("after", "2024-01-03", ConsentKind::WellbeingData),
    ];
    let expected = [("before".to_owned(), Some(PrintNote::GiveAgain)), ("after".to_owned(), None)];
    assert_eq!(listed(Sector::Healthcare, PrintedDocument::Consents, &declarations), expected);
}

#[test]
fn a_consent_with_an_allocation_that_is_not_offered_covers_nothing() {
    let to = |recipient| Allocation { recipients: vec![recipient], ..unlimited() };
    let kind = || ConsentKind::PatientDataToSocialWelfare;
    for (name, allocation, note) in [
        ("to-a-county", to(Recipient::Organisation(oid(COUNTY))), Some(PrintNote::CoversNothing)),
        ("to-nobody-known", to(Recipient::Organisation(oid(UNKNOWN))), Some(PrintNote::CoversNothing)),
        ("to-all-public", to(Recipient::AllPublic), None),
        ("to-a-private", to(Recipient::Organisation(oid(PRIVATE))), None),
        ("to-all", unlimited(), None),
    ] {
        let declarations =
            [information("informed", "2024-01-01"), allocated(name, "2024-01-02", kind(), allocation)];
        let listed = listed(Sector::Healthcare, PrintedDocument::Consents, &declarations);
        assert_eq!(listed, [(name.to_owned(), note)]);
    }
}

#[test]
fn an_empty_allocation_within_a_sector_limits_nothing() {
    let declarations = [
        information("informed", "2024-01-01"),
        allocated("plain", "2024-01-02", ConsentKind::Healthcare, unlimited()),
    ];
    let listed = listed(Sector::Healthcare, PrintedDocument::Consents, &declarations);
    assert_eq!(listed, [("plain".to_owned(), None)]);
}

#[test]
fn an_older_healthcare_consent_is_for_kanta_only() {
    let directory = directory("");
    let submission = submission(ADULT, Sector::Healthcare, PrintedDocument::Consents, Role::Client);
    for (day, expected) in [("2023-12-31", true), ("2024-01-01", false)] {
        let declarations =
            [information("informed", "2022-12-01"), consent("one", day, ConsentKind::Healthcare)];
        let printout = printout(&submission, &declarations, &directory, &Calendar::published(), noon(TODAY));
        let entries = printout.expect("the client may").entries;
        assert_eq!(entries.first().map(|entry| entry.is_for_kanta_only), Some(expected), "{day}");
    }
}

#[test]
fn an_unreadable_consent_is_listed_in_place_of_earlier_ones() {
    let declarations = [
        information("informed", "2024-01-01"),
        consent("earlier", "2024-01-02", ConsentKind::Healthcare),
        declared("unreadable", "2024-01-03", Content::Unreadable(Kind::Consent)),
        consent("later", "2024-01-04", ConsentKind::WellbeingData),
    ];
    let expected = [("unreadable".to_owned(), Some(PrintNote::Unreadable)), ("later".to_owned(), None)];
    assert_eq!(listed(Sector::Healthcare, PrintedDocument::Consents, &declarations), expected);
}

#[test]
fn denials_are_those_of_the_sector_and_of_both() {
    let declarations = [
        information("informed", "2024-01-01"),
        consent("consent", "2024-01-02", ConsentKind::Healthcare),
        denial("event", "2024-01-02", DenialSector::Healthcare, Scope::ServiceEvent(id("e"))),
        denial("document", "2024-01-02", DenialSector::SocialWelfare, Scope::Document(id("d"))),
        denial("extensive", "2024-01-02", DenialSector::Both, Scope::Extensive),
        denial("extensive-of-one", "2024-01-02", DenialSector::SocialWelfare, Scope::Extensive),
        denial("both", "2024-01-02", DenialSector::Both, Scope::AllPatientData),
        denial("tomorrow", "2026-02-02", DenialSector::Healthcare, Scope::AllPatientData),
    ];
    assert_eq!(denials(Sector::Healthcare, &declarations), ["event", "extensive", "both"]);
    let of_social_welfare = ["document", "extensive", "extensive-of-one", "both"];
    assert_eq!(denials(Sector::SocialWelfare, &declarations), of_social_welfare);

    let summary = PrintSubmission {
        sector: PrintedSector::Both,
        printed_by: Some(RecordedBy::MyKanta),
        ..submission(ADULT, Sector::Healthcare, PrintedDocument::Denials, Role::Client)
    };
    let all = ["event", "document", "extensive", "extensive-of-one", "both"];
    assert_eq!(ids(list(&summary, &declarations, TODAY).expect("the client may")), all);
}

#[test]
fn a_withdrawn_denial_is_left_out_unless_the_withdrawal_ends_nothing() {
    let one = |name| denial(name, "2024-01-02", DenialSector::Healthcare, Scope::AllPatientData);
    let declarations = [
        withdrawn("2024-02-01", Some(Role::Client), one("by-client")),
        withdrawn("2024-02-01", Some(Role::LegalRepresentative), one("by-representative")),
        withdrawn("2024-02-01", Some(Role::Guardian), one("by-guardian-of-adult")),
        withdrawn("2024-02-01", Some(Role::AuthorisedPerson), one("by-authorised-person")),
        withdrawn("2024-02-01", None, one("by-nobody")),
        withdrawn("2026-02-02", Some(Role::Client), one("tomorrow")),
    ];
    assert_eq!(
        denials(Sector::Healthcare, &declarations),
        ["by-guardian-of-adult", "by-authorised-person", "by-nobody", "tomorrow"]
    );
}

#[test]
fn a_denial_that_cannot_be_read_is_listed_in_both_sectors() {
    let declarations = [declared("unreadable", "2024-01-02", Content::Unreadable(Kind::Denial))];
    for sector in [Sector::Healthcare, Sector::SocialWelfare] {
        let listed = listed(sector, PrintedDocument::Denials, &declarations);
        assert_eq!(listed, [("unreadable".to_owned(), Some(PrintNote::Unreadable))]);
    }
}

/// The printouts that each role of each client may have on a day.
#[test]
fn a_person_who_may_give_declarations_may_have_them_printed() {
    use PrintedDocument::{Consents, Denials};
    use Sector::{Healthcare, SocialWelfare};

    let everything =
        [(Healthcare, Consents), (Healthcare, Denials), (SocialWelfare, Consents), (SocialWelfare, Denials)];
    // All but the denials of social welfare.
    let for_minor = &everything[..3];
    let birthday = "2034-05-02";
    for (code, role, day, allowed) in [
        (ADULT, Role::Client, TODAY, &everything[..]),
        (ADULT, Role::LegalRepresentative, TODAY, &everything),
        (ADULT, Role::Guardian, TODAY, &[]),
        (ADULT, Role::AuthorisedPerson, TODAY, &[]),
        (MINOR, Role::Client, TODAY, &everything),
        (MINOR, Role::Guardian, TODAY, for_minor),
        (MINOR, Role::LegalRepresentative, TODAY, for_minor),
        (MINOR, Role::AuthorisedPerson, TODAY, &[]),
        (MINOR, Role::Guardian, "2034-05-01", for_minor),
        (MINOR, Role::Guardian, birthday, &[]),
        (MINOR, Role::LegalRepresentative, birthday, &everything),
    ] {
        for (sector, document) in everything {
            let listed = list(&submission(code, sector, document, role), &[], day);
            let expected = allowed.contains(&(sector, document));
            let expected = if expected { Ok(Listed::new()) } else { Err(Refusal::DeclarerNotAllowed) };
            assert_eq!(listed, expected, "{role:?} of {code} on {day}: {sector:?} {document:?}");
        }
    }
}

#[test]
fn a_guardian_gets_the_denials_of_healthcare_from_a_professional_and_no_others() {
    let of = |sector, printed_by| {
        let submission = submission(MINOR, Sector::Healthcare, PrintedDocument::Denials, Role::Guardian);
        list(&PrintSubmission { sector, printed_by: Some(printed_by), ..submission }, &[], TODAY)
    };
    let healthcare = PrintedSector::One(Sector::Healthcare);
    let not_allowed = Err(Refusal::DeclarerNotAllowed);
    assert_eq!(of(healthcare, professional(COUNTY, COUNTY_HEALTHCARE)), Ok(Listed::new()));
    assert_eq!(of(healthcare, RecordedBy::MyKanta), not_allowed);
    assert_eq!(of(PrintedSector::Both, professional(COUNTY, COUNTY_HEALTHCARE)), not_allowed);
}

#[test]
fn a_guardian_gets_all_consents_but_that_to_wellbeing_data() {
    let declarations = [
        information("informed", "2024-01-01"),
        consent("healthcare", "2024-01-02", ConsentKind::Healthcare),
        consent("wellbeing", "2024-01-02", ConsentKind::WellbeingData),
        consent("local", "2024-01-02", local(COUNTY)),
    ];
    let submission = submission(MINOR, Sector::Healthcare, PrintedDocument::Consents, Role::Guardian);
    let listed = list(&submission, &declarations, TODAY).expect("a guardian may");
    assert_eq!(ids(listed), ["healthcare", "local"]);
}

#[test]
fn a_professional_prints_the_denials_of_the_own_sector_or_of_both() {
    let of = |sector, register| {
        let submission = submission(ADULT, Sector::Healthcare, PrintedDocument::Denials, Role::Client);
        let printed_by = Some(professional(COUNTY, register));
        list(&PrintSubmission { sector, printed_by, ..submission }, &[], TODAY)
    };
    let (healthcare, social_welfare) =
        (PrintedSector::One(Sector::Healthcare), PrintedSector::One(Sector::SocialWelfare));
    let refused = Err(Refusal::RecorderSectorNotAllowed);
    assert_eq!(of(healthcare, COUNTY_HEALTHCARE), Ok(Listed::new()));
    assert_eq!(of(healthcare, COUNTY_SOCIAL_WELFARE), refused);
    assert_eq!(of(social_welfare, COUNTY_HEALTHCARE), refused);
    assert_eq!(of(PrintedSector::Both, COUNTY_HEALTHCARE), Ok(Listed::new()));
    assert_eq!(of(PrintedSector::Both, COUNTY_SOCIAL_WELFARE), Ok(Listed::new()));
}

#[test]
fn a_consent_says_from_when_it_opens() {
    let submission = submission(ADULT, Sector::Healthcare, PrintedDocument::Consents, Role::Client);
    for (kind, day, expected) in [
        (ConsentKind::PatientDataToSocialWelfare, "2027-02-28", Some("2027-03-01")),
        (ConsentKind::PatientDataToSocialWelfare, "2027-03-01", None),
        (ConsentKind::WellbeingData, "2025-12-31", Some("2026-01-01")),
        (ConsentKind::WellbeingData, "2026-01-01", None),
        (ConsentKind::Healthcare, "2022-12-02", None),
    ] {
        let declarations = [information("informed", "2022-12-01"), consent("one", "2022-12-02", kind)];
        let (directory, calendar) = (directory(""), Calendar::published());
        let printout = printout(&submission, &declarations, &directory, &calendar, noon(day));
        let entries = printout.expect("the client may").entries;
        let opens_from = entries.first().expect("a consent").opens_from;
        assert_eq!(opens_from.map(|day| day.to_string()).as_deref(), expected, "{day}");
    }
}

#[test]
fn prescriptions_to_social_welfare_follow_later_than_the_rest() {
    let submission = submission(ADULT, Sector::Healthcare, PrintedDocument::Consents, Role::Client);
    let (march, november) = ("2027-03-01", "2027-11-01");
    for (data, day, expected) in [
        (&[][..], "2027-02-28", (Some(march), Some(november))),
        (&[], "2027-03-01", (None, Some(november))),
        (&[], "2027-11-01", (None, None)),
        (&[DataKind::PatientSummary], "2027-02-28", (Some(march), None)),
        (&[DataKind::PatientSummary, DataKind::Prescription], "2027-02-28", (Some(march), Some(november))),
        (&[DataKind::Prescription], "2027-02-28", (None, Some(november))),
    ] {
        let allocation = Allocation { data: data.to_vec(), ..unlimited() };
        let kind = ConsentKind::PatientDataToSocialWelfare;
        let declarations =
            [information("informed", "2024-01-01"), allocated("one", "2024-01-02", kind, allocation)];
        let (directory, calendar) = (directory(""), Calendar::published());
        let printout = printout(&submission, &declarations, &directory, &calendar, noon(day));
        let entries = printout.expect("the client may").entries;
        let entry = entries.first().expect("a consent");
        let days = [entry.opens_from, entry.prescriptions_from].map(|from| from.map(|day| day.to_string()));
        assert_eq!((days[0].as_deref(), days[1].as_deref()), expected, "{data:?} on {day}");
    }
}

#[test]
fn the_organisation_and_the_register_of_a_professional_who_prints_must_be_known() {
    let professional = |organisation, register| Some(professional(organisation, register));
    for (printed_by, role, expected) in [
        (professional(COUNTY, COUNTY_HEALTHCARE), Role::Client, Ok(Listed::new())),
        (Some(RecordedBy::MyKanta), Role::Client, Ok(Listed::new())),
        (professional(UNKNOWN, COUNTY_HEALTHCARE), Role::Client, Err(Refusal::RecorderUnknown)),
        (professional(COUNTY, UNKNOWN), Role::Client, Err(Refusal::RecorderUnknown)),
        (professional(COUNTY, COUNTY), Role::Client, Err(Refusal::RecorderUnknown)),
        (professional(COUNTY, UNKNOWN), Role::Guardian, Err(Refusal::RecorderUnknown)),
        (professional(COUNTY, COUNTY_HEALTHCARE), Role::Guardian, Err(Refusal::DeclarerNotAllowed)),
    ] {
        let submission = PrintSubmission {
            printed_by,
            ..submission(ADULT, Sector::Healthcare, PrintedDocument::Denials, role)
        };
        assert_eq!(list(&submission, &[], TODAY), expected, "{submission:?}");
    }
}
