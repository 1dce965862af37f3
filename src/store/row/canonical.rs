//! A fast decoder for bodies exactly as this version encodes them, in one pass.
//!
//! A server that starts loads all changes of a country's store, and decoding JSON in general took most of
//! that time. A body in any other form, down to the order of its fields, is left to serde, which alone
//! decides what is unreadable: whatever this decoder accepts, serde decodes to the same value.

use std::borrow::Cow;

use super::content::{Against, ConsentKind, Content, DenialSector, Scope, Way};
use super::declaration::{Declaration, Declarer, Professional, RecordedBy, Role, Withdrawal};

/// The rest of a body. Each method decodes one item, or returns `None`.
struct Rest<'a>(&'a [u8]);

/// Decodes the body of a declaration in this form.
pub(in crate::store) fn declaration(body: &[u8]) -> Option<Declaration<'_>> {
    let mut rest = Rest(body);
    rest.skip(br#"{"content":{""#)?;
    let content = rest.content()?;
    rest.skip(br#"},"given_at":"#)?;
    let given_at = rest.number()?;
    rest.skip(br#","declarer":"#)?;
    let declarer = Some(rest.declarer()?);
    rest.skip(br#","recorded_by":"#)?;
    let recorded_by = Some(rest.recorded_by()?);
    rest.end(b"}")?;
    Some(Declaration { content, given_at, declarer, recorded_by, imported: None, label: None })
}

/// Decodes the body of a withdrawal in this form.
pub(in crate::store) fn withdrawal(body: &[u8]) -> Option<Withdrawal<'_>> {
    let mut rest = Rest(body);
    rest.skip(br#"{"given_at":"#)?;
    let given_at = rest.number()?;
    rest.skip(br#","by":"#)?;
    let by = rest.declarer()?;
    rest.skip(br#","recorded_by":"#)?;
    let recorded_by = rest.recorded_by()?;
    rest.end(b"}")?;
    Some(Withdrawal { given_at, by: Some(by), recorded_by: Some(recorded_by), imported_recorded_at: None })
}

impl<'a> Rest<'a> {
    fn content(&mut self) -> Option<Content<'a>> {
        match self.word()? {
            b"information" => self.information(),
            b"consent" => self.consent(),
            b"denial" => self.denial(),
            _ => None,
        }
    }

    fn information(&mut self) -> Option<Content<'a>> {
        self.skip(br#":{"version":"#)?;
        let version = self.text()?;
        let way = match self.skip(br#","way":""#) {
            None => None,
            Some(()) => Some(match self.word()? {
                b"my_kanta" => Way::MyKanta,
                b"professional" => Way::Professional,
                _ => return None,
            }),
        };
        self.skip(b"}")?;
        Some(Content::Information { version, way })
    }

    /// A consent without an allocation.
    fn consent(&mut self) -> Option<Content<'a>> {
        self.skip(br#":{"kind":""#)?;
        let kind = match self.word()? {
            b"healthcare" => ConsentKind::Healthcare,
            b"social_welfare" => ConsentKind::SocialWelfare,
            b"patient_data_to_social_welfare" => ConsentKind::PatientDataToSocialWelfare,
            b"client_data_to_healthcare" => ConsentKind::ClientDataToHealthcare,
            b"wellbeing_data" => ConsentKind::WellbeingData,
            b"verbal_prescription" => ConsentKind::VerbalPrescription,
            _ => return None,
        };
        self.skip(b"}")?;
        Some(Content::Consent { kind, allocation: None })
    }

    fn denial(&mut self) -> Option<Content<'a>> {
        self.skip(br#":{"sector":""#)?;
        let sector = match self.word()? {
            b"healthcare" => DenialSector::Healthcare,
            b"social_welfare" => DenialSector::SocialWelfare,
            b"both" => DenialSector::Both,
            _ => return None,
        };
        self.skip(br#","scope":"#)?;
        let scope = self.scope()?;
        let mut against = Vec::new();
        if self.skip(br#","against":[""#).is_some() {
            against.push(self.against()?);
            while self.skip(br#",""#).is_some() {
                against.push(self.against()?);
            }
            self.skip(b"]")?;
        }
        self.skip(br#","allows_emergency":"#)?;
        let allows_emergency = match self.skip(b"true") {
            Some(()) => true,
            None => self.skip(b"false").map(|()| false)?,
        };
        self.skip(b"}")?;
        Some(Content::Denial { sector, scope, against, allows_emergency })
    }

    fn against(&mut self) -> Option<Against> {
        match self.word()? {
            b"other_providers" => Some(Against::OtherProviders),
            b"own_other_registers" => Some(Against::OwnOtherRegisters),
            b"uusimaa_public_healthcare" => Some(Against::UusimaaPublicHealthcare),
            _ => None,
        }
    }

    fn scope(&mut self) -> Option<Scope<'a>> {
        if self.skip(b"\"").is_some() {
            return match self.word()? {
                b"all_patient_data" => Some(Scope::AllPatientData),
                b"extensive" => Some(Scope::Extensive),
                _ => None,
            };
        }
        self.skip(b"{\"")?;
        let of: fn(Cow<'a, str>) -> Scope<'a> = match self.word()? {
            b"service_event" => Scope::ServiceEvent,
            b"register" => Scope::Register,
            b"prescription" => Scope::Prescription,
            b"former_provider" => Scope::FormerProvider,
            b"service_transaction" => Scope::ServiceTransaction,
            b"document" => Scope::Document,
            b"service_task" => Scope::ServiceTask,
            _ => return None,
        };
        self.skip(b":")?;
        let scope = of(self.text()?);
        self.skip(b"}")?;
        Some(scope)
    }

    fn declarer(&mut self) -> Option<Declarer<'a>> {
        self.skip(br#"{"role":""#)?;
        let role = match self.word()? {
            b"client" => Role::Client,
            b"guardian" => Role::Guardian,
            b"legal_representative" => Role::LegalRepresentative,
            b"authorised_person" => Role::AuthorisedPerson,
            _ => return None,
        };
        self.skip(br#","name":"#)?;
        let name = self.text()?;
        self.skip(br#","id":"#)?;
        let id = self.text()?;
        self.skip(b"}")?;
        Some(Declarer { role, name, id })
    }

    fn recorded_by(&mut self) -> Option<RecordedBy<'a>> {
        if self.skip(br#""my_kanta""#).is_some() {
            return Some(RecordedBy::MyKanta);
        }
        self.skip(br#"{"professional":{"register":"#)?;
        let register = self.text()?;
        self.skip(br#","organisation":"#)?;
        let organisation = self.text()?;
        self.skip(br#","professional":"#)?;
        let professional = self.text()?;
        self.skip(b"}}")?;
        Some(RecordedBy::Professional(Professional { register, organisation, professional }))
    }

    fn skip(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn end(&mut self, literal: &[u8]) -> Option<()> {
        self.skip(literal)?;
        self.0.is_empty().then_some(())
    }

    /// The text up to the next quotation mark, which is skipped.
    fn word(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.strip_prefix(b"\"")?;
        Some(word)
    }

    /// A string without escapes, with both quotation marks.
    fn text(&mut self) -> Option<Cow<'a, str>> {
        self.skip(b"\"")?;
        str::from_utf8(self.word()?).ok().map(Cow::Borrowed)
    }

    /// A whole number without a sign. Serde decodes any other one, and one that is too long for a time.
    fn number(&mut self) -> Option<i64> {
        const DIGITS_MAX: usize = 18;
        let digits = self.0.iter().position(|byte| !byte.is_ascii_digit())?;
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !matches!(number, [b'0'] | [b'1'..=b'9', ..]) || digits > DIGITS_MAX {
            return None;
        }
        // Fractions and exponents are left to serde.
        if matches!(rest, [b'.' | b'e' | b'E', ..]) {
            return None;
        }
        self.0 = rest;
        Some(number.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARATIONS: &[&str] = &[
        r#"{"content":{"information":{"version":"2.0","way":"my_kanta"}},"given_at":0,"declarer":{"role":"client","name":"Åsa","id":""},"recorded_by":"my_kanta"}"#,
        r#"{"content":{"information":{"version":""}},"given_at":1700000000000000,"declarer":{"role":"guardian","name":"","id":"x"},"recorded_by":"my_kanta"}"#,
        r#"{"content":{"consent":{"kind":"healthcare"}},"given_at":12,"declarer":{"role":"legal_representative","name":"","id":""},"recorded_by":{"professional":{"register":"1.2.3","organisation":"1.2","professional":"p"}}}"#,
        r#"{"content":{"denial":{"sector":"both","scope":"extensive","against":["other_providers","own_other_registers"],"allows_emergency":true}},"given_at":12,"declarer":{"role":"authorised_person","name":"","id":""},"recorded_by":"my_kanta"}"#,
        r#"{"content":{"denial":{"sector":"healthcare","scope":{"register":"1.2.3"},"allows_emergency":false}},"given_at":12,"declarer":{"role":"client","name":"","id":""},"recorded_by":"my_kanta"}"#,
    ];

    const WITHDRAWALS: &[&str] = &[
        r#"{"given_at":5,"by":{"role":"client","name":"Aino","id":""},"recorded_by":"my_kanta"}"#,
        r#"{"given_at":5,"by":{"role":"client","name":"","id":"1"},"recorded_by":{"professional":{"register":"1.2.3","organisation":"1.2","professional":"p"}}}"#,
    ];

    /// A body decoded by serde and encoded again.
    fn by_serde<'a, T: serde::Deserialize<'a> + serde::Serialize>(body: &'a [u8]) -> Option<String> {
        let read: T = serde_json::from_slice(body).ok()?;
        serde_json::to_string(&read).ok()
    }

    /// Copies of a body with each byte removed, doubled or replaced.
    fn changed(body: &str) -> Vec<Vec<u8>> {
        let mut changed = vec![body.as_bytes().to_vec()];
        for at in 0..body.len() {
            let replaced = |by: &[u8]| [&body.as_bytes()[..at], by, &body.as_bytes()[at + 1..]].concat();
            let byte = body.as_bytes()[at];
            changed.extend([replaced(b""), replaced(&[byte, byte])]);
            changed.extend(b"\"\\ 09-.eE{}[],:x\n\x80".iter().map(|other| replaced(&[*other])));
        }
        changed
    }

    #[test]
    fn bodies_of_this_version_are_decoded() {
        assert!(DECLARATIONS.iter().all(|body| declaration(body.as_bytes()).is_some()));
        assert!(WITHDRAWALS.iter().all(|body| withdrawal(body.as_bytes()).is_some()));
    }

    #[test]
    fn decoded_bodies_equal_those_of_serde() {
        for body in DECLARATIONS.iter().flat_map(|body| changed(body)) {
            if let Some(read) = declaration(&body) {
                let text = String::from_utf8_lossy(&body);
                assert_eq!(serde_json::to_string(&read).ok(), by_serde::<Declaration<'_>>(&body), "{text}");
            }
        }
        for body in WITHDRAWALS.iter().flat_map(|body| changed(body)) {
            if let Some(read) = withdrawal(&body) {
                let text = String::from_utf8_lossy(&body);
                assert_eq!(serde_json::to_string(&read).ok(), by_serde::<Withdrawal<'_>>(&body), "{text}");
            }
        }
    }
}
