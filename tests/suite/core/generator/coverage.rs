//! Coverage of the generated cases, by the reference.

mod branches;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{RecordingRequest, case, recording_case};
use crate::core::reference::{admit, admit_withdrawal, decide};

/// Every rule, with the reasons and details that it can give.
const EXPECTED: [(&str, &str, &str); 33] = [
    ("", "INVALID_RECORD", "UNSPECIFIED"),
    ("unknown-register", "UNKNOWN_REGISTER", "UNSPECIFIED"),
    ("no-relationship", "RELATIONSHIP_MISSING", "UNSPECIFIED"),
    ("no-access-right", "ACCESS_RIGHT_MISSING", "UNSPECIFIED"),
    ("own-register", "OWN_REGISTER", "UNSPECIFIED"),
    ("local-database-elsewhere", "NOT_SHAREABLE", "LOCAL_DATABASE_NOT_PUBLIC_UUSIMAA"),
    ("hc-outsourced", "OUTSOURCED_SERVICE", "UNSPECIFIED"),
    ("hc-not-open", "NOT_OPEN", "SYSTEM_NOT_READY"),
    (
        "hc-denied",
        "NOT_SHAREABLE",
        "DENIAL_EXTENSIVE DENIAL_ALL_PATIENT_DATA DENIAL_REGISTER DENIAL_FORMER_PROVIDER \
         DENIAL_SERVICE_TASK DENIAL_SERVICE_EVENT DENIAL_SERVICE_TRANSACTION DENIAL_DOCUMENT \
         DENIAL_PRESCRIPTION",
    ),
    (
        "hc-local-database",
        "NOT_SHAREABLE",
        "LOCAL_DATABASE_NOT_PUBLIC_UUSIMAA LOCAL_DATABASE_INFORMATION_TOO_OLD",
    ),
    ("hc-prescription", "PRESCRIPTION_INFORMED CONSENT", "UNSPECIFIED"),
    (
        "hc-prescription",
        "NOT_SHAREABLE",
        "INFORMATION_MISSING CONSENT_MISSING CONSENT_WITHDRAWN CONSENT_RECIPIENT_OUTSIDE",
    ),
    ("hc-uusimaa", "UUSIMAA_INFORMED", "UNSPECIFIED"),
    ("hc-consent", "CONSENT", "UNSPECIFIED"),
    (
        "hc-no-basis",
        "NOT_SHAREABLE",
        "INFORMATION_MISSING CONSENT_MISSING CONSENT_WITHDRAWN CONSENT_BEFORE_INFORMATION \
         CONSENT_KANTA_ONLY CONSENT_RECIPIENT_OUTSIDE",
    ),
    ("sw-outsourced", "OUTSOURCED_SERVICE", "UNSPECIFIED"),
    ("sw-not-open", "NOT_OPEN", "SHARING_NOT_STARTED SYSTEM_NOT_READY"),
    ("sw-statutory-right", "STATUTORY_RIGHT", "UNSPECIFIED"),
    (
        "sw-denied",
        "NOT_SHAREABLE",
        "DENIAL_EXTENSIVE DENIAL_ALL_PATIENT_DATA DENIAL_REGISTER DENIAL_FORMER_PROVIDER \
         DENIAL_SERVICE_TASK DENIAL_SERVICE_EVENT DENIAL_SERVICE_TRANSACTION DENIAL_DOCUMENT",
    ),
    ("sw-consent", "CONSENT", "UNSPECIFIED"),
    (
        "sw-no-basis",
        "NOT_SHAREABLE",
        "CLAIM_INCOMPLETE INFORMATION_MISSING CONSENT_MISSING CONSENT_WITHDRAWN \
         CONSENT_BEFORE_INFORMATION CONSENT_RECIPIENT_OUTSIDE",
    ),
    ("xs-not-open", "NOT_OPEN", "SHARING_NOT_STARTED SYSTEM_NOT_READY"),
    ("xs-authority", "STATUTORY_RIGHT", "UNSPECIFIED"),
    ("xs-denied", "NOT_SHAREABLE", "DENIAL_EXTENSIVE DENIAL_PRESCRIPTION"),
    ("xs-joint-service", "JOINT_SERVICE", "UNSPECIFIED"),
    ("xs-unable", "CLIENT_UNABLE_TO_DECIDE", "UNSPECIFIED"),
    ("xs-local-consent", "LOCAL_CONSENT", "UNSPECIFIED"),
    ("xs-consent", "CONSENT", "UNSPECIFIED"),
    (
        "xs-no-basis",
        "NOT_SHAREABLE",
        "CLAIM_INCOMPLETE INFORMATION_MISSING CONSENT_MISSING CONSENT_WITHDRAWN \
         CONSENT_BEFORE_INFORMATION CONSENT_RECIPIENT_OUTSIDE CONSENT_DATA_OUTSIDE \
         CONSENT_TASK_OUTSIDE CONSENT_PERIOD_OUTSIDE",
    ),
    ("wb-not-open", "NOT_OPEN", "SHARING_NOT_STARTED SYSTEM_NOT_READY"),
    ("wb-denied", "NOT_SHAREABLE", "DENIAL_EXTENSIVE"),
    ("wb-consent", "CONSENT", "UNSPECIFIED"),
    (
        "wb-no-basis",
        "NOT_SHAREABLE",
        "INFORMATION_MISSING CONSENT_MISSING CONSENT_WITHDRAWN CONSENT_BEFORE_INFORMATION \
         CONSENT_RECIPIENT_OUTSIDE",
    ),
];

