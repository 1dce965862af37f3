//! Consent across sectors: a local consent before the start of sharing through
//! Kanta (002, 003), the consent of the direction from the start on (004), and
//! the answer if there is neither.

use super::super::{Account, Case, Find, Finding, Period, Rule, Sharing, consent, sources};
use super::claims::open_claims;
use super::consent_of_direction;
use crate::calendar::CalendarDate;
use crate::declaration::ConsentKind;
use crate::oid::Oid;
use crate::request::Channel;
use crate::verdict::{Detail, Reason};

pub(super) static XS_LOCAL_CONSENT: Rule = Rule {
    id: "xs-local-consent",
    title: "The client's local consent, between two registers of one controller, outside Kanta",
    sources: &[&sources::PAGE_002, &sources::PAGE_003],
    in_force: Period { from: None, until: Some(CalendarDate::CrossSectorFrom) },
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::LocalConsent],
    find: Find::ByRecord(find_local_consent),
    account: account_of_local_consent,
};

pub(super) static XS_CONSENT: Rule = Rule {
    id: "xs-consent",
    title: "The client's consent to sharing with the other sector",
    sources: &[&sources::PAGE_004],
    in_force: Period { from: Some(CalendarDate::CrossSectorFrom), until: None },
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::Consent],
    find: Find::ByRecord(find_consent),
    account: account_of_consent,
};

pub(super) static XS_NO_BASIS: Rule = Rule {
    id: "xs-no-basis",
    title: "Without a basis data is not shared with the other sector",
    sources: &[&sources::PAGE_003, &sources::PAGE_004],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce, CalendarDate::CrossSectorFrom],
    reasons: &[Reason::NotShareable],
    find: Find::ByRecord(find_no_basis),
    account: account_of_no_basis,
};

fn find_local_consent(case: &Case<'_, '_>) -> Option<Finding> {
    let is_local = case.sharing.situation.channel != Channel::Kanta;
    consent::permit_covered(case, &local_consent(case.sharing)?, Reason::LocalConsent).filter(|_| is_local)
}

fn find_consent(case: &Case<'_, '_>) -> Option<Finding> {
    consent::permit_covered(case, &consent_of_direction(case.sharing), Reason::Consent)
}

fn find_no_basis(case: &Case<'_, '_>) -> Option<Finding> {
    let kind = if case.sharing.today < case.sharing.calendar.cross_sector_from {
        local_consent(case.sharing)
    } else {
        Some(consent_of_direction(case.sharing))
    };
    let consent = || match &kind {
        Some(kind) => consent::not_covered(case, kind),
        None => Finding::deny(Reason::NotShareable, Detail::ConsentMissing),
    };
    Some(consent::no_basis(case.sharing, &open_claims(case.sharing), consent))
}

/// The local consent that would open this sharing; none if the two registers have
/// different controllers.
fn local_consent<'c>(sharing: &Sharing<'c, '_>) -> Option<ConsentKind<'c>> {
    let Sharing { requester, holder, .. } = sharing;
    let controller: &'c Oid<'static> = &requester.controller.oid;
    requester
        .has_same_controller(holder)
        .then(|| ConsentKind::LocalCrossSector { controller: controller.borrowed() })
}

fn account_of_local_consent(case: &Case<'_, '_>) -> Account {
    let sharing = case.sharing;
    let account = Account::default().channel(sharing);
    match local_consent(sharing) {
        None => account
            .fact("requester.controller", sharing.requester.controller.oid.to_string())
            .fact("holder.controller", sharing.holder.controller.oid.to_string())
            .say("the two registers have different controllers, so no local consent opens this"),
        Some(_) if sharing.situation.channel == Channel::Kanta => {
            account.say("a local consent opens nothing through Kanta")
        }
        Some(kind) => consent::account(account, case, &kind),
    }
}

fn account_of_consent(case: &Case<'_, '_>) -> Account {
    consent::account(Account::default(), case, &consent_of_direction(case.sharing))
}

fn account_of_no_basis(case: &Case<'_, '_>) -> Account {
    consent::account_of_no_basis(case, &open_claims(case.sharing))
}
