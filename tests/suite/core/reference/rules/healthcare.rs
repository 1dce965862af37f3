//! Domain §6, within healthcare.

use lupa::wire::v1::{ConsentKind, Detail, Reason, RecordKind, Sector};

use super::{
    Rule, Spoken, consent_opens, denied, is_from_local_database, is_through_kanta, no_basis, not_open,
    not_shareable, outsourced, permit,
};
use crate::core::reference::consents::fault;
use crate::core::reference::directory::{are_both_uusimaa_public_healthcare, has_joined, is_holder_ready};
use crate::core::reference::information::{is_informed, opens_uusimaa};
use crate::core::reference::world::Question;
use crate::core::reference::{claims, denials};

pub(in crate::core::reference) const RULES: [Rule; 8] = [
    ("hc-outsourced", outsourced),
    ("hc-not-open", hc_not_open),
    ("hc-denied", hc_denied),
    ("hc-local-database", hc_local_database),
    ("hc-prescription", hc_prescription),
    ("hc-uusimaa", hc_uusimaa),
    ("hc-consent", hc_consent),
    ("hc-no-basis", hc_no_basis),
];

fn hc_not_open(question: &Question) -> Option<Spoken> {
    let today = question.world.today();
    let ready = has_joined(question.requester, today) && is_holder_ready(question, has_joined);
    if !is_through_kanta(question) {
        return None;
    }
    not_open(true, ready)
}

fn hc_denied(question: &Question) -> Option<Spoken> {
    let covers = denials::within(question, Sector::Healthcare);
    let emergency = claims::emergency(question.request).contains(&true);
    if emergency && denials::all_allow_emergency(&covers) {
        return None;
    }
    denied(&covers)
}

fn hc_local_database(question: &Question) -> Option<Spoken> {
    if !is_from_local_database(question) {
        None
    } else if !are_both_uusimaa_public_healthcare(question) {
        Some(not_shareable(Detail::LocalDatabaseNotPublicUusimaa))
    } else if !opens_uusimaa(&question.world) {
        Some(not_shareable(Detail::LocalDatabaseInformationTooOld))
    } else {
        None
    }
}

fn hc_prescription(question: &Question) -> Option<Spoken> {
    let world = &question.world;
    if question.record.kind() != RecordKind::Prescription {
        return None;
    }
    // Before the Act only the verbal consent opens, informed or not.
    if world.today() < world.calendar.act_in_force {
        return Some(match fault(question, ConsentKind::VerbalPrescription, None) {
            None => permit(Reason::Consent),
            Some(state) => not_shareable(state),
        });
    }
    Some(if is_informed(world) {
        permit(Reason::PrescriptionInformed)
    } else {
        not_shareable(Detail::InformationMissing)
    })
}

fn hc_uusimaa(question: &Question) -> Option<Spoken> {
    let world = &question.world;
    let calendar = world.calendar;
    let in_force = calendar.uusimaa_right_from <= world.today()
        && calendar.uusimaa_right_until.is_none_or(|until| world.today() < until);
    (are_both_uusimaa_public_healthcare(question) && opens_uusimaa(world) && in_force)
        .then(|| permit(Reason::UusimaaInformed))
}

fn hc_consent(question: &Question) -> Option<Spoken> {
    consent_opens(question, ConsentKind::Healthcare).then(|| permit(Reason::Consent))
}

fn hc_no_basis(question: &Question) -> Option<Spoken> {
    let state = fault(question, ConsentKind::Healthcare, None);
    Some(no_basis(question, state))
}
