//! The printouts as the client reads them, and what holds for each of them.

use crate::policy::calendar::Calendar;
use crate::policy::day::Day;
use crate::policy::declaration::{
    Against, Allocation, ConsentKind, Content, DataKind, Declaration, DenialSector, Kind, Professional,
    Recipient, RecordedBy, Role, Scope,
};
use crate::policy::directory::{Directory, OrganisationKind, RegisterKind, Sector};
use crate::policy::printout::samples::*;
use crate::policy::printout::{PrintedDocument, PrintedSector, printout};

use super::*;

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
        sector: HEALTHCARE,
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
        (
            consents,
            HEALTHCARE,
            Language::En,
            "You have no consents to data sharing in force in healthcare.",
        ),
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
fn one_summary_of_both_sectors_says_of_which_sector_a_denial_is() {
    let of = |sector| denial("one", "2024-05-06", sector, Scope::Extensive);
    for (language, expected) in [
        (
            Language::Fi,
            [
                "Kielto koskee terveydenhuoltoa.",
                "Kielto koskee sosiaalihuoltoa.",
                "Kielto koskee sekä terveydenhuoltoa että sosiaalihuoltoa.",
            ],
        ),
        (
            Language::Sv,
            [
                "Förbudet gäller hälso- och sjukvården.",
                "Förbudet gäller socialvården.",
                "Förbudet gäller både hälso- och sjukvården och socialvården.",
            ],
        ),
        (
            Language::En,
            [
                "This denial concerns healthcare.",
                "This denial concerns social welfare.",
                "This denial concerns both healthcare and social welfare.",
            ],
        ),
    ] {
        for (sector, expected) in
            [DenialSector::Healthcare, DenialSector::SocialWelfare, DenialSector::Both].into_iter().zip(expected)
        {
            let summary = lines_of(PrintedSector::Both, language, &[of(sector)]);
            assert_eq!(summary.first().map(String::as_str), Some(expected));
            for one in [HEALTHCARE, SOCIAL_WELFARE] {
                assert!(!lines_of(one, language, &[of(sector)]).contains(&expected.to_owned()));
            }
        }
    }
}

#[test]
fn an_extensive_denial_says_what_it_covers_in_its_sector() {
    let headings = |sector, language| {
        let order =
            Order { document: PrintedDocument::Denials, sector: PrintedSector::Both, language, format: Format::Text };
        let printed = print(order, &[denial("one", "2024-05-06", sector, Scope::Extensive)], "");
        printed.entries.into_iter().map(|entry| (entry.heading, entry.lines.join(" "))).collect::<Vec<_>>()
    };
    for (sector, fi, prescriptions) in [
        (DenialSector::Healthcare, "Laaja luovutuskielto: kaikki potilastietosi", true),
        (DenialSector::SocialWelfare, "Laaja luovutuskielto: kaikki sosiaalihuollon asiakastietosi", false),
        (DenialSector::Both, "Laaja luovutuskielto: kaikki tietosi", true),
    ] {
        for language in LANGUAGES {
            let headings = headings(sector, language);
            let (heading, lines) = headings.first().expect("an entry");
            assert_eq!(language == Language::Fi, heading == fi, "{heading}");
            let (word, emergency) = match language {
                Language::Fi => ("reseptejä", "hätätilanteessakaan"),
                Language::Sv => ("recept", "ens i en nödsituation"),
                Language::En => ("prescriptions", "even in an emergency"),
            };
            assert_eq!(lines.contains(word), prescriptions, "{lines}");
            assert_eq!(lines.contains(emergency), prescriptions, "{lines}");
        }
    }
}

#[test]
fn a_denial_of_all_patient_data_does_not_cover_wellbeing_data() {
    for (language, expected) in [
        (Language::Fi, "Kielto ei koske reseptejä eikä hyvinvointitietoja, jotka olet itse tallentanut."),
        (
            Language::Sv,
            "Förbudet gäller inte recept och inte heller uppgifter om välbefinnande som du själv har sparat.",
        ),
        (
            Language::En,
            "The denial does not cover prescriptions or the wellbeing data that you yourself have saved.",
        ),
    ] {
        let of = |sector| denial("all", "2024-05-06", sector, Scope::AllPatientData);
        let line = expected.to_owned();
        assert!(lines_of(HEALTHCARE, language, &[of(DenialSector::Healthcare)]).contains(&line));
        assert!(!lines_of(SOCIAL_WELFARE, language, &[of(DenialSector::SocialWelfare)]).contains(&line));
    }
}

#[test]
fn a_denial_says_the_clients_own_name_for_it_and_only_if_there_is_one() {
    let visit = || denial("visit", "2024-05-06", DenialSector::Healthcare, Scope::ServiceEvent(id("v-1")));
    for (language, own_name) in [
        (Language::Fi, "Oma nimityksesi kiellolle"),
        (Language::Sv, "Din egen benämning på förbudet"),
        (Language::En, "Your own name for this denial"),
    ] {
        let labelled = lines_of(HEALTHCARE, language, &[labelled("Käynti toukokuussa", visit())]);
        assert_eq!(labelled.first(), Some(&format!("{own_name}: Käynti toukokuussa")));
        let plain = lines_of(HEALTHCARE, language, &[visit()]);
        assert!(!plain.iter().any(|line| line.starts_with(own_name)), "{plain:?}");
    }
}

