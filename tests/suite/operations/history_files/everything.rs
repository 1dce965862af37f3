//! A history with everything that can be stored: the declarations of the generated cases,
//! every client with a code of their own, with names, labels and recorders, links, ended
//! links, and withdrawals across codes. Deterministic.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use lupa::policy::client_id::{ClientId, IdentityCode};
use lupa::wire::v1;
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::history_line::Entry;
use pbjson_types::Timestamp;

use super::line::{link, other, withdrawal};
use crate::core::generator::{Case, case, timestamp};
use crate::core::reference::ymd;
use crate::fixtures::requests::{instant, message, my_kanta};

/// Number of codes of the 900-series for each date of birth.
const CODES_OF_A_BIRTH: usize = 100;

/// The check characters of identity codes.
const CHECK_CHARACTERS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

/// A history, and the cases from which it was generated.
pub(super) struct Everything {
    pub(super) lines: Vec<v1::HistoryLine>,
    /// The client of each case.
    pub(super) clients: Vec<v1::ClientId>,
    pub(super) cases: Vec<Case>,
}

/// Generates the history of a number of clients.
pub(super) fn everything(clients: usize) -> Everything {
    let mut everything = Everything { lines: unusual(), clients: Vec::new(), cases: Vec::new() };
    let mut births = HashMap::new();
    for number in 0..clients {
        let case = case(number as u64);
        let code = case.request.client.as_ref().unwrap().extension.clone();
        let of_birth = births.entry(code.clone()).or_insert(0);
        let client = match *of_birth {
            CODES_OF_A_BIRTH.. => other(&format!("temporary-{number}")),
            taken => numbered(&code, 900 + taken),
        };
        *of_birth += 1;
        everything.clients.push(client);
        everything.cases.push(case);
        everything.add_declarations(number);
        everything.add_links(number);
    }
    everything
}

impl Everything {
    /// The declarations of a client that were recorded before the end of 2025.
    fn add_declarations(&mut self, number: usize) {
        let is_past =
            |at: &Timestamp| instant(at).date_naive() < ymd(2026, 1, 1) && instant(at) > DateTime::UNIX_EPOCH;
        for (place, stored) in self.cases[number].declarations.iter().enumerate() {
            let mut stored = v1::StoredDeclaration { id: format!("{number}-{place}"), ..stored.clone() };
            if !stored.recorded_at.as_ref().is_some_and(is_past) {
                continue;
            }
            if !stored.withdrawn_at.as_ref().is_some_and(is_past) {
                stored.withdrawn_at = None;
                stored.withdrawn_by = None;
                stored.withdrawal_given_at = None;
            }
            describe(&mut stored, number + place);
            let client = Some(self.clients[number].clone());
            self.lines.push(v1::HistoryLine { client, entry: Some(Entry::Declaration(stored)) });
        }
    }

    /// Now and then links a client to earlier ones, and has them withdraw under that code.
    fn add_links(&mut self, number: usize) {
        let at = at(number);
        let codes = match number % 25 {
            // A pair, sometimes with an end; then a chain, and many at once.
            4 | 9 => 2,
            14 => 3,
            24 => 5,
            _ => return,
        };
        let mut line = link(&format!("link-{number}"), &self.clients[number + 1 - codes..=number], at);
        if let Some(Entry::Link(link)) = &mut line.entry {
            link.reason = [
                v1::LinkReason::IdentityCodeChanged,
                v1::LinkReason::TemporaryCodeReplaced,
                v1::LinkReason::DuplicateMerged,
            ][number % 3]
                .into();
            if number.is_multiple_of(2) {
                link.recorded_by = Some(message(
                    "professional: { register: 1.2.246.10.99999999.1.1, organisation: 1.2.246.10.99999999.1.0 }",
                ));
            }
            link.end = number.is_multiple_of(3).then(|| v1::LinkEnd {
                given_at: Some(at),
                recorded_at: Some(later(at, 3)),
                recorded_by: Some(message("population_register: {}")),
            });
        }
        self.lines.push(line);
        let of_another = self.lines.iter().rev().find_map(|line| match &line.entry {
            Some(Entry::Declaration(stored)) if line.client.as_ref() == Some(&self.clients[number - 1]) => {
                Some((stored.id.clone(), kind(stored)))
            }
            _ => None,
        });
        if let Some((id, kind)) = of_another {
            self.lines.push(withdrawal(self.clients[number].clone(), &id, kind, later(at, 2)));
        }
    }
}

