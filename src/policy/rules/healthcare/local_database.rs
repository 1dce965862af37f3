//! A local database in Uusimaa, consent or not (002).

use super::super::{Case, Finding, InForce, Rule};
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
    find,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    if case.situation.channel != Channel::UusimaaLocalDatabase {
        return None;
    }
    if !(case.requester.is_uusimaa_public_healthcare() && case.holder.is_uusimaa_public_healthcare()) {
        return Some(Finding::deny(Reason::NotShareable, Detail::LocalDatabaseNotPublicUusimaa));
    }
    (!case.declared.opens_uusimaa)
        .then(|| Finding::deny(Reason::NotShareable, Detail::LocalDatabaseInformationTooOld))
}
