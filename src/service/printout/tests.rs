//! The printouts as the client reads them, and what holds for each of them.

use crate::policy::calendar::Calendar;
use crate::policy::day::Day;
use crate::policy::declaration::{
    Against, Allocation, ConsentKind, Content, DataKind, Declaration, DenialSector, Kind, Professional,
    Recipient, RecordedBy, Role, Scope,
};
use crate::policy::directory::{Directory, OrganisationKind, RegisterKind, Sector};
use crate::policy::printout::{PrintedDocument, PrintedSector, printout};
use crate::policy::samples::*;

use super::*;

mod consents;
mod denials;

const TODAY: &str = "2026-02-01";
const LANGUAGES: [Language; 3] = [Language::Fi, Language::Sv, Language::En];
const HEALTHCARE: PrintedSector = PrintedSector::One(Sector::Healthcare);
const SOCIAL_WELFARE: PrintedSector = PrintedSector::One(Sector::SocialWelfare);

/// The register of the former provider, which merged into the county's.
const FORMER_HEALTHCARE: &str = "1.2.246.10.99999999.201.1";

#[derive(Clone, Copy)]
struct Order {
    document: PrintedDocument,
    sector: PrintedSector,
    language: Language,
    format: Format,
}

/// The sample directory with a register of the former provider.
fn merged_directory(private_name: &str, carries_former_denials: bool) -> Directory {
    let mut organisations = organisations(private_name);
    for one in &mut organisations {
        one.carries_former_denials =
            carries_former_denials && one.kind == OrganisationKind::WellbeingServicesCounty;
    }
    let former = name("Kaupungin terveydenhuolto", "Stadens hälsovård", "City healthcare");
    let former = register(FORMER_HEALTHCARE, former, FORMER, RegisterKind::PublicHealthcare);
    let registers = [registers(), vec![former]].concat();
    Directory::build(organisations, registers, Vec::new()).expect("a directory without faults")
}

fn print(order: Order, declarations: &[Declaration], private_name: &str) -> Rendered {
    print_by(&merged_directory(private_name, false), order, declarations, TODAY)
}

fn print_by(directory: &Directory, order: Order, declarations: &[Declaration], day: &str) -> Rendered {
    let Order { document, sector, language, format } = order;
    let submission = PrintSubmission {
        client: client(ADULT),
        sector,
        document,
        requested_by: Role::Client,
        printed_by: None,
    };
    let printout = printout(&submission, declarations, directory, &Calendar::published(), noon(day));
    let printout = printout.expect("the client may");
    render(&printout, &submission, directory, language, format, noon(day))
}

/// The lines of the denials in a printout as text.
fn lines_of(sector: PrintedSector, language: Language, denials: &[Declaration]) -> Vec<String> {
    let order = Order { document: PrintedDocument::Denials, sector, language, format: Format::Text };
    print(order, denials, "").entries.into_iter().flat_map(|entry| entry.lines).collect()
}

/// Both sectors' printouts as text.
fn text(document: PrintedDocument, language: Language) -> String {
    let declarations = everything();
    let of_sector = |sector| {
        let order = Order { document, sector, language, format: Format::Text };
        print(order, &declarations, "Esimerkki Lääkärikeskus Oy").rendered
    };
    [HEALTHCARE, SOCIAL_WELFARE].map(of_sector).join("\n\n")
}

/// The summary of all denials as text.
fn summary(language: Language) -> String {
    let document = PrintedDocument::Denials;
    let order = Order { document, sector: PrintedSector::Both, language, format: Format::Text };
    print(order, &everything(), "").rendered
}

fn day(text: &str) -> Option<Day> {
    Some(Day::parse(text).expect("a day"))
}

/// Each kind of consent and each scope of denial, in some of their varieties.
fn everything() -> Vec<Declaration> {
    [consents(), denials()].concat()
}

fn consents() -> Vec<Declaration> {
    let to = |organisation| Recipient::Organisation(oid(organisation));
    let limited_to_data = Allocation {
        recipients: vec![Recipient::AllPublic, to(PRIVATE)],
        data: vec![
            DataKind::PatientSummary,
            DataKind::ServiceEventEntry,
            DataKind::StatementOrCertificate,
            DataKind::Prescription,
        ],
        recorded_from: day("2020-01-01"),
        recorded_to: day("2025-12-31"),
        ..unlimited()
    };
    let limited_to_tasks = Allocation {
        recipients: vec![Recipient::AllPublic],
        service_tasks: vec![id("02"), id("07")],
        recorded_from: day("2020-01-01"),
        ..unlimited()
    };
    let to_a_county = Allocation { recipients: vec![to(COUNTY)], ..unlimited() };
    let local = ConsentKind::LocalCrossSector { controller: oid(COUNTY) };
    let local_elsewhere = ConsentKind::LocalCrossSector { controller: oid(UNKNOWN) };
    vec![
        given_by(None, declared("unreadable", "2020-01-01", Content::Unreadable(Kind::Consent))),
        consent("before-information", "2022-12-01", ConsentKind::WellbeingData),
        information("informed", "2023-01-01"),
        consent("healthcare", "2023-06-01", ConsentKind::Healthcare),
        consent("social", "2024-01-02", ConsentKind::SocialWelfare),
        given_by(
            Some(Role::LegalRepresentative),
            allocated("to-social", "2024-01-02", ConsentKind::PatientDataToSocialWelfare, limited_to_data),
        ),
        allocated("to-healthcare", "2024-01-02", ConsentKind::ClientDataToHealthcare, limited_to_tasks),
        consent("local", "2024-01-02", local),
        allocated("local-elsewhere", "2024-01-03", local_elsewhere, to_a_county),
        consent("verbal", "2024-01-02", ConsentKind::VerbalPrescription),
    ]
}

