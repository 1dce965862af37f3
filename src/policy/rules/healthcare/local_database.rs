//! A local database in Uusimaa, consent or not (002).

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Reason};

pub(super) static HC_LOCAL_DATABASE: Rule = Rule {
    id: "hc-local-database",
    title: "A local database only within public healthcare in Uusimaa, the client informed of it",
    silent: "the record does not travel from a local database, or may",
    sources: &["002"],
    in_force: InForce::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find),
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    if sharing.situation.channel != Channel::UusimaaLocalDatabase {
        return None;
    }
    if !sharing.is_within_uusimaa() {
        return Some(Finding::deny(Reason::NotShareable, Detail::LocalDatabaseNotPublicUusimaa));
    }
    (!sharing.declared.opens_uusimaa)
        .then(|| Finding::deny(Reason::NotShareable, Detail::LocalDatabaseInformationTooOld))
}
