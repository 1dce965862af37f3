//! The sources of the rules: guidance pages of kanta.fi, and Lupa's own reading
//! of them. [`Rule::sources`](super::Rule::sources) and comments such as "(002)"
//! or "(domain rules §4)" cite them by key. `docs/policy/sources.md` has
//! [`markdown`], and a test compares the two.

use std::fmt;

/// A page that rules and comments cite.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleSource {
    /// How it is cited; unique.
    pub key: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The day of its last update, `YYYY-MM-DD`; none = the page gives none.
    pub updated: Option<&'static str>,
    /// Its address, or its path in this repository.
    pub address: &'static str,
}

/// When the Client Data Act changes what.
pub static PAGE_000: RuleSource = RuleSource {
    key: "000",
    title: "Impacts of the Client Data Act on Kanta Services",
    updated: Some("2022-10-17"),
    address: "https://www.kanta.fi/en/professionals/client-data-act-and-kanta-services",
};

/// The "Information about the Kanta Services" and its versions.
pub static PAGE_001: RuleSource = RuleSource {
    key: "001",
    title: "Sharing of data via the Kanta Services",
    updated: Some("2023-05-10"),
    address: "https://www.kanta.fi/en/professionals/sharing-of-data",
};

/// Within healthcare.
pub static PAGE_002: RuleSource = RuleSource {
    key: "002",
    title: "Consent and denials of consent to data sharing in health care",
    updated: Some("2025-06-13"),
    address: "https://www.kanta.fi/en/professionals/sharing-of-patient-data",
};

/// Within social welfare.
pub static PAGE_003: RuleSource = RuleSource {
    key: "003",
    title: "Consent and denials of consent to data sharing in social welfare services",
    updated: Some("2024-01-11"),
    address: "https://www.kanta.fi/en/professionals/sharing-of-social-welfare-client-data",
};

/// Across sectors.
pub static PAGE_004: RuleSource = RuleSource {
    key: "004",
    title: "Data sharing between social welfare and healthcare",
    updated: Some("2026-03-30"),
    address: "https://www.kanta.fi/en/professionals/sosiaali-ja-terveydenhuollon-valinen-tietojen-luovuttaminen",
};

/// Prescriptions, and denials of them.
pub static KANTA_PRESCRIPTIONS: RuleSource = RuleSource {
    key: "kanta: professionals/sharing-of-prescription-data",
    title: "Sharing of prescription data in pharmacies and healthcare",
    updated: None,
    address: "https://www.kanta.fi/en/professionals/sharing-of-prescription-data",
};

/// Healthcare consents of 2023 or earlier, as an earlier version of page 002 has it.
pub static KANTA_PATIENT_DATA: RuleSource = RuleSource {
    key: "kanta: professionals/sharing-of-patient-data",
    title: "Consent and denials of consent to data sharing in health care, an earlier version of 002 (\"until 31 December 2023\")",
    updated: None,
    address: "https://www.kanta.fi/en/professionals/sharing-of-patient-data",
};

/// Denials of patient data, also in an emergency and in outsourced services.
pub static KANTA_DENIAL_OF_PATIENT_DATA: RuleSource = RuleSource {
    key: "kanta: denial-of-consent-to-sharing-patient-data",
    title: "Denial of consent to patient data sharing",
    updated: None,
    address: "https://www.kanta.fi/en/denial-of-consent-to-sharing-patient-data",
};

/// Denials of client data, also of service tasks.
pub static KANTA_DENIAL_OF_CLIENT_DATA: RuleSource = RuleSource {
    key: "kanta: denial-of-consent-to-client-data-sharing-in-social-services",
    title: "Denial of consent to client data sharing in social services",
    updated: None,
    address: "https://www.kanta.fi/en/denial-of-consent-to-client-data-sharing-in-social-services",
};

/// Outsourced services: one producer, one organiser's register, no chaining.
pub static KANTA_OUTSOURCING: RuleSource = RuleSource {
    key: "kanta: ostopalvelun-valtuutus",
    title: "Ostopalvelun valtuutus (authorisation for outsourced services; in Finnish)",
    updated: None,
    address: "https://www.kanta.fi/ammattilaiset/ostopalvelun-valtuutus",
};

/// The dates of the changes.
pub static KANTA_TRANSITION_PERIODS: RuleSource = RuleSource {
    key: "kanta: transition periods",
    title: "Transition periods and phasing of the Client Data Act",
    updated: None,
    address: "https://www.kanta.fi/en/professionals/transition-periods-and-phasing-of-the-client-data-act",
};

/// What guardians do for minors.
pub static KANTA_MINORS: RuleSource = RuleSource {
    key: "kanta: alaikaisen-puolesta-asiointi",
    title: "Alaikäisen puolesta asiointi (acting on behalf of a minor; in Finnish)",
    updated: None,
    address: "https://www.kanta.fi/alaikaisen-puolesta-asiointi",
};

/// The specification that brings the pages together, cited by section.
pub static DOMAIN_RULES: RuleSource = RuleSource {
    key: "domain rules",
    title: "The domain rules of Lupa: who may see which record, and why",
    updated: Some("2026-11-29"),
    address: "docs/policy/domain.md",
};

/// Every source, in the order of `docs/policy/sources.md`.
pub static ALL: [&RuleSource; 13] = [
    &PAGE_000,
    &PAGE_001,
    &PAGE_002,
    &PAGE_003,
    &PAGE_004,
    &KANTA_PRESCRIPTIONS,
    &KANTA_PATIENT_DATA,
    &KANTA_DENIAL_OF_PATIENT_DATA,
    &KANTA_DENIAL_OF_CLIENT_DATA,
    &KANTA_OUTSOURCING,
    &KANTA_TRANSITION_PERIODS,
    &KANTA_MINORS,
    &DOMAIN_RULES,
];

/// Key and title, such as `003 – Consent and denials of consent …`.
impl fmt::Display for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} – {}", self.key, self.title)
    }
}

/// The sources as a table in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut table = "| key | title | date | address |\n|---|---|---|---|\n".to_owned();
    for RuleSource { key, title, updated, address } in ALL {
        let date = updated.unwrap_or("–");
        table.push_str(&format!("| `{key}` | {title} | {date} | {address} |\n"));
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::CATALOGUE;
    use super::*;

    #[test]
    fn every_cited_source_is_listed_once() {
        let keys: HashSet<&str> = ALL.iter().map(|source| source.key).collect();
        assert_eq!(keys.len(), ALL.len());
        for rule in CATALOGUE.iter().flat_map(|list| list.rules) {
            assert!(rule.sources.iter().all(|source| keys.contains(source.key)), "{rule:?}");
        }
    }
}
