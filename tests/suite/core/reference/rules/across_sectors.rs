//! Domain §6, across sectors.

use lupa::wire::v1::{ConsentKind, Detail, OrganisationKind, Reason, RecordKind};

use super::{
    Rule, Spoken, consent_opens, denied, is_through_kanta, no_basis, not_open, not_shareable, permit,
    permit_necessary_data,
};
use crate::core::reference::calendar::is_adult;
use crate::core::reference::consents::{fault, last_act_was_withdrawal};
use crate::core::reference::directory::{
    Side, has_joined, has_kind, holders_controller, is_holder_ready, is_ready, side,
};
use crate::core::reference::world::Question;
use crate::core::reference::{claims, denials};

pub(in crate::core::reference) const RULES: [Rule; 8] = [
    ("xs-not-open", xs_not_open),
    ("xs-authority", xs_authority),
    ("xs-denied", xs_denied),
    ("xs-joint-service", xs_joint_service),
    ("xs-unable", xs_unable),
    ("xs-local-consent", xs_local_consent),
    ("xs-consent", xs_consent),
    ("xs-no-basis", xs_no_basis),
];

/// Also for prescriptions it is the KANTA channel that is not open: §5 names
/// their date "prescriptions to social welfare through Kanta".
fn xs_not_open(question: &Question) -> Option<Spoken> {
    if !is_through_kanta(question) {
        return None;
    }
    let today = question.world.today();
    let calendar = question.world.calendar;
    let requester = question.requester;
    let mut started = calendar.cross_sector_from <= today;
    let mut ready = is_holder_ready(question, has_joined)
        && is_ready(requester, &requester.retrieves_across_sectors_from, today);
    if question.record.kind() == RecordKind::Prescription {
        started &= calendar.prescriptions_to_social_from <= today;
        ready &= is_ready(requester, &requester.retrieves_prescriptions_from, today);
    }
    not_open(started, ready)
}

fn xs_authority(question: &Question) -> Option<Spoken> {
    (is_open_to_authority(question) && claims::social_welfare_authority(question.request).contains(&true))
        .then(|| permit_necessary_data(Reason::StatutoryRight))
}

fn xs_denied(question: &Question) -> Option<Spoken> {
    denied(&denials::across_sectors(question))
}

fn xs_joint_service(question: &Question) -> Option<Spoken> {
    claims::joint_service(question.request)
        .contains(&true)
        .then(|| permit_necessary_data(Reason::JointService))
}

fn xs_unable(question: &Question) -> Option<Spoken> {
    let is_claimed =
        is_open_to_unable(question) && claims::client_unable_to_decide(question.request).contains(&true);
    (is_claimed && !last_act_was_withdrawal(question, direction(question)))
        .then(|| permit_necessary_data(Reason::ClientUnableToDecide))
}

fn xs_local_consent(question: &Question) -> Option<Spoken> {
    (!is_from_the_start(question)
        && !is_through_kanta(question)
        && state_of_local_consent(question).is_none())
    .then(|| permit(Reason::LocalConsent))
}

fn xs_consent(question: &Question) -> Option<Spoken> {
    (is_from_the_start(question) && consent_opens(question, direction(question)))
        .then(|| permit(Reason::Consent))
}

fn xs_no_basis(question: &Question) -> Option<Spoken> {
    let request = question.request;
    let incomplete = is_open_to_authority(question)
        && claims::social_welfare_authority(request).contains(&false)
        || claims::joint_service(request).contains(&false)
        || is_open_to_unable(question) && claims::client_unable_to_decide(request).contains(&false);
    if incomplete {
        return Some(not_shareable(Detail::ClaimIncomplete));
    }
    let state = if is_from_the_start(question) {
        fault(question, direction(question), None)
    } else {
        state_of_local_consent(question)
    };
    Some(no_basis(question, state))
}

fn is_from_the_start(question: &Question) -> bool {
    question.world.calendar.cross_sector_from <= question.world.today()
}

/// The kind of consent that opens this direction.
fn direction(question: &Question) -> ConsentKind {
    match side(question.holder) {
        Side::Healthcare => ConsentKind::PatientDataToSocialWelfare,
        Side::SocialWelfare => ConsentKind::ClientDataToHealthcare,
        Side::Wellbeing => panic!("wellbeing data has rules of its own"),
    }
}

/// Patient data to a public social-welfare organiser.
fn is_open_to_authority(question: &Question) -> bool {
    let organisers = [OrganisationKind::WellbeingServicesCounty, OrganisationKind::CityOfHelsinki];
    let controller = &question.requester.controller;
    side(question.holder) == Side::Healthcare && has_kind(question.world.directory, controller, &organisers)
}

/// Not to a minor, who has a guardian: the claim is not open, complete or not,
/// so that no condition is missing.
fn is_open_to_unable(question: &Question) -> bool {
    is_adult(question.world.client, question.world.today())
}

/// "CONSENT_MISSING if the ends have two controllers."
fn state_of_local_consent(question: &Question) -> Option<Detail> {
    let controller = &question.requester.controller;
    if *controller != holders_controller(question).oid {
        return Some(Detail::ConsentMissing);
    }
    fault(question, ConsentKind::LocalCrossSector, Some(controller))
}
