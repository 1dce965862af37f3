//! A denial of everything in both sectors holds for wellbeing data too. One of
//! patient data does not reach the citizen's own data (000 names the consent alone).

use super::super::{Find, Finding, InForce, Rule, Sharing, denial};
use crate::policy::verdict::Reason;

pub(super) static WB_DENIED: Rule = Rule {
    id: "wb-denied",
    title: "No denial of everything in both sectors",
    silent: "no extensive denial of both sectors in force",
    sources: &["000"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find),
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    denial::finding(denial::extensive_of_both(sharing.declared))
}
