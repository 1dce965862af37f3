//! Outsourced services within healthcare: consent is not needed (002) and the
//! sharing cannot be denied (kanta).

use super::super::{Find, InForce, Rule, outsourced};
use crate::verdict::Reason;

pub(super) static HC_OUTSOURCED: Rule = Rule {
    id: "hc-outsourced",
    title: "Generated in an outsourced service, between its organiser and its producer",
    sources: &["002", "kanta: ostopalvelun-valtuutus", "kanta: denial-of-consent-to-sharing-patient-data"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::OutsourcedService],
    find: Find::ByRecord(outsourced::find),
    account: outsourced::account,
};
