//! Consent across sectors: a local one before the start of sharing through
//! Kanta (002, 003), the direction's own from it on (004), and the answer
//! where there is none.

use super::super::{Case, Finding, InForce, Rule, consent};
use super::claims::open_claims;
use super::consent_of_direction;
use crate::policy::calendar::CalendarDate;
use crate::policy::declaration::ConsentKind;
use crate::policy::oid::Oid;
use crate::policy::request::Channel;
use crate::policy::verdict::Reason;

pub(super) static XS_LOCAL_CONSENT: Rule = Rule {
    id: "xs-local-consent",
    title: "The client's local consent, between two registers of one controller, outside Kanta",
    silent: "no effective local consent of the one controller covers it outside Kanta",
    sources: &["002", "003"],
    in_force: InForce { from: None, until: Some(CalendarDate::CrossSectorFrom) },
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::LocalConsent],
    find: find_local_consent,
};

pub(super) static XS_CONSENT: Rule = Rule {
    id: "xs-consent",
    title: "The client's consent to sharing with the other sector",
    silent: "no effective consent covers the requester, the data and the recording day",
    sources: &["004"],
    in_force: InForce { from: Some(CalendarDate::CrossSectorFrom), until: None },
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::Consent],
    find: find_consent,
};

pub(super) static XS_NO_BASIS: Rule = Rule {
    id: "xs-no-basis",
    title: "Without a basis data is not shared with the other sector",
    silent: "there is a basis",
    sources: &["003", "004"],
    in_force: InForce::ALWAYS,
    dates: &[CalendarDate::ActInForce, CalendarDate::CrossSectorFrom],
    reasons: &[Reason::NotShareable],
    find: find_no_basis,
};

fn find_local_consent(case: &Case<'_, '_>) -> Option<Finding> {
    let is_local = case.situation.channel != Channel::Kanta;
    consent::permit(case, &local_consent(case)?, Reason::LocalConsent).filter(|_| is_local)
}

fn find_consent(case: &Case<'_, '_>) -> Option<Finding> {
    consent::permit(case, &consent_of_direction(case), Reason::Consent)
}

fn find_no_basis(case: &Case<'_, '_>) -> Option<Finding> {
    let kind = if case.today < case.calendar.cross_sector_from {
        local_consent(case)
    } else {
        Some(consent_of_direction(case))
    };
    Some(consent::no_basis(case, &open_claims(case), kind.as_ref()))
}

/// The local consent that would open it; none if the ends have two controllers.
fn local_consent<'c>(case: &Case<'c, '_>) -> Option<ConsentKind<'c>> {
    let controller: &'c Oid<'static> = &case.requester.controller.oid;
    case.requester
        .has_same_controller(&case.holder)
        .then(|| ConsentKind::LocalCrossSector { controller: controller.borrowed() })
}
