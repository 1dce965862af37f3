//! The two denials that apply across sectors: an extensive one (000), and one
//! of this prescription (kanta: professionals/sharing-of-prescription-data).

use super::super::{Case, Find, Finding, InForce, Rule, denial};
use crate::policy::verdict::Reason;

pub(super) static XS_DENIED: Rule = Rule {
    id: "xs-denied",
    title: "No extensive denial, and none of this prescription",
    silent: "no extensive denial in force, and none of this prescription",
    sources: &["000", "004", "kanta: professionals/sharing-of-prescription-data"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::ByRecord(find),
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    denial::finding(denial::extensive_or(case, |scope| denial::names_prescription(case, scope)))
}
