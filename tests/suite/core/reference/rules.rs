//! Domain §6: the rules, in order, a list a file.

pub(super) mod across_sectors;
pub(super) mod everyone;
pub(super) mod healthcare;
pub(super) mod social_welfare;
pub(super) mod wellbeing;

use lupa::wire::v1::{Channel, Detail, Effect, Reason};

use super::world::Question;
use super::{consents, denials, information};

/// What a rule says when it speaks.
pub(super) struct Spoken {
    pub(super) effect: Effect,
    pub(super) reason: Reason,
    pub(super) detail: Detail,
    pub(super) necessary_data_only: bool,
}

/// A rule's id, and what it says of a question, if it speaks.
pub(super) type Rule = (&'static str, fn(&Question) -> Option<Spoken>);

fn permit(reason: Reason) -> Spoken {
    Spoken { effect: Effect::Permit, reason, detail: Detail::Unspecified, necessary_data_only: false }
}

fn permit_necessary_data(reason: Reason) -> Spoken {
    Spoken { necessary_data_only: true, ..permit(reason) }
}

pub(super) fn deny(reason: Reason, detail: Detail) -> Spoken {
    Spoken { effect: Effect::Deny, reason, detail, necessary_data_only: false }
}

fn not_shareable(detail: Detail) -> Spoken {
    deny(Reason::NotShareable, detail)
}

/// "SHARING_NOT_STARTED before the date, SYSTEM_NOT_READY after it." `None`: open.
fn not_open(started: bool, ready: bool) -> Option<Spoken> {
    if !started {
        Some(deny(Reason::NotOpen, Detail::SharingNotStarted))
    } else if !ready {
        Some(deny(Reason::NotOpen, Detail::SystemNotReady))
    } else {
        None
    }
}

fn is_through_kanta(question: &Question) -> bool {
    question.request.channel() == Channel::Kanta
}

fn is_from_local_database(question: &Question) -> bool {
    question.request.channel() == Channel::UusimaaLocalDatabase
}

fn denied(covers: &[denials::Cover]) -> Option<Spoken> {
    denials::first_told(covers).map(not_shareable)
}

fn outsourced(question: &Question) -> Option<Spoken> {
    super::directory::is_between_parties_of_outsourcing(question).then(|| permit(Reason::OutsourcedService))
}

/// "INFORMATION_MISSING if not informed; else the state of the client's latest
/// consent of the kind that would have opened it."
fn no_basis(question: &Question, state: Option<Detail>) -> Spoken {
    if !information::is_informed(&question.world) {
        return not_shareable(Detail::InformationMissing);
    }
    not_shareable(state.expect("a consent without a fault has permitted"))
}

fn consent_opens(question: &Question, kind: lupa::wire::v1::ConsentKind) -> bool {
    consents::fault(question, kind, None).is_none()
}