/// Forms that no generated case has.
fn unusual() -> Vec<v1::HistoryLine> {
    let client = v1::ClientId { extension: "010181-900C".to_owned(), root: String::new() };
    let contents = [
        "information: { version: earlier-law }",
        "information: { version: 'never released', way: WAY_PROFESSIONAL }",
        "consent: { kind: CONSENT_KIND_VERBAL_PRESCRIPTION }",
        "consent: { kind: CONSENT_KIND_HEALTHCARE, allocation: {} }",
        "consent: { kind: CONSENT_KIND_PATIENT_DATA_TO_SOCIAL_WELFARE, allocation: { recipients: [{ all_public: {} }, \
         { organisation: 1.2.3 }], data: [DATA_KIND_PRESCRIPTION, DATA_KIND_PATIENT_SUMMARY], \
         recorded_from: '2020-02-29', recorded_to: '2019-01-01' } }",
        "consent: { kind: CONSENT_KIND_CLIENT_DATA_TO_HEALTHCARE, allocation: { service_tasks: ['1', '2', '1'] } }",
        "consent: { kind: CONSENT_KIND_LOCAL_CROSS_SECTOR, controller: 1.2.3 }",
        "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {}, against: [AGAINST_OTHER_PROVIDERS, \
         AGAINST_OTHER_PROVIDERS, AGAINST_UUSIMAA_PUBLIC_HEALTHCARE], label: 'Käynti \"äitiyspoliklinikalla\" ☃' }",
        "denial: { sector: SECTOR_SOCIAL_WELFARE, service_event: visit-1, allows_emergency: true }",
        "denial: { sector: SECTOR_BOTH, extensive: {} }",
        "denial: { sector: SECTOR_HEALTHCARE, former_provider: 1.2.246.10.99999999.9.0 }",
        "denial: { sector: SECTOR_SOCIAL_WELFARE, service_task: '7' }",
        "denial: { sector: SECTOR_SOCIAL_WELFARE, service_transaction: t-1 }",
        "denial: { sector: SECTOR_SOCIAL_WELFARE, document: d-1 }",
        "denial: { sector: SECTOR_HEALTHCARE, prescription: p-1 }",
        "denial: { sector: SECTOR_BOTH, register: 1.2.246.10.99999999.999.1 }",
    ];
    let line = |(number, content): (usize, &&str)| {
        let mut stored = v1::StoredDeclaration {
            // Ids of another system, with all that ids may contain.
            id: format!("\"{number}\" 'id' \\ {{}} %"),
            declaration: Some(message(content)),
            recorded_at: Some(at(number)),
            ..Default::default()
        };
        if number % 4 == 3 {
            // Without a declarer, before it was given.
            stored.withdrawn_at = Some(at(number));
            stored.withdrawal_given_at = Some(Timestamp { seconds: 0, nanos: 1_000 });
        }
        describe(&mut stored, number + 2);
        v1::HistoryLine { client: Some(client.clone()), entry: Some(Entry::Declaration(stored)) }
    };
    contents.iter().enumerate().map(line).collect()
}

/// Adds names and a label, and writes everything as an export does.
fn describe(stored: &mut v1::StoredDeclaration, number: usize) {
    stored.recorded_at.as_mut().into_iter().for_each(whole_micros);
    stored.given_at = stored.given_at.or(stored.recorded_at);
    stored.given_at.as_mut().into_iter().for_each(whole_micros);
    stored.withdrawn_at.as_mut().into_iter().for_each(whole_micros);
    stored.withdrawal_given_at = stored.withdrawal_given_at.or(stored.withdrawn_at);
    stored.withdrawal_given_at.as_mut().into_iter().for_each(whole_micros);
    for declarer in [&mut stored.declarer, &mut stored.withdrawn_by].into_iter().flatten() {
        declarer.name = ["", "Aino Esimerkki", "Åke \"Öst\" Exempel\u{1f600}"][number % 3].to_owned();
        declarer.id = ["", "card-7"][number % 2].to_owned();
    }
    stored.recorded_by = match number % 3 {
        0 => None,
        1 => Some(my_kanta()),
        _ => Some(message(
            "professional: { register: 1.2.246.10.99999999.1.1, organisation: 1.2.246.10.99999999.1.0, \
             professional: Hoitaja Ääkkönen }",
        )),
    };
    if let Some(v1::Declaration { content: Some(Content::Denial(denial)) }) = &mut stored.declaration
        && denial.label.is_empty()
    {
        denial.label = ["", "the visit in May", "käynti"][number % 3].to_owned();
    }
}

/// The precision of a store.
fn whole_micros(at: &mut Timestamp) {
    at.nanos -= at.nanos % 1_000;
}

fn kind(stored: &v1::StoredDeclaration) -> v1::Kind {
    match stored.declaration.as_ref().unwrap().content.as_ref().unwrap() {
        Content::Information(_) => v1::Kind::Information,
        Content::Consent(_) => v1::Kind::Consent,
        Content::Denial(_) => v1::Kind::Denial,
    }
}

/// Times out of order, with microseconds.
fn at(number: usize) -> Timestamp {
    let number = i64::try_from(number).unwrap();
    let first: DateTime<Utc> = ymd(2024, 1, 1).and_hms_micro_opt(9, 0, 0, 1).unwrap().and_utc();
    timestamp(first + TimeDelta::days(number * 7 % 500) + TimeDelta::microseconds(number))
}

fn later(at: Timestamp, days: i64) -> Timestamp {
    Timestamp { seconds: at.seconds + days * 86_400, ..at }
}

/// The identity code of the same date of birth with another individual number.
pub(super) fn numbered(code: &str, number: usize) -> v1::ClientId {
    let (date, sign) = (&code[..6], &code[6..7]);
    let digits: usize = format!("{date}{number}").parse().unwrap();
    let check = char::from(CHECK_CHARACTERS[digits % CHECK_CHARACTERS.len()]);
    v1::ClientId { extension: format!("{date}{sign}{number}{check}"), root: String::new() }
}

/// A client in the types of the core.
pub(super) fn to_core(client: &v1::ClientId) -> ClientId {
    let v1::ClientId { extension, root } = client;
    if root.is_empty() {
        return ClientId::National(IdentityCode::parse(extension).unwrap());
    }
    lupa::wire::client::client_of(Some(client)).unwrap()
}