/// Every code of a refusal to record or withdraw, in api.md's order.
pub(crate) const CODES: [&str; 17] = [
    "NOT_FOUND",
    "GIVEN_IN_FUTURE",
    "WITHDRAWAL_BEFORE_DECLARATION",
    "RECORDER_UNKNOWN",
    "RECORDER_SECTOR_NOT_ALLOWED",
    "RECORDER_NOT_READY",
    "DECLARER_NOT_ALLOWED",
    "INFORMATION_VERSION_UNKNOWN",
    "INFORMATION_VERSION_NOT_RELEASED",
    "INFORMATION_VERSION_ENDED",
    "INFORMATION_REQUIRED",
    "INFORMATION_CANNOT_BE_WITHDRAWN",
    "CONSENT_KIND_ENDED",
    "CONSENT_ALLOCATION_NOT_ALLOWED",
    "DENIAL_SCOPE_NOT_ALLOWED",
    "EXTENSIVE_REFUSAL_NOT_OPEN",
    "ALREADY_WITHDRAWN",
];

type Hits = BTreeMap<(&'static str, &'static str, &'static str), usize>;

fn hits(cases: u64) -> (Hits, usize) {
    let mut hits = Hits::new();
    let mut records = 0;
    for seed in 0..cases {
        let case = case(seed);
        for record in &case.request.records {
            let answer =
                decide(&case.directory, &case.calendar, &case.declarations, &case.request, record, case.at);
            let reason = short(answer.reason.as_str_name());
            let detail = short(answer.detail.as_str_name());
            *hits.entry((answer.rule, reason, detail)).or_default() += 1;
            for obligation in &answer.obligations {
                let key = ("obligation", short(obligation.as_str_name()), "");
                *hits.entry(key).or_default() += 1;
            }
            records += 1;
        }
    }
    (hits, records)
}

/// Refusals and acceptances, each with the notices that come with it.
fn recording_hits(cases: u64) -> BTreeMap<(&'static str, &'static str), usize> {
    let mut hits = BTreeMap::new();
    for seed in 0..cases {
        let case = recording_case(seed);
        let (directory, calendar) = (&case.directory, &case.calendar);
        let declarations = &case.declarations;
        let (rpc, answer) = match &case.request {
            RecordingRequest::Record(request) => {
                ("Record", admit(directory, calendar, declarations, request, case.at))
            }
            RecordingRequest::Withdraw(request) => {
                ("Withdraw", admit_withdrawal(directory, calendar, declarations, request, case.at))
            }
        };
        match answer {
            Err(code) => *hits.entry((rpc, code)).or_default() += 1,
            Ok(notices) => {
                *hits.entry((rpc, "accepted")).or_default() += 1;
                for notice in notices {
                    *hits.entry((rpc, notice.as_str_name())).or_default() += 1;
                }
            }
        }
    }
    hits
}

/// Each of these notices comes with an acceptance in at least 0.3 % of the cases.
const NOTICES: [(&str, &str); 8] = [
    ("Record", "NOTICE_LATE_ENTRY"),
    ("Record", "NOTICE_PROVIDE_INFORMATION"),
    ("Record", "NOTICE_CONSENT_REPLACED"),
    ("Record", "NOTICE_SUPERSEDED"),
    ("Record", "NOTICE_ALREADY_DENIED"),
    ("Withdraw", "NOTICE_LATE_ENTRY"),
    ("Withdraw", "NOTICE_PROVIDE_INFORMATION"),
    ("Withdraw", "NOTICE_STILL_DENIED"),
];

/// Without the enum's prefix.
fn short(name: &'static str) -> &'static str {
    ["REASON_", "DETAIL_", "OBLIGATION_"]
        .into_iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

/// Rule by reason by detail, and the codes of recording, with counts.
fn coverage(cases: u64) -> String {
    let (hits, records) = hits(cases);
    let mut table = format!("{cases} cases, {records} records\n");
    for ((rule, reason, detail), count) in hits {
        writeln!(table, "{rule:<26}{reason:<26}{detail:<36}{count:>8}").unwrap();
    }
    for ((rpc, code), count) in recording_hits(cases) {
        writeln!(table, "{rpc:<26}{code:<62}{count:>8}").unwrap();
    }
    table
}

#[test]
fn every_rule_reason_and_detail_is_hit() {
    let (hits, records) = hits(100_000);
    let mut faults = Vec::new();
    for (rule, reasons, details) in EXPECTED {
        let of_rule: usize =
            hits.iter().filter(|((hit, _, _), _)| *hit == rule).map(|(_, count)| count).sum();
        if of_rule * 1_000 < records * 3 {
            faults.push(format!("{rule}: {of_rule} of {records}"));
        }
        for reason in reasons.split_whitespace() {
            for detail in details.split_whitespace() {
                if !hits.contains_key(&(rule, reason, detail)) {
                    faults.push(format!("{rule} {reason} {detail}: never"));
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_refusal_is_hit() {
    let hits = recording_hits(20_000);
    let never: Vec<&str> =
        CODES.into_iter().filter(|code| !hits.keys().any(|(_, hit)| hit == code)).collect();
    assert_eq!(never, Vec::<&str>::new());
    let few: Vec<_> =
        NOTICES.into_iter().filter(|notice| hits.get(notice).is_none_or(|hits| *hits < 60)).collect();
    assert_eq!(few, []);
}

#[test]
#[ignore = "prints a table to read: cargo test --test suite coverage -- --ignored --nocapture"]
fn print_coverage() {
    println!("{}", coverage(100_000));
}