#[test]
fn labels_are_escaped_in_html() {
    let visit = denial("visit", "2024-05-06", DenialSector::Healthcare, Scope::ServiceEvent(id("v-1")));
    let order = Order {
        document: PrintedDocument::Denials,
        sector: PrintedSector::Both,
        language: Language::En,
        format: Format::Html,
    };
    let rendered = print(order, &[labelled("<script>", visit)], "").rendered;
    assert!(rendered.contains("&lt;script&gt;") && !rendered.contains("<script"), "{rendered}");
}

#[test]
fn names_are_in_the_language_of_the_print_or_else_in_finnish() {
    let of = |register| denial("one", "2024-05-06", DenialSector::Healthcare, Scope::Register(oid(register)));
    for (language, named, social_welfare) in [
        (
            Language::Fi,
            "Rekisteri: Työterveyshuollon rekisteri (Mallilan hyvinvointialue)",
            "Rekisteri: Sosiaalihuollon rekisteri (Mallilan hyvinvointialue)",
        ),
        (
            Language::Sv,
            "Register: Företagshälsovårdens register (Mallila välfärdsområde)",
            "Register: Sosiaalihuollon rekisteri (Mallila välfärdsområde)",
        ),
        (
            Language::En,
            "Register: Occupational healthcare register (Mallila wellbeing services county)",
            "Register: Sosiaalihuollon rekisteri (Mallila wellbeing services county)",
        ),
    ] {
        for (register, expected) in [(COUNTY_OCCUPATIONAL, named), (COUNTY_SOCIAL_WELFARE, social_welfare)] {
            let lines = lines_of(HEALTHCARE, language, &[of(register)]);
            assert_eq!(lines.first().map(String::as_str), Some(expected));
        }
    }
}

#[test]
fn a_denial_says_which_registers_it_covers_if_they_are_more_than_the_named_one() {
    let of = |scope| denial("one", "2022-05-06", DenialSector::Healthcare, scope);
    let file = of(Scope::Register(oid(COUNTY_HEALTHCARE)));
    let former = of(Scope::FormerProvider(oid(FORMER)));
    let label = "Tulostuspäivänä kielto koskee näiden rekisterien tietoja: ";
    let own = "Terveydenhuollon rekisteri (Mallilan hyvinvointialue)";
    let merged = "Kaupungin terveydenhuolto (Mallilan kaupunki)";
    let both = format!("{label}{own}; {merged}");
    for (denial, carries, expected) in [
        (&file, false, Some(both.clone())),
        (&former, false, Some(format!("{label}{merged}"))),
        (&former, true, Some(both)),
        (&of(Scope::Register(oid(COUNTY_OCCUPATIONAL))), false, None),
        (&of(Scope::Register(oid(FORMER_HEALTHCARE))), false, None),
        (&of(Scope::FormerProvider(oid(UNKNOWN))), false, None),
        (&of(Scope::AllPatientData), false, None),
    ] {
        let order = Order {
            document: PrintedDocument::Denials,
            sector: HEALTHCARE,
            language: Language::Fi,
            format: Format::Text,
        };
        let directory = merged_directory("", carries);
        let printed = print_by(&directory, order, std::slice::from_ref(denial), TODAY);
        let mut lines = printed.entries.into_iter().flat_map(|entry| entry.lines);
        assert_eq!(lines.find(|line| line.starts_with(label)), expected, "{denial:?}");
    }
}

#[test]
fn more_than_ten_registers_are_counted() {
    const MORE: [&str; 10] = [
        "1.2.246.10.99999999.201.11",
        "1.2.246.10.99999999.201.12",
        "1.2.246.10.99999999.201.13",
        "1.2.246.10.99999999.201.14",
        "1.2.246.10.99999999.201.15",
        "1.2.246.10.99999999.201.16",
        "1.2.246.10.99999999.201.17",
        "1.2.246.10.99999999.201.18",
        "1.2.246.10.99999999.201.19",
        "1.2.246.10.99999999.201.20",
    ];
    let file =
        denial("file", "2024-05-06", DenialSector::Healthcare, Scope::Register(oid(COUNTY_HEALTHCARE)));
    for (count, language, end) in [
        (9, Language::En, "Register (Mallilan kaupunki)"),
        (10, Language::Fi, " ja 1 muuta"),
        (10, Language::Sv, " och 1 till"),
        (10, Language::En, " and 1 more"),
    ] {
        let former = MORE
            .iter()
            .take(count)
            .map(|one| register(one, "Register".into(), FORMER, RegisterKind::PublicHealthcare));
        let registers = [registers(), former.collect()].concat();
        let directory = Directory::build(organisations(""), registers, Vec::new()).expect("a directory");
        let order =
            Order { document: PrintedDocument::Denials, sector: HEALTHCARE, language, format: Format::Text };
        let printed = print_by(&directory, order, std::slice::from_ref(&file), TODAY);
        let lines: Vec<_> = printed.entries.into_iter().flat_map(|entry| entry.lines).collect();
        let covers = lines.get(1).expect("a line on what it covers");
        assert!(covers.ends_with(end), "{covers}");
        assert_eq!(covers.matches("; ").count(), 9, "{covers}");
    }
}

