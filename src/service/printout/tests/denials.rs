//! Each sentence about a denial, where it is said and where not.

use super::*;

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
        for (sector, expected) in [DenialSector::Healthcare, DenialSector::SocialWelfare, DenialSector::Both]
            .into_iter()
            .zip(expected)
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
        let order = Order {
            document: PrintedDocument::Denials,
            sector: PrintedSector::Both,
            language,
            format: Format::Text,
        };
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
    let label = "Tulostuspäivänä kielto koskee kaikkia tietoja näissä rekistereissä: ";
    let one = "Tulostuspäivänä kielto koskee kaikkia tietoja tässä rekisterissä: ";
    let own = "Terveydenhuollon rekisteri (Mallilan hyvinvointialue)";
    let merged = "Kaupungin terveydenhuolto (Mallilan kaupunki)";
    let both = format!("{label}{own}; {merged}");
    for (denial, carries, expected) in [
        (&file, false, Some(both.clone())),
        (&former, false, Some(format!("{one}{merged}"))),
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
        assert_eq!(lines.find(|line| line.starts_with("Tulostuspäivänä")), expected, "{denial:?}");
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
fn a_denial_of_a_former_provider_follows_its_data_and_is_against_all() {
    let of = |scope| {
        let mut one = denial("one", "2022-05-06", DenialSector::Healthcare, scope);
        if let Content::Denial(denial) = &mut one.content {
            denial.against.push(Against::OtherProviders);
        }
        one
    };
    for (language, held, all, only_others) in [
        (
            Language::Fi,
            "Kielto koskee palvelunantajan tietoja myös silloin",
            "eikä saman palvelunantajan muihin rekistereihin",
            "Hyvinvointialueen omien rekisterien osalta",
        ),
        (
            Language::Sv,
            "Förbudet gäller tjänstetillhandahållarens uppgifter också när",
            "och inte heller till samma tjänstetillhandahållares andra register",
            "När det gäller välfärdsområdets egna register",
        ),
        (
            Language::En,
            "The denial covers the data of the service provider also where",
            "or with other registers of the same service provider",
            "For the registers of the wellbeing services county itself",
        ),
    ] {
        for (scope, carries, is_of_former) in [
            (Scope::FormerProvider(oid(FORMER)), false, true),
            (Scope::FormerProvider(oid(FORMER)), true, true),
            (Scope::Register(oid(FORMER_HEALTHCARE)), false, true),
            (Scope::Register(oid(COUNTY_HEALTHCARE)), true, false),
        ] {
            let document = PrintedDocument::Denials;
            let order = Order { document, sector: HEALTHCARE, language, format: Format::Text };
            let printed = print_by(&merged_directory("", carries), order, &[of(scope)], TODAY);
            let lines =
                printed.entries.into_iter().flat_map(|entry| entry.lines).collect::<Vec<_>>().join(" ");
            assert_eq!(lines.contains(held), is_of_former, "{lines}");
            assert_eq!(lines.contains(all), is_of_former, "{lines}");
            assert_eq!(lines.contains(only_others), is_of_former && carries, "{lines}");
        }
    }
}

#[test]
fn a_denied_prescription_is_not_shared_with_social_welfare_either() {
    let line = "The denial also prevents the prescription from being shared with social welfare.".to_owned();
    let of = |scope| denial("one", "2024-05-06", DenialSector::Healthcare, scope);
    let lines = |scope| lines_of(HEALTHCARE, Language::En, &[of(scope)]);
    assert!(lines(Scope::Prescription(id("rx-1"))).contains(&line));
    assert!(!lines(Scope::ServiceEvent(id("v-1"))).contains(&line));
}
