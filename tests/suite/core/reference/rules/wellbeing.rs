//! Domain §6, wellbeing data.

use lupa::wire::v1::{ConsentKind, Reason};

use super::{Rule, Spoken, consent_opens, denied, is_through_kanta, no_basis, not_open, permit};
use crate::core::reference::consents::fault;
use crate::core::reference::denials;
use crate::core::reference::directory::has_joined;
use crate::core::reference::world::Question;

pub(in crate::core::reference) const RULES: [Rule; 4] = [
    ("wb-not-open", wb_not_open),
    ("wb-denied", wb_denied),
    ("wb-consent", wb_consent),
    ("wb-no-basis", wb_no_basis),
];

/// "Any channel but KANTA (the data is only there)": no system is ready for another.
fn wb_not_open(question: &Question) -> Option<Spoken> {
    let today = question.world.today();
    not_open(
        question.world.calendar.wellbeing_from <= today,
        is_through_kanta(question) && has_joined(question.requester, today),
    )
}

fn wb_denied(question: &Question) -> Option<Spoken> {
    denied(&denials::of_wellbeing_data(question))
}

fn wb_consent(question: &Question) -> Option<Spoken> {
    consent_opens(question, ConsentKind::WellbeingData).then(|| permit(Reason::Consent))
}

fn wb_no_basis(question: &Question) -> Option<Spoken> {
    let state = fault(question, ConsentKind::WellbeingData, None);
    Some(no_basis(question, state))
}
