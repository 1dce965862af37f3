//! Outsourced services within social welfare: not sharing, so neither consent
//! nor denials apply (003).

use super::super::{Find, InForce, Rule, outsourced};
use crate::verdict::Reason;

pub(super) static SW_OUTSOURCED: Rule = Rule {
    id: "sw-outsourced",
    title: "Generated in an outsourced service, between its organiser and its producer",
    sources: &["003", "kanta: ostopalvelun-valtuutus"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::OutsourcedService],
    find: Find::ByRecord(outsourced::find),
    account: outsourced::account,
};
