//! Each sentence about a consent, where it is said and where not.

use super::*;

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
        (
            Language::En,
            "because it was given before you had received the information about the Kanta Services",
        ),
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