fn denials() -> Vec<Declaration> {
    use DenialSector::{Both, Healthcare, SocialWelfare};

    let unreadable = declared("unreadable", "2024-05-06", Content::Unreadable(Kind::Denial));
    let county = RecordedBy::Professional(Professional {
        register: oid(COUNTY_HEALTHCARE),
        organisation: oid(COUNTY),
        professional: "Anna Ammattilainen".into(),
    });
    let mut all = denial("all", "2024-05-06", Healthcare, Scope::AllPatientData);
    all.recorded_at = noon("2024-05-07");
    let mut event = denial("event", "2024-05-06", Healthcare, Scope::ServiceEvent(id("1.2.246.10.1.14.1")));
    if let Content::Denial(denial) = &mut event.content {
        denial.against.extend([
            Against::OtherProviders,
            Against::OwnOtherRegisters,
            Against::UusimaaPublicHealthcare,
        ]);
        denial.allows_emergency = true;
    }
    vec![
        all,
        labelled("Lääkärikäynti toukokuussa", given_by(Some(Role::Guardian), event)),
        denial("register", "2024-05-06", Healthcare, Scope::Register(oid(COUNTY_OCCUPATIONAL))),
        denial("file", "2024-05-06", Healthcare, Scope::Register(oid(COUNTY_HEALTHCARE))),
        denial("register-unknown", "2024-05-06", Healthcare, Scope::Register(oid(UNKNOWN))),
        denial("prescription", "2024-05-06", Healthcare, Scope::Prescription(id("rx-1"))),
        given_by(None, denial("former", "2022-05-06", Healthcare, Scope::FormerProvider(oid(FORMER)))),
        denial("social-register", "2024-05-06", SocialWelfare, Scope::Register(oid(COUNTY_SOCIAL_WELFARE))),
        denial("transaction", "2024-05-06", SocialWelfare, Scope::ServiceTransaction(id("t-1"))),
        denial("document", "2024-05-06", SocialWelfare, Scope::Document(id("d-1"))),
        denial("task", "2024-05-06", SocialWelfare, Scope::ServiceTask(id("02"))),
        denial("extensive-healthcare", "2024-05-06", Healthcare, Scope::Extensive),
        denial("extensive-social", "2024-05-06", SocialWelfare, Scope::Extensive),
        denial("extensive", "2024-05-06", Both, Scope::Extensive),
        Declaration { recorded_by: Some(county), ..unreadable },
    ]
}

#[test]
fn consents_in_finnish() {
    insta::assert_snapshot!(text(PrintedDocument::Consents, Language::Fi));
}

#[test]
fn consents_in_swedish() {
    insta::assert_snapshot!(text(PrintedDocument::Consents, Language::Sv));
}

#[test]
fn consents_in_english() {
    insta::assert_snapshot!(text(PrintedDocument::Consents, Language::En));
}

#[test]
fn denials_in_finnish() {
    insta::assert_snapshot!(text(PrintedDocument::Denials, Language::Fi));
}

#[test]
fn denials_in_swedish() {
    insta::assert_snapshot!(text(PrintedDocument::Denials, Language::Sv));
}

#[test]
fn denials_in_english() {
    insta::assert_snapshot!(text(PrintedDocument::Denials, Language::En));
}

#[test]
fn all_denials_in_finnish() {
    insta::assert_snapshot!(summary(Language::Fi));
}

#[test]
fn all_denials_in_swedish() {
    insta::assert_snapshot!(summary(Language::Sv));
}

#[test]
fn all_denials_in_english() {
    insta::assert_snapshot!(summary(Language::En));
}

#[test]
fn denials_as_html() {
    let order = Order {
        document: PrintedDocument::Denials,
        sector: PrintedSector::Both,
        language: Language::En,
        format: Format::Html,
    };
    insta::assert_snapshot!(print(order, &everything(), "").rendered.replace("><", ">\n<"));
}

/// Every printout there is: document, sector, language and format.
fn for_each_order(check: impl Fn(Order)) {
    for (document, sectors) in [
        (PrintedDocument::Consents, &[HEALTHCARE, SOCIAL_WELFARE][..]),
        (PrintedDocument::Denials, &[HEALTHCARE, SOCIAL_WELFARE, PrintedSector::Both]),
    ] {
        for sector in sectors.iter().copied() {
            for language in LANGUAGES {
                for format in [Format::Text, Format::Html] {
                    check(Order { document, sector, language, format });
                }
            }
        }
    }
}

