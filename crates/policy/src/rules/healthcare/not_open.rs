//! Sharing through Kanta within healthcare: only between registers that have
//! joined it (002).

use super::super::account::{End, holders_joined_kanta, outside_kanta};
use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, sources};
use crate::request::Channel;
use crate::verdict::{Detail, Reason};

pub(super) static HC_NOT_OPEN: Rule = Rule {
    id: "hc-not-open",
    title: "Through Kanta, and a register has not joined it",
    sources: &[&sources::PAGE_002],
    in_force: Period::ALWAYS,
    dates: &[],
    reasons: &[Reason::NotOpen],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    let joined = sharing.requester.register.has_joined_kanta(sharing.today)
        && sharing.is_holder_ready(|holder| holder.has_joined_kanta(sharing.today));
    let is_closed = sharing.situation.channel == Channel::Kanta && !joined;
    is_closed.then(|| Finding::deny(Reason::NotOpen, Detail::SystemNotReady))
}

fn account(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    outside_kanta(sharing).unwrap_or_else(|| {
        let account = Account::default().channel(sharing).joined_kanta(
            End::Requester,
            sharing.requester.register,
            sharing.today,
        );
        holders_joined_kanta(account, sharing)
    })
}
