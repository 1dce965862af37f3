//! The client's denials within social welfare (003).

use super::super::super::directory::Sector;
use super::super::super::verdict::Reason;
use super::super::{Case, Finding, InForce, Rule, denial};

pub(super) static SW_DENIED: Rule = Rule {
    id: "sw-denied",
    title: "No denial covers the record",
    silent: "no denial in force covers the record",
    sources: &["003", "kanta: denial-of-consent-to-client-data-sharing-in-social-services"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find,
};

fn find<'a>(case: &Case<'_, 'a>) -> Option<Finding<'a>> {
    denial::finding(denial::covering(case, Sector::SocialWelfare))
}
