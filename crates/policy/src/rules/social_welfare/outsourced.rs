//! Outsourced services within social welfare: this is not sharing, so neither
//! consent nor denials apply (003).

use super::super::{Find, Period, Rule, outsourced, sources};
use crate::verdict::Reason;

pub(super) static SW_OUTSOURCED: Rule = Rule {
    id: "sw-outsourced",
    title: "Generated in an outsourced service, between its organiser and its producer",
    sources: &[&sources::PAGE_003, &sources::KANTA_OUTSOURCING],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::OutsourcedService],
    find: Find::ByRecord(outsourced::find),
    account: outsourced::account,
};