#[test]
fn the_client_is_named_once_and_staff_never() {
    for_each_order(|order| {
        let rendered = print(order, &everything(), "").rendered;
        assert_eq!(rendered.matches(ADULT).count(), 1, "{rendered}");
        assert!(!rendered.contains("Ammattilainen"), "{rendered}");
    });
}

#[test]
fn text_has_eighty_columns() {
    for_each_order(|order| {
        if order.format == Format::Text {
            let rendered = print(order, &everything(), "Esimerkki Lääkärikeskus Oy").rendered;
            let too_long = rendered.lines().find(|line| line.chars().count() > 80);
            assert_eq!(too_long, None);
        }
    });
}

#[test]
fn that_there_is_nothing_is_said_in_words() {
    let (consents, denials) = (PrintedDocument::Consents, PrintedDocument::Denials);
    for (document, sector, language, expected) in [
        (
            denials,
            HEALTHCARE,
            Language::Fi,
            "Sinulla ei ole voimassa olevia luovutuskieltoja terveydenhuollossa.",
        ),
        (
            denials,
            HEALTHCARE,
            Language::Sv,
            "Du har inga förbud mot utlämnande i kraft inom hälso- och sjukvården.",
        ),
        (
            denials,
            HEALTHCARE,
            Language::En,
            "You have no denials of consent to data sharing in force in healthcare.",
        ),
        (
            denials,
            PrintedSector::Both,
            Language::Fi,
            "Sinulla ei ole voimassa olevia luovutuskieltoja terveydenhuollossa eikä sosiaalihuollossa.",
        ),
        (
            denials,
            PrintedSector::Both,
            Language::Sv,
            "Du har inga förbud mot utlämnande i kraft vare sig inom hälso- och sjukvården eller inom \
             socialvården.",
        ),
        (
            denials,
            PrintedSector::Both,
            Language::En,
            "You have no denials of consent to data sharing in force in healthcare or in social welfare.",
        ),
        (consents, HEALTHCARE, Language::En, "You have no consents to data sharing in force in healthcare."),
    ] {
        for format in [Format::Text, Format::Html] {
            let order = Order { document, sector, language, format };
            let Rendered { title: _, entries, none, rendered } = print(order, &[], "");
            assert_eq!(entries, []);
            assert_eq!(none.as_deref(), Some(expected));
            let unbroken = rendered.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(unbroken.contains(expected), "{rendered}");
        }
    }
}

#[test]
fn names_are_escaped_in_html() {
    let order = Order {
        document: PrintedDocument::Consents,
        sector: HEALTHCARE,
        language: Language::En,
        format: Format::Html,
    };
    let rendered = print(order, &everything(), "<script>alert('Oy')</script>").rendered;
    assert!(!rendered.contains("<script"), "{rendered}");
    assert!(
        rendered.contains("&lt;script&gt;alert('Oy')&lt;/script&gt; and service providers"),
        "{rendered}"
    );
}

#[test]
fn a_name_stays_on_its_line_and_an_empty_one_gives_way_to_the_oid() {
    let recipients = |private_name| {
        let order = Order {
            document: PrintedDocument::Consents,
            sector: HEALTHCARE,
            language: Language::En,
            format: Format::Text,
        };
        let lines =
            print(order, &everything(), private_name).entries.into_iter().flat_map(|entry| entry.lines);
        lines.filter(|line| line.contains("operating in connection")).collect::<Vec<_>>()
    };
    assert!(recipients("One\r\nTwo").iter().all(|line| line.contains("; One  Two and")));
    assert!(recipients(" ").iter().all(|line| line.contains(PRIVATE)));
    assert_eq!(recipients("Oy").len(), 1);
}

#[test]
fn days_are_days_in_helsinki() {
    let late = chrono::DateTime::parse_from_rfc3339("2024-05-06T21:00:00Z").expect("an instant").to_utc();
    let mut late_denial = denial("late", "2024-05-06", DenialSector::Healthcare, Scope::AllPatientData);
    (late_denial.given_at, late_denial.recorded_at) = (late, late);
    for (language, expected) in [
        (Language::Fi, "Asetit kiellon 7.5.2024."),
        (Language::Sv, "Du meddelade förbudet den 7.5.2024."),
        (Language::En, "You set this denial on 7 May 2024."),
    ] {
        let order =
            Order { document: PrintedDocument::Denials, sector: HEALTHCARE, language, format: Format::Text };
        let printed = print(order, std::slice::from_ref(&late_denial), "");
        let lines = printed.entries.into_iter().flat_map(|entry| entry.lines).collect::<Vec<_>>();
        assert_eq!(lines.last().map(String::as_str), Some(expected));
    }
}

#[test]
fn languages_are_read_by_their_tags() {
    for language in LANGUAGES {
        assert_eq!(Language::from_tag(language.tag()), Some(language));
    }
    assert_eq!(Language::from_tag("no"), None);
}
