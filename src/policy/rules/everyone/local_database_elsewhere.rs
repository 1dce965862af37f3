//! A local database is only for public healthcare in Uusimaa (002).

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Reason};

pub(super) static LOCAL_DATABASE_ELSEWHERE: Rule = Rule {
    id: "local-database-elsewhere",
    title: "A local database only within healthcare",
    silent: "the record does not travel from a local database, or both registers are in healthcare",
    sources: &["002"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find),
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    let is_elsewhere =
        sharing.situation.channel == Channel::UusimaaLocalDatabase && !sharing.is_within_healthcare();
    is_elsewhere.then(|| Finding::deny(Reason::NotShareable, Detail::LocalDatabaseNotPublicUusimaa))
}