#[test]
fn a_consent_says_from_when_it_opens_until_it_does() {
    let kind = || ConsentKind::PatientDataToSocialWelfare;
    let of_data = |data: &[DataKind]| {
        let allocation = Allocation { data: data.to_vec(), ..unlimited() };
        allocated("one", "2024-01-02", kind(), allocation)
    };
    let all = consent("one", "2024-01-02", kind());
    let opens = |day: &str| format!("from {day} at the earliest.");
    let (march, november) = (opens("1 March 2027"), opens("1 November 2027"));
    let shared = "Under this consent, data will be shared through the Kanta Services ";
    let prescribed = "Under this consent, prescriptions will be shared through the Kanta Services ";
    let (shared, prescribed) = (format!("{shared}{march}"), format!("{prescribed}{november}"));
    for (consent, day, expected) in [
        (&all, "2027-02-28", vec![&shared, &prescribed]),
        (&all, "2027-03-01", vec![&prescribed]),
        (&all, "2027-11-01", vec![]),
        (&of_data(&[DataKind::PatientSummary]), "2027-02-28", vec![&shared]),
        (&of_data(&[DataKind::Prescription]), "2027-02-28", vec![&prescribed]),
    ] {
        let declarations = [information("informed", "2023-01-01"), consent.clone()];
        let order = Order {
            document: PrintedDocument::Consents,
            sector: HEALTHCARE,
            language: Language::En,
            format: Format::Text,
        };
        let printed = print_by(&directory(""), order, &declarations, day);
        let lines: Vec<_> = printed.entries.into_iter().flat_map(|entry| entry.lines).collect();
        let opening: Vec<_> = lines.iter().filter(|line| line.ends_with("at the earliest.")).collect();
        assert_eq!(opening, expected, "{day}");
    }
}

#[test]
fn from_when_a_consent_opens_is_said_in_each_language() {
    let to_healthcare = consent("one", "2024-01-02", ConsentKind::ClientDataToHealthcare);
    for (language, expected) in [
        (
            Language::Fi,
            "Tietojasi luovutetaan tällä luvalla Kanta-palvelujen kautta aikaisintaan 1.3.2027 alkaen.",
        ),
        (
            Language::Sv,
            "Uppgifter lämnas ut via Kanta-tjänsterna med stöd av det här tillståndet tidigast från och med \
             den 1.3.2027.",
        ),
        (
            Language::En,
            "Under this consent, data will be shared through the Kanta Services from 1 March 2027 at the \
             earliest.",
        ),
    ] {
        let order = Order {
            document: PrintedDocument::Consents,
            sector: SOCIAL_WELFARE,
            language,
            format: Format::Text,
        };
        let informed = [information("informed", "2023-01-01"), to_healthcare.clone()];
        let lines = |declarations: &[Declaration]| {
            let printed = print(order, declarations, "");
            printed.entries.into_iter().flat_map(|entry| entry.lines).collect::<Vec<_>>()
        };
        assert!(lines(&informed).contains(&expected.to_owned()), "{:?}", lines(&informed));
        // One that is not in effect opens nothing on any day.
        let not_informed = lines(std::slice::from_ref(&to_healthcare));
        assert!(!not_informed.contains(&expected.to_owned()), "{not_informed:?}");
    }
}

#[test]
fn a_consent_from_before_the_information_says_so() {
    let declarations =
        [consent("before", "2023-12-01", ConsentKind::Healthcare), information("informed", "2024-01-01")];
    for (language, expected) in [
        (Language::Fi, "koska se annettiin ennen kuin olit saanut tiedon Kanta-palveluista"),
        (Language::Sv, "eftersom det gavs innan du hade fått informationen om Kanta-tjänsterna"),
        (Language::En, "because it was given before you had received the information about the Kanta Services"),
    ] {
        let order =
            Order { document: PrintedDocument::Consents, sector: HEALTHCARE, language, format: Format::Text };
        let notes = |declarations: &[Declaration]| -> Vec<String> {
            print(order, declarations, "").entries.into_iter().filter_map(|entry| entry.note).collect()
        };
        let given_before = notes(&declarations);
        assert!(given_before.first().is_some_and(|note| note.contains(expected)), "{given_before:?}");
        let mut given_after = declarations.clone();
        given_after.reverse();
        given_after[1].given_at = noon("2024-01-02");
        given_after[1].recorded_at = noon("2024-01-02");
        assert_eq!(notes(&given_after), [""; 0]);
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
        let order = Order {
            document: PrintedDocument::Denials,
            sector: HEALTHCARE,
            language,
            format: Format::Text,
        };
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
