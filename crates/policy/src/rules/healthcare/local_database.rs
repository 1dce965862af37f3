//! A local database in Uusimaa, whether or not there is a consent (002).

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use super::uusimaa;
use crate::request::Channel;
use crate::verdict::{Detail, Reason};

pub(super) static HC_LOCAL_DATABASE: Rule = Rule {
    id: "hc-local-database",
    title: "A local database, unless both registers are public healthcare in Uusimaa and the client was informed",
    sources: &[&sources::PAGE_002],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    if sharing.situation.channel != Channel::UusimaaLocalDatabase {
        return None;
    }
    if !sharing.is_within_uusimaa() {
        return Some(Finding::deny(Reason::NotShareable, Detail::LocalDatabaseNotPublicUusimaa));
    }
    sharing
        .declared
        .opens_uusimaa
        .is_none()
        .then(|| Finding::deny(Reason::NotShareable, Detail::LocalDatabaseInformationTooOld))
}

fn account(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    let account = Account::default().channel(sharing);
    if sharing.situation.channel != Channel::UusimaaLocalDatabase {
        return account.say("the record does not come from a local database");
    }
    uusimaa::account_of_right(account, sharing)
}
