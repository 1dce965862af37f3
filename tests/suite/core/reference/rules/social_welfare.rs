//! Domain §6, within social welfare.

use lupa::wire::v1::{ConsentKind, Detail, Reason, Sector};

use super::{
    Rule, Spoken, consent_opens, denied, is_through_kanta, no_basis, not_open, not_shareable, outsourced,
    permit,
};
use crate::core::reference::consents::fault;
use crate::core::reference::directory::{is_holder_ready, shares_within_sector};
use crate::core::reference::world::Question;
use crate::core::reference::{claims, denials};

pub(in crate::core::reference) const RULES: [Rule; 6] = [
    ("sw-outsourced", outsourced),
    ("sw-not-open", sw_not_open),
    ("sw-statutory-right", sw_statutory_right),
    ("sw-denied", sw_denied),
    ("sw-consent", sw_consent),
    ("sw-no-basis", sw_no_basis),
];

fn sw_not_open(question: &Question) -> Option<Spoken> {
    let today = question.world.today();
    if !is_through_kanta(question) {
        return None;
    }
    not_open(
        question.world.calendar.social_sharing_from <= today,
        shares_within_sector(question.requester, today) && is_holder_ready(question, shares_within_sector),
    )
}

fn sw_statutory_right(question: &Question) -> Option<Spoken> {
    claims::statutory_right(question.request).contains(&true).then(|| permit(Reason::StatutoryRight))
}

fn sw_denied(question: &Question) -> Option<Spoken> {
    denied(&denials::within(question, Sector::SocialWelfare))
}

fn sw_consent(question: &Question) -> Option<Spoken> {
    consent_opens(question, ConsentKind::SocialWelfare).then(|| permit(Reason::Consent))
}

fn sw_no_basis(question: &Question) -> Option<Spoken> {
    if claims::statutory_right(question.request).contains(&false) {
        return Some(not_shareable(Detail::ClaimIncomplete));
    }
    let state = fault(question, ConsentKind::SocialWelfare, None);
    Some(no_basis(question, state))
}
