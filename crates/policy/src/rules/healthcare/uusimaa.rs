//! The right of access within public healthcare in Uusimaa (001, 002).

use super::super::{Account, Case, FactValue, Find, Finding, Period, Rule, Sharing, sources};
use crate::calendar::CalendarDate;
use crate::verdict::Reason;

pub(super) static HC_UUSIMAA: Rule = Rule {
    id: "hc-uusimaa",
    title: "Public healthcare in Uusimaa, the client informed of the right",
    sources: &[&sources::PAGE_001, &sources::PAGE_002],
    in_force: Period {
        from: Some(CalendarDate::UusimaaRightFrom),
        until: Some(CalendarDate::UusimaaRightUntil),
    },
    dates: &[],
    reasons: &[Reason::UusimaaInformed],
    find: Find::BySharing(find),
    account,
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    (sharing.is_within_uusimaa() && sharing.declared.opens_uusimaa.is_some())
        .then(|| Finding::plain(Reason::UusimaaInformed))
}

fn account(case: &Case<'_, '_>) -> Account {
    account_of_right(Account::default(), case.sharing)
}

/// Adds whether both registers are public healthcare in Uusimaa, and which version
/// that describes the right the client received when.
pub(super) fn account_of_right(account: Account, sharing: &Sharing<'_, '_>) -> Account {
    let (requester, holder) =
        (sharing.requester.is_uusimaa_public_healthcare(), sharing.holder.is_uusimaa_public_healthcare());
    let is = |is| if is { "is" } else { "is not" };
    let account = account
        .fact("requester.uusimaa_public_healthcare", requester)
        .fact("holder.uusimaa_public_healthcare", holder)
        .say(format!("the requester's register {} public healthcare in Uusimaa", is(requester)))
        .say(format!("the holder's {}", is(holder)));
    match &sharing.declared.opens_uusimaa {
        None => account
            .fact("information.opens_uusimaa", FactValue::None)
            .say("the client has received no version that opens Uusimaa"),
        Some(receipt) => {
            let (version, given_on) = (receipt.version(sharing.calendar), receipt.given_on);
            account
                .fact("information.opens_uusimaa", FactValue::Declaration(receipt.place()))
                .fact("information.version", version)
                .fact("information.received_on", given_on)
                .say(format!("the client received version {version} on {given_on}"))
        }
    }
}
