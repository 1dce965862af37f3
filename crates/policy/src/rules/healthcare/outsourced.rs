//! Outsourced services within healthcare: consent is not needed (002) and the
//! sharing cannot be denied (kanta: denial-of-consent-to-sharing-patient-data).

use super::super::{Find, Period, Rule, outsourced, sources};
use crate::verdict::Reason;

pub(super) static HC_OUTSOURCED: Rule = Rule {
    id: "hc-outsourced",
    title: "Generated in an outsourced service, between its organiser and its producer",
    sources: &[&sources::PAGE_002, &sources::KANTA_OUTSOURCING, &sources::KANTA_DENIAL_OF_PATIENT_DATA],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::OutsourcedService],
    find: Find::ByRecord(outsourced::find),
    account: outsourced::account,
};
