//! A local database is only for public healthcare in Uusimaa (002).

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::request::Channel;
use crate::verdict::{Detail, Reason};
use crate::words::Word;

pub(super) static LOCAL_DATABASE_ELSEWHERE: Rule = Rule {
    id: "local-database-elsewhere",
    title: "A local database, and not both registers in healthcare",
    sources: &[&sources::PAGE_002],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotShareable],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    let is_elsewhere =
        sharing.situation.channel == Channel::UusimaaLocalDatabase && !sharing.is_within_healthcare();
    is_elsewhere.then(|| Finding::deny(Reason::NotShareable, Detail::LocalDatabaseNotPublicUusimaa))
}

fn account(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    let (requester, holder) = (sharing.requester.register.kind.word(), sharing.holder.register.kind.word());
    let account =
        Account::default().channel(sharing).fact("requester.kind", requester).fact("holder.kind", holder);
    if sharing.situation.channel == Channel::UusimaaLocalDatabase {
        account.say(format!(
            "the record comes from a local database, from a register of kind {holder} to one of kind {requester}"
        ))
    } else {
        account.say("the record does not come from a local database")
    }
}
